import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../cluster/until.ts'
import { startTrilane, trilane } from '../daemon/trilane.ts'
import { labName, leftovers } from './leftovers.ts'

/** As `lab run --json` prints it: what others may rely on. */
interface Report {
  readonly nodes: readonly {
    readonly name: string
    readonly mac: string
    readonly pods: readonly { readonly name: string; readonly mac: string }[]
  }[]
  readonly reachability: { readonly expected: number; readonly passed: number }
  readonly ways: readonly {
    readonly from: string
    readonly to: string
    readonly source: string
    readonly destination: string
    readonly mtuBytes: number
    readonly fits: boolean
    readonly oneMoreRefused: boolean
    readonly lane?: string
    readonly wire?: unknown
    readonly failures: readonly string[]
  }[]
}

interface Promised {
  readonly config: string
  readonly families: readonly ('v4' | 'v6')[]
  readonly lane: string
  /** Of the pods, whose bridge carries both families. */
  readonly mtuBytes: number
  /** What VXLAN and the outer IP header add to it in each family; absent: plain packets. */
  readonly overheadBytes?: { readonly v4: number; readonly v6: number }
  /** In each family. */
  readonly pairs: number
  /** What the switch sees of plain packets. @default 'nodes' */
  readonly macs?: 'nodes' | 'pods'
}

/** 6 pods: each to 5 others and outside; 3 nodes: each to the 4 pods of the others. */
const ROUTED = 6 * 6 + 3 * 4
/** 6 pods: each to 5 others, 3 nodes, outside and what is behind the router; 3 nodes and outside to all 6. */
const ON_SEGMENT = 6 * 10 + 4 * 6

const OVERHEAD_BYTES = { v4: 50, v6: 70 }
const ETHERNET_BYTES = 14

const PROMISED: readonly Promised[] = [
  { config: 'host-gw', families: ['v4'], lane: 'host-gw', mtuBytes: 1500, pairs: ROUTED },
  { config: 'host-gw-dual-stack', families: ['v4', 'v6'], lane: 'host-gw', mtuBytes: 1500, pairs: ROUTED },
  {
    ...{ config: 'vxlan', families: ['v4'], lane: 'vxlan', mtuBytes: 1450, pairs: ROUTED },
    overheadBytes: OVERHEAD_BYTES
  },
  {
    ...{ config: 'vxlan-dual-stack', families: ['v4', 'v6'], lane: 'vxlan', mtuBytes: 1430, pairs: ROUTED },
    overheadBytes: OVERHEAD_BYTES
  },
  {
    ...{ config: 'vxlan-ipv6', families: ['v6'], lane: 'vxlan', mtuBytes: 1430, pairs: ROUTED },
    overheadBytes: OVERHEAD_BYTES
  },
  // What a node behind a router needs is kept free on the way to all.
  { config: 'vxlan-direct-routing', families: ['v4'], lane: 'host-gw', mtuBytes: 1450, pairs: ROUTED },
  {
    ...{ config: 'macvlan', families: ['v4'], lane: 'macvlan', mtuBytes: 1500, pairs: ON_SEGMENT },
    macs: 'pods'
  },
  {
    ...{ config: 'macvlan-dual-stack', families: ['v4', 'v6'], lane: 'macvlan', mtuBytes: 1500 },
    ...{ pairs: ON_SEGMENT, macs: 'pods' }
  }
]

const familyOf = (address: string): 'v4' | 'v6' => (address.includes(':') ? 'v6' : 'v4')

/** Whose frames these are: of `node1/pod1`, or of its node. */
function senderOf(nodes: Report['nodes'], from: string, macs: Promised['macs']): string | undefined {
  const [name, podName] = from.split('/')
  const node = nodes.find((one) => one.name === name)
  return macs === 'pods' ? node?.pods.find((pod) => pod.name === podName)?.mac : node?.mac
}

