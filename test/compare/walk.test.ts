import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Captured, startProgram } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { trilane } from '../daemon/trilane.ts'
import type { WalkJson } from './json.ts'

const ADDED: Readonly<Record<string, readonly [v4: number, v6: number]>> = {
  macvlan: [0, 0],
  'host-gw': [0, 0],
  'vxlan-direct': [0, 0],
  vxlan: [50, 70]
}

let folder: string
let walks: readonly WalkJson[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trilane-walk-test-'))
  const { stdout, stderr } = await trilane('lab', 'walk', '--json', '--pcap', folder)
  expect(stderr).toContain('walk of vxlan')
  const report = JSON.parse(stdout) as { readonly walks: readonly WalkJson[]; readonly leftOut: string[] }
  expect(report.leftOut).toEqual([])
  walks = report.walks
}, 60_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

const ways = Object.keys(ADDED).flatMap((mode) =>
  (['v4', 'v6'] as const).flatMap((family) =>
    (['ping', 'tcp'] as const).map((packet) => ({ mode, family, packet }))
  )
)

describe.each(ways)('$packet of $family with $mode', ({ mode, family, packet }) => {
  const walk = (): WalkJson => {
    const found = walks.filter((one) => one.mode === mode && one.family === family && one.packet === packet)
    expect(found).toHaveLength(1)
    return found[0] as WalkJson
  }

  it('is seen at every device where it was predicted, looks as predicted, and nowhere else', () => {
    const { hops, equal, broken } = walk()
    const unlike = hops.filter((hop) => !hop.equal)
    expect(unlike).toEqual([])
    expect(equal).toBe(true)
    expect(broken).toBeUndefined()
    const places = hops.map(({ place, device, direction }) => `${place} ${device} ${direction}`)
    const [first, last] = [places[0], places.at(-1)]
    expect([first, last]).toEqual(['node1/pod1 eth0 out', 'node2/pod1 eth0 in'])
    expect(places).toEqual(expect.arrayContaining(['segment node1 in', 'segment node2 out']))
    if (mode !== 'macvlan')
      expect(places).toEqual(expect.arrayContaining(['node1 cni0 in', 'node2 cni0 out']))
  })

  it('has the bytes added that its mode adds, and comes later at every hop', () => {
    const { hops, addedBytes } = walk()
    expect(addedBytes).toBe(ADDED[mode]?.[family === 'v4' ? 0 : 1])
    expect(hops.reduce((sum, hop) => sum + hop.addedBytes, 0)).toBe(0)
    const times = hops.map(({ afterNs }) => afterNs ?? -1)
    expect(times[0]).toBe(0)
    expect([...times].sort((a, b) => a - b)).toEqual(times)
    expect(times.at(-1)).toBeGreaterThan(0)
  })

  it('names the row that decides wherever something changes', () => {
    const [, ...later] = walk().hops
    // What is taken out of a tunnel was for this node, as the route of its address says.
    for (const hop of later.filter(({ changed }) => changed.length > 0)) {
      expect(hop.rows.map(({ table }) => table)).toContain('route')
    }
    const routed = later.filter(({ changed }) => changed.some((field) => /ttl|hop limit/.test(field)))
    expect(routed).toHaveLength(mode === 'macvlan' ? 0 : 2)
    for (const hop of routed) expect(hop.changed).toContain('ethernet.source')
  })

  it('is a file that tcpdump reads, all hops in it in the order of time', async () => {
    const file = `${mode}-${family}-${packet}.pcap`
    expect(await readdir(folder)).toContain(file)
    const { status, stdout } = await run('tcpdump', '-nn', '-e', '-tt', '--nano', '-r', join(folder, file))
    expect(status).toBe(0)
    const lines = stdout
      .trim()
      .split('\n')
      .filter((line) => /^\d{10}\.\d{9} /.test(line))
    expect(lines).toHaveLength(walk().hops.length)
    expect([...lines].map((line) => line.slice(0, 20)).sort()).toEqual(lines.map((line) => line.slice(0, 20)))
    expect((await readFile(join(folder, file))).readUInt32LE(0)).toBe(0xa1b23c4d)
  })
})

async function run(...argv: readonly string[]): Promise<Captured> {
  const program = await startProgram(argv)
  program.stdin?.end()
  return program.exited
}
