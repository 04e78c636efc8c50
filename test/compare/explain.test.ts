import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Ended, trilane } from '../daemon/trilane.ts'
import { labName } from '../lab/leftovers.ts'
import type { ExplainJson } from './json.ts'

const name = labName('explain')
const CONFIG = 'configs/vxlan-dual-stack.yaml'

beforeAll(async () => {
  const words = ['--config', CONFIG, '--nodes', '2', '--pods', '1', '--name', name]
  expect((await trilane('lab', 'up', ...words)).status).toBe(0)
}, 60_000)

afterAll(() => trilane('lab', 'down', '--name', name))

const exec = async (where: string, ...command: readonly string[]): Promise<Ended> =>
  trilane('lab', 'exec', '--name', name, where, '--', ...command)

/** In a place of the lab, with success. */
async function act(where: string, command: string): Promise<string> {
  const { status, stdout, stderr } = await exec(where, ...command.split(' '))
  expect(`${status} ${stderr}`).toBe('0 ')
  return stdout
}

async function explain(from: string, to: string): Promise<ExplainJson & { readonly status: number | null }> {
  const { status, stdout, stderr } = await trilane('explain', '--name', name, '--json', from, to)
  expect(stderr).toBe('')
  return { status, ...(JSON.parse(stdout) as ExplainJson) }
}

describe('trilane explain in a laboratory', () => {
  it('goes from pod to pod in both families, with rows as the kernel’s own tools print them', async () => {
    const { status, ways, works } = await explain('node1/pod1', 'node2/pod1')
    expect({ status, works }).toEqual({ status: 0, works: true })
    expect(ways.map(({ family, addedBytes }) => [family, addedBytes])).toEqual([
      ['v4', 50],
      ['v6', 70]
    ])
    let asked = 0
    for (const { hops, largest, back } of ways) {
      expect(largest).toMatchObject({ bytes: 1430, outcome: { kind: 'arrived' } })
      expect(back?.outcome).toMatchObject({ kind: 'arrived', place: 'node1/pod1' })
      for (const { place, direction, rows } of hops) {
        if (direction === 'in' && place !== 'node1' && place !== 'node2') continue
        for (const { table, text, command } of rows) {
          // A frame that a node takes in was asked about there, too.
          if (table !== 'route' && table !== 'fdb' && table !== 'sysctl') continue
          // Asked for one device, a tool does not repeat its name.
          const printed = command.includes(' show dev ') ? text.replace(/ dev \S+/, '') : text
          // In IPv6 it adds the device that the packet came in by, and the table.
          expect((await act(place, command)).replace(/ iif \S+| table local/g, '')).toContain(printed)
          asked++
        }
      }
    }
    expect(asked).toBeGreaterThan(15)
  })

  it('says it line by line, with commands that can be typed', async () => {
    const { stdout, status } = await trilane('explain', '--name', name, 'node1/pod1', 'node2/pod1')
    expect(status).toBe(0)
    expect(stdout).toMatch(/route +10\.5\.\d+\.0\/24 via 10\.5\.\d+\.0 dev flannel\.1 proto 133 onlink/)
    expect(stdout).toContain(`./trilane lab exec --name ${name} node1 -- bridge fdb show dev flannel.1`)
    expect(stdout).toContain('It arrives in node2/pod1, with 50 bytes added on the way.')
    expect(stdout).toContain('Packets of up to 1430 bytes fit.')
  })

  it('knows nodes, the machine outside and addresses; of an unknown word it says which there are', async () => {
    for (const [from, to] of [
      ['node1', 'node2'],
      ['node1', 'node2/pod1'],
      ['node1/pod1', 'outside'],
      ['outside', '192.168.77.2']
    ] as const) {
      expect(await explain(from, to), `${from} to ${to}`).toMatchObject({ works: true, status: 0 })
    }
    const unknown = await trilane('explain', '--name', name, 'node1', 'node9')
    expect(unknown).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/TRI_LAB_UNKNOWN.*node9.*node1\/pod1/)
    })
    const nowhere = await explain('node1/pod1', '192.0.2.1')
    expect(nowhere.ways[0]?.outcome).toMatchObject({
      kind: 'broken',
      place: 'node1',
      reason: expect.stringContaining('no route')
    })
  })

  it('on a node goes as far as the node knows', async () => {
    const { stdout: address } = await exec(
      'node2/pod1',
      'ip',
      '-4',
      '-json',
      'address',
      'show',
      'dev',
      'eth0'
    )
    const [{ addr_info }] = JSON.parse(address)
    const far = addr_info[0].local as string
    for (const ends of [['node1-pod1', far], ['node', far], [far]]) {
      const { stdout, status, stderr } = await exec(
        'node1',
        'trilane',
        'explain',
        '--socket',
        `/run/trilane-lab/${name}/node1/run/api.sock`,
        ...ends
      )
      expect(`${status} ${stderr}`, ends.join(' ')).toBe('0 ')
      expect(stdout).toContain('It leaves node by eth0; what becomes of it is decided elsewhere.')
      expect(stdout).toMatch(/fdb +\S+ dev flannel\.1 dst 192\.168\.77\.2 self permanent/)
    }
  })
})