describe('the ready configs, in the lab', () => {
  it.each(PROMISED)(
    '$config: everybody is reached, exactly the MTU passes, and the wire shows $lane',
    async (promised) => {
      const { config, families, lane, mtuBytes, overheadBytes, pairs, macs } = promised
      const name = labName('config')
      const words = ['--config', `configs/${config}.yaml`, '--json', '--name', name]
      const { status, stdout, stderr } = await trilane('lab', 'run', ...words)
      expect(stderr).not.toMatch(/TRI_/)
      const { nodes, reachability, ways } = JSON.parse(stdout) as Report
      expect(ways.flatMap(({ failures }) => failures)).toEqual([])
      expect(status).toBe(0)
      const expected = families.length * pairs
      expect(reachability).toMatchObject({ expected, passed: expected })
      expect(ways).toHaveLength(3 * 2 * families.length)
      expect(new Set(ways.map(({ destination }) => familyOf(destination)))).toEqual(new Set(families))
      for (const way of ways) {
        expect(way).toMatchObject({ lane, mtuBytes, fits: true, oneMoreRefused: true })
        const family = familyOf(way.destination)
        const outer = {
          vni: 1,
          port: 8472,
          source: expect.stringMatching(family === 'v4' ? /^192\.168\.77\./ : /^fd77::/)
        }
        expect(way.wire).toMatchObject(
          overheadBytes === undefined
            ? { in: 'plain', bytes: mtuBytes + ETHERNET_BYTES, mac: senderOf(nodes, way.from, macs) }
            : { in: 'vxlan', ...outer, bytes: mtuBytes + overheadBytes[family] + ETHERNET_BYTES }
        )
      }
      expect(leftovers(name)).toEqual([])
    }
  )
})

describe('a config of my own', () => {
  let directory: string

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lab-test-'))
  })

  afterAll(() => rm(directory, { recursive: true }))

  it('is seen with its own VNI and port, in words without colour', async () => {
    const config = join(directory, 'own.yaml')
    await writeFile(
      config,
      'Network: 10.5.0.0/16\nBackend: {Type: vxlan, VNI: 4711, Port: 4789, MTU: 1400}\n'
    )
    const words = ['--config', config, '--nodes', '2', '--pods', '1', '--name', labName('own')]
    const { status, stdout } = await trilane('lab', 'run', ...words)
    expect(stdout).toMatch(/^between nodes {2}all 2 as promised$/m)
    expect(stdout).toMatch(
      /^ {2}✓ node1\/pod1 → node2\/pod1 {2}10\.5\.\d+\.2 → 10\.5\.\d+\.2 {2}vxlan {2}1350 bytes pass, 1351 are refused$/m
    )
    expect(stdout).toMatch(
      /^ {6}on the wire: VXLAN 4711, 192\.168\.77\.1 → 192\.168\.77\.2 port 4789, 1414 bytes$/m
    )
    expect(stdout).not.toContain('\u001b')
    expect(status).toBe(0)
  })

  it('exits 1 and says what is otherwise, when the wire no longer carries what was promised', async () => {
    const name = labName('small')
    const lab = startTrilane(['lab', 'run', '--config', 'configs/vxlan.yaml', '--nodes', '2', '--name', name])
    await until('its pods are there', () => lab.stderr().includes('checking every pair'))
    const namespace = readdirSync('/run/netns').find((entry) => entry.endsWith(`-${name}--node-node1`)) ?? ''
    await promisify(execFile)('ip', ['-n', namespace, 'link', 'set', 'dev', 'eth0', 'mtu', '1400'])
    const { status, stdout } = await lab.ended
    // The pods were there before: small packets pass, one of their MTU no longer.
    expect(stdout).toMatch(/^reachability {2}all /m)
    expect(stdout).toMatch(/^between nodes {2}[12] of 2 otherwise$/m)
    expect(stdout).toMatch(
      /^ {2}✗ node1\/pod1 → node2\/pod1 .* 1450 bytes do not pass, 1451 are (?:not )?refused$/m
    )
    expect(stdout).toMatch(/^ {6}the segment saw nothing of it$/m)
    expect(status).toBe(1)
    expect(leftovers(name)).toEqual([])
  })
})
