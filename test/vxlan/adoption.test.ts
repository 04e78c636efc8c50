import { leaseKey } from '@trilane/config'
import { type LeaseList, SILENT_LOGGER } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { LinuxFileLocks } from '@trilane/kernel-linux'
import { FileSubnetStore } from '@trilane/store-file'
import { type Flood, startFlood } from '@trilane/testbed'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster } from '../cluster/cluster.ts'
import { linesOf } from '../cluster/cluster-node.ts'
import { until } from '../cluster/until.ts'
import { systemClock } from '../store/system-clock.ts'
import { type FlannelNode, leaseOf, makeFlannelNode, plugIn, serve, TUNNELS } from './flannel-node.ts'

let cluster: Cluster | undefined
let store: FileSubnetStore | undefined

afterEach(async () => {
  await store?.close()
  await cluster?.dispose()
  store = cluster = undefined
})

/** Two nodes that flanneld left, a pod on each, and their leases in the store. */
async function flannelsCluster(): Promise<{
  nodes: readonly [FlannelNode, FlannelNode]
  floods: () => Promise<Flood[]>
  leases: () => Promise<LeaseList['leases']>
}> {
  const made = await Cluster.prepare({ nodes: 2, config: 'vxlan-dual-stack' })
  cluster = made
  const opened = new FileSubnetStore({
    directory: made.storeDirectory,
    locks: new LinuxFileLocks(),
    clock: systemClock,
    logger: SILENT_LOGGER
  })
  store = opened
  const nodes = [
    await makeFlannelNode(made.node(1), 1, ['v4', 'v6']),
    await makeFlannelNode(made.node(2), 2, ['v4', 'v6'])
  ] as const
  const [first, second] = nodes
  await serve(first, second)
  await serve(second, first)
  for (const node of nodes) await opened.create(leaseOf(node), 86_400_000)
  const pods = [await plugIn(made.bed, first, 'a'), await plugIn(made.bed, second, 'b')] as const
  // The kernel itself writes when duplicate address detection of a new device ends, seconds later.
  for (const { node } of nodes) {
    await until(
      'its addresses are settled',
      async () => (await node.ip('-6', 'address', 'show', 'tentative')) === ''
    )
  }
  const floods = async (): Promise<Flood[]> => {
    const [from, to] = pods
    const ways = [
      ...to.addresses.map((address) => ({ from: from.place, to: to.place, address })),
      ...from.addresses.map((address) => ({ from: to.place, to: from.place, address }))
    ]
    return Promise.all(ways.map((way) => startFlood({ ...way, packetsPerSecond: 1000 })))
  }
  return { nodes, floods, leases: async () => (await opened.list()).leases }
}

async function expectNoLoss(floods: readonly Flood[]): Promise<void> {
  for (const flood of floods) {
    const { sent, lost, duplicates } = await flood.stop()
    expect({ lost, duplicates }).toEqual({ lost: 0, duplicates: 0 })
    expect(sent).toBeGreaterThan(500)
  }
}

