import { startFlood } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, machineIdOf, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { TunnelView } from '../cluster/tunnel.ts'

/** Numbers are those of flannel's scenarios in docs/testing.md. */
let cluster: Cluster
let pods: readonly Pod[]

beforeAll(async () => {
  cluster = await Cluster.create({ nodes: 3, config: 'vxlan' })
  pods = await Promise.all(cluster.nodes.map((node) => cluster.attach(node, 'a')))
})

afterAll(() => cluster?.dispose())

async function keyOf(node: ClusterNode): Promise<string> {
  return (await node.network()).lease?.key ?? ''
}

/** What of a lease does not change by itself. */
async function lastingLease(key: string): Promise<unknown> {
  return JSON.parse(await cluster.leaseText(key)).value
}

/** In vxlan's part of the kernel. */
async function peersOf(node: ClusterNode): Promise<string[]> {
  return (await TunnelView.of(node)).peers.map(({ subnet }) => subnet).sort()
}

const subnetOf = (key: string): string => key.replace('-', '/')

describe('leases among nodes of vxlan', () => {
  it('1: three nodes that start at once are a full mesh', async () => {
    const keys = await Promise.all(cluster.nodes.map(keyOf))
    expect(new Set(keys).size).toBe(3)
    for (const [at, node] of cluster.nodes.entries()) {
      const others = keys.filter((_, other) => other !== at).map(subnetOf)
      expect(await peersOf(node)).toEqual(others.sort())
    }
    await podsTalk(pods)
  })

  it('2: a daemon that starts again has its lease again, writes nothing and loses no packet', async () => {
    const [one, two] = [cluster.node(1), cluster.node(2)]
    const key = await keyOf(two)
    const before = { lease: await lastingLease(key), kernel: (await TunnelView.of(two)).text }
    const [from, to] = pods
    if (from === undefined || to === undefined) throw new Error('there are no pods')
    const flood = await startFlood({ from: from.place, to: to.place, address: to.addresses[0] ?? '' })
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await two.restart(signal)
      await two.settled(2)
      expect(await keyOf(two)).toBe(key)
      expect((await two.network()).kernel).toMatchObject({ writes: 0, missing: [] })
    }
    expect({ lease: await lastingLease(key), kernel: (await TunnelView.of(two)).text }).toEqual(before)
    expect((await one.network()).state).toBe('ready')
    const { lost, sent } = await flood.stop()
    expect(lost).toBe(0)
    expect(sent).toBeGreaterThan(500)
  })

  it('3: a node whose key was lost while it was down, and whose machine is another, takes its former subnet', async () => {
    const three = cluster.node(3)
    const key = await keyOf(three)
    await three.stop()
    await cluster.removeLease(key)
    await cluster.node(1).wait('it is gone', async () => (await peersOf(cluster.node(1))).length === 1)
    // No choice by machine id would be this subnet again: it stands in subnet.env.
    await three.start({ 'machine-id': machineIdOf('another') })
    await cluster.settled()
    expect(await keyOf(three)).toBe(key)
    await podsTalk(pods)
  })

  it('13: a peer that was removed while the daemon was down leaves nothing behind', async () => {
    const [one, three] = [cluster.node(1), cluster.node(3)]
    const key = await keyOf(three)
    const gone = (await TunnelView.of(one)).peers.find(({ subnet }) => subnet === subnetOf(key))
    expect(gone?.mac).toMatch(/^..:/)
    await one.stop()
    await three.stop()
    await cluster.removeLease(key)
    await one.start()
    await one.settled(1)
    const { text } = await TunnelView.of(one)
    for (const trace of [gone?.mac ?? '', gone?.gateway ?? '', gone?.destination ?? ''])
      expect(text).not.toContain(trace)
    await podsTalk(pods.slice(0, 2))
    await three.start({ 'machine-id': machineIdOf('another') })
    await cluster.settled()
    await podsTalk(pods)
  })

  it('6: leases of other types and with keys of others harm nobody, and are served where that can be', async () => {
    const one = cluster.node(1)
    const mac = '02:00:00:00:00:'
    const vtep = (last: string): unknown => ({ VNI: 1, VtepMAC: `${mac}${last}` })
    const written = {
      '10.5.1.0-24': {
        PublicIP: '192.168.77.101',
        PublicIPv6: null,
        BackendType: 'vxlan',
        BackendData: { VNI: 1, VtepMAC: `${mac}01`, Colour: 'blue' },
        Somebody: { else: [1, 2, 3] }
      },
      '10.5.2.0-24': {
        publicip: '192.168.77.102',
        BACKENDTYPE: 'vxlan',
        backenddata: { vtepmac: `${mac}02` }
      },
      // Of ours, which answers whoever sends to it; and of flanneld, which would not.
      '10.5.3.0-24': {
        PublicIP: '192.168.77.103',
        BackendType: 'host-gw',
        Trilane: { machineId: machineIdOf('three'), name: 'three' }
      },
      '10.5.8.0-24': { PublicIP: '192.168.77.108', BackendType: 'host-gw' },
      '10.5.4.0-24': {
        PublicIP: '192.168.77.104',
        BackendType: 'wireguard',
        BackendData: { PublicKey: 'x' }
      },
      '10.5.5.0-24': {
        PublicIP: '192.168.77.105',
        BackendType: 'vxlan',
        BackendData: { VNI: 1, VtepMAC: 'none' }
      },
      '10.5.6.0-24': { PublicIP: '192.168.77.106', BackendType: 'vxlan', BackendData: null },
      '10.5.7.0-24': { PublicIP: null, BackendType: 'vxlan', BackendData: vtep('07') },
      '10.5.0.0-16': { PublicIP: '192.168.77.111', BackendType: 'vxlan', BackendData: vtep('08') },
      '10.6.0.0-24': { PublicIP: '192.168.77.109', BackendType: 'vxlan', BackendData: vtep('09') },
      'no-key': { PublicIP: '192.168.77.110', BackendType: 'vxlan', BackendData: vtep('10') }
    }
    const before = await peersOf(one)
    try {
      await cluster.writeLeases(written)
      const served = ['10.5.1.0/24', '10.5.2.0/24']
      await one.wait('it serves those that can be', async () => {
        const peers = await peersOf(one)
        return peers.join() === [...before, ...served].sort().join()
      })
      await one.wait('host-gw carries its own', async () =>
        (await one.routes()).some((route) => route.startsWith('10.5.3.0/24 via 192.168.77.103 dev eth0'))
      )
      // Each of the others is named, alone.
      await one.wait('it names the others', async () => {
        const { health, peers } = await one.network()
        const words = JSON.stringify([health, peers.filter(({ error }) => error !== undefined)])
        return Object.keys(written)
          .filter((key) => !/^10\.5\.[123]\.0-24$/.test(key))
          .every((key) => words.includes(key) || words.includes(subnetOf(key)))
      })
      const routes = (await one.routes('all')).join('\n')
      for (const subnet of [
        '10.5.8.0/24',
        '10.5.4.0/24',
        '10.5.5.0/24',
        '10.5.6.0/24',
        '10.5.7.0/24',
        '10.6.0.0/24'
      ])
        expect(routes).not.toContain(subnet)
      await podsTalk(pods)
    } finally {
      for (const key of Object.keys(written)) await cluster.removeLease(key)
    }
    await one.wait('they are gone', async () => (await peersOf(one)).join() === before.join())
    await one.wait('it is ready again', async () => (await one.network()).state === 'ready')
  })

  it('10: two nodes with one public address have a subnet each, name each other, and serve everybody else', async () => {
    const four = await cluster.addNode(4)
    const five = await cluster.addNode(5)
    const flags = { 'public-ip': '192.168.77.99' }
    await Promise.all([four.start(flags), five.start(flags)])
    await Promise.all([four.ready(), five.ready()])
    const [fourth, fifth] = [await keyOf(four), await keyOf(five)]
    expect(fourth).not.toBe(fifth)
    for (const [node, other] of [
      [four, fifth],
      [five, fourth]
    ] as const) {
      await node.wait('it names the other', async () => {
        const { health, state } = await node.network()
        return (
          health.some(({ text }) => text.includes(other) && text.includes('public address of this node')) &&
          state !== 'starting'
        )
      })
      expect((await peersOf(node)).length).toBe(3)
      expect((await node.trilane('status')).stdout).toContain(
        `lease ${other} is skipped: it has the public address`
      )
    }
    await podsTalk(pods)
  })
})