describe('a fault that no daemon repairs', () => {
  let pids: readonly number[] = []

  beforeEach(async () => {
    const text = await readFile(`/run/trilane-lab/${name}/lab.json`, 'utf8')
    pids = (JSON.parse(text) as { readonly pids: readonly number[] }).pids
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
  })

  afterEach(() => {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  })

  const outcome = async (family: 'v4' | 'v6' = 'v4') => {
    const { status, ways } = await explain('node1/pod1', 'node2/pod1')
    return { status, way: ways.find((one) => one.family === family) }
  }

  it('a forwarding entry that is gone is named with its tunnel, and so is the way back', async () => {
    const shown = await act('node1', 'bridge fdb show dev flannel.1')
    const [entry = ''] = /^\S+ dst 192\.168\.77\.2/m.exec(shown) ?? []
    const [mac = ''] = entry.split(' ')
    await act('node1', `bridge fdb del ${mac} dev flannel.1 dst 192.168.77.2`)
    try {
      const there = await outcome()
      expect(there.status).toBe(1)
      expect(there.way?.outcome).toMatchObject({
        kind: 'broken',
        place: 'node1',
        device: 'flannel.1',
        reason: `the tunnel flannel.1 of node1 has no forwarding entry for ${mac}`
      })
      const back = await explain('node2/pod1', 'node1/pod1')
      expect(back.status).toBe(1)
      expect(back.ways.find(({ family }) => family === 'v4')).toMatchObject({
        outcome: { kind: 'arrived' },
        back: { outcome: { kind: 'broken', place: 'node1', device: 'flannel.1' } }
      })
      expect((await outcome('v6')).way?.outcome.kind).toBe('arrived')
    } finally {
      await act('node1', `bridge fdb append ${mac} dev flannel.1 dst 192.168.77.2`)
    }
    expect((await outcome()).status).toBe(0)
  })

  it('a node that does not forward is named with the device that the packet came in by', async () => {
    await act('node2', 'sysctl -q -w net.ipv4.ip_forward=0')
    try {
      const { status, way } = await outcome()
      expect(status).toBe(1)
      expect(way?.outcome).toMatchObject({
        kind: 'broken',
        place: 'node2',
        device: 'flannel.1',
        reason: 'node2 does not forward: net.ipv4.conf.flannel/1.forwarding is 0'
      })
    } finally {
      await act('node2', 'sysctl -q -w net.ipv4.ip_forward=1')
    }
  })

  it('an MTU that the tunnel’s packets do not fit into is named, though a ping passes', async () => {
    await act('node1', 'ip link set dev eth0 mtu 1400')
    try {
      const { status, way } = await outcome()
      expect(status).toBe(1)
      expect(way?.outcome.kind).toBe('arrived')
      expect(way?.largest).toMatchObject({
        bytes: 1430,
        outcome: {
          kind: 'broken',
          place: 'node1',
          device: 'eth0',
          reason: expect.stringMatching(/1480 bytes.*takes 1400/)
        }
      })
      const { stdout } = await trilane('explain', '--name', name, 'node1/pod1', 'node2/pod1')
      expect(stdout).toContain('Too large are packets of 1430 bytes')
    } finally {
      await act('node1', 'ip link set dev eth0 mtu 1500')
    }
  })

  it('a rule that drops is named', async () => {
    await act('node2', 'nft add table inet fault')
    try {
      await act('node2', 'nft add chain inet fault forward { type filter hook forward priority 10 ; }')
      await act('node2', 'nft add rule inet fault forward ip protocol icmp drop')
      const { way } = await outcome()
      expect(way?.outcome).toMatchObject({
        kind: 'broken',
        place: 'node2',
        reason: 'the packet filter of node2 drops it'
      })
      expect(way?.outcome).toMatchObject({
        rows: expect.arrayContaining([expect.objectContaining({ table: 'filter' })])
      })
    } finally {
      await act('node2', 'nft delete table inet fault')
    }
  })
})