describe('a node that comes from flannel', () => {
  it('loses no packet, keeps its subnet and its MACs, and is served by flanneld as before', async () => {
    const { nodes, floods, leases } = await flannelsCluster()
    const [first, second] = nodes
    const before = await second.node.kernelText()
    const streams = await floods()
    await first.node.start()
    await first.node.ready()
    await first.node.wait('it serves its peer', async () => {
      const { peers } = await first.node.network()
      return peers.length === 1 && peers.every(({ wanted, present }) => wanted === 6 && present === wanted)
    })
    const macs = [first.macs.v4, first.macs.v6]
    for (const [at, device] of Object.values(TUNNELS).entries()) {
      const text = await first.node.ip('-d', 'link', 'show', device)
      expect(text).toContain(`link/ether ${macs[at]}`)
      expect(text).toContain('alias trilane:default')
    }
    expect(await first.node.routes('all')).not.toContainEqual(expect.stringMatching(/flannel.*proto boot/))
    const ours = (await leases()).find(({ lease }) => lease.node !== undefined)
    expect(ours?.key).toBe(leaseKey(leaseOf(first).subnets))
    expect(ours?.lease.backendData).toEqual(leaseOf(first).backendData)
    // The other node is flannel's to this moment, and needed no change.
    expect(await second.node.kernelText()).toBe(before)

    await second.node.start()
    await second.node.ready()
    await second.node.settled(1)
    // Daemons that come again find the MACs in their own leases.
    await first.node.restart()
    await first.node.settled(1)
    await expectNoLoss(streams)
    for (const [at, device] of Object.values(TUNNELS).entries()) {
      const subnet = [second.subnets.v4, second.subnets.v6][at]
      const mac = [second.macs.v4, second.macs.v6][at]
      const neighbours = await first.node.ip('neigh', 'show', 'dev', device, 'nud', 'permanent')
      expect(linesOf(neighbours)).toEqual([`${subnet?.address} lladdr ${mac} PERMANENT`])
    }
  })

  it('goes back to flannel without a loss', async () => {
    const { nodes, floods } = await flannelsCluster()
    const [{ node }, second] = nodes
    const streams = await floods()
    await node.start()
    await node.ready()
    await node.settled(1)
    await node.stop()
    for (const device of [...Object.values(TUNNELS), 'cni0'])
      await node.ip('link', 'set', device, 'alias', '')
    await serve(nodes[0], second)
    expect(await node.routes('ours')).toEqual([])
    expect((await node.routes('all')).filter((route) => route.includes('onlink'))).toEqual([
      expect.stringMatching(/^10\.5\.72\.0\/24 via 10\.5\.72\.0 dev flannel\.1/),
      expect.stringMatching(/^fd00:5:0:72::\/64 via fd00:5:0:72:: dev flannel-v6\.1/)
    ])
    await expectNoLoss(streams)
  })

  it('is rid of what flanneld left of nodes that are gone, on the devices', async () => {
    const { nodes } = await flannelsCluster()
    const [first] = nodes
    await serve(first, {
      ...first,
      macs: { v4: '02:00:00:00:00:99' },
      subnets: { v4: Prefix.parse('10.5.99.0/24') },
      publicAddresses: { v4: '192.168.77.99' }
    })
    await first.node.start()
    await first.node.ready()
    await first.node.settled(1)
    await first.node.wait('the leftovers are gone', async () => {
      const neighbours = await first.node.ip('neigh', 'show', 'nud', 'permanent')
      const fdb = await first.node.place.run(['bridge', 'fdb', 'show', 'dev', TUNNELS.v4])
      return !neighbours.includes('10.5.99.0') && !fdb.stdout.includes('02:00:00:00:00:99')
    })
    // Not marked, not wanted, not ours to remove: it leads nowhere, as its gateway has no MAC any more.
    expect(linesOf(await first.node.ip('route', 'show', '10.5.99.0/24'))).toHaveLength(1)
  })

  it('keeps its hands off a device with another port, and says how it differs', async () => {
    const made = await Cluster.prepare({ nodes: 1, config: 'vxlan' })
    cluster = made
    const node = made.node(1)
    const words = 'type vxlan id 1 local 192.168.77.1 dev eth0 dstport 4789 nolearning'
    await node.ip('link', 'add', TUNNELS.v4, ...words.split(' '))
    const before = await node.ip('-d', 'link', 'show', TUNNELS.v4)
    await node.start()
    await node.ready()
    const { state, kernel } = await node.network()
    expect(state).toBe('degraded')
    expect(kernel.missing.join('\n')).toContain('ip link set dev flannel.1')
    expect(node.log()).toMatch(/TRI_KERNEL_EXISTS.*link flannel\.1 has port 4789, wanted 8472/)
    expect(await node.ip('-d', 'link', 'show', TUNNELS.v4)).toBe(before)
    await node.ip('link', 'del', TUNNELS.v4)
    await node.wait('its own device is there', async () => (await node.network()).state === 'ready')
  })

  it.each([
    ['tunnels', TUNNELS.v4],
    ['bridge', 'cni0']
  ])('would lose packets with a MAC of its %s that nobody knows yet', async (_, device) => {
    const { nodes, floods } = await flannelsCluster()
    const [, second] = nodes
    const streams = await floods()
    await second.node.ip('link', 'set', device, 'address', '02:00:00:00:00:77')
    await new Promise((resolve) => setTimeout(resolve, 100))
    const lost = await Promise.all(streams.map(async (stream) => (await stream.stop()).lost))
    expect(Math.max(...lost)).toBeGreaterThan(0)
  })
})
