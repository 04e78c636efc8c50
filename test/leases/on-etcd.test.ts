import { Etcd, type Flood, startFlood } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'

const ADDRESS = '192.168.77.100'
const CONFIG = '{"Network": "10.5.0.0/16", "Backend": {"Type": "vxlan"}}'
const PREFIX = '/coreos.com/network'

let cluster: Cluster
let etcd: Etcd
let node: ClusterNode
let pods: readonly [Pod, Pod]

beforeAll(async () => {
  cluster = await Cluster.prepare({ nodes: 2 })
  const host = await cluster.bed.addNode('etcd', { switch: cluster.segment, addresses: [`${ADDRESS}/24`] })
  etcd = await Etcd.start({ host, address: ADDRESS })
  await etcd.ctl(['put', `${PREFIX}/config`, CONFIG])
  await Promise.all(cluster.nodes.map(start))
  await cluster.settled()
  node = cluster.node(1)
  pods = [await cluster.attach(node, 'a'), await cluster.attach(cluster.node(2), 'a')]
}, 60_000)

afterAll(async () => {
  await etcd?.dispose()
  await cluster?.dispose()
}, 60_000)

const flags = () => ({
  'net-config-path': undefined,
  'store-directory': undefined,
  'etcd-endpoints': etcd.url
})

const start = (each: ClusterNode) => each.start(flags())

const keyOf = async (each: ClusterNode): Promise<string> => (await each.network()).lease?.key ?? ''

const isReady = (each: ClusterNode) =>
  each.wait('all is well', async () => (await each.network()).state === 'ready', 60_000)

async function lostWhile(act: () => Promise<void>): Promise<number> {
  const [from, to] = pods
  const [address = ''] = to.addresses
  const flood: Flood = await startFlood({ from: from.place, to: to.place, address, packetsPerSecond: 1000 })
  await act()
  return (await flood.stop()).lost
}

describe('daemons on etcd', () => {
  it('name an etcd that is down, and one of them starts meanwhile from what it remembers: no packet is lost', async () => {
    const keys = await Promise.all(cluster.nodes.map(keyOf))
    const lost = await lostWhile(async () => {
      await etcd.member(1).kill()
      for (const each of cluster.nodes) {
        await each.wait(
          'it is named',
          async () => (await each.network()).health.some(({ code }) => code === 'TRI_STORE_UNAVAILABLE'),
          60_000
        )
      }
      await node.stop()
      await start(node)
      await node.ready()
      const network = await node.network()
      expect(network.health.map(({ code }) => code)).toContain('TRI_STORE_REMEMBERED')
      expect(network).toMatchObject({ lease: { key: keys[0] }, peers: [{}], kernel: { writes: 0 } })
      await etcd.member(1).start()
      await etcd.ready()
      for (const each of cluster.nodes) await isReady(each)
    })
    expect(lost).toBe(0)
    expect(await Promise.all(cluster.nodes.map(keyOf))).toEqual(keys)
  }, 120_000)

  it('fill an etcd that lost its data with the leases that they had: no packet is lost', async () => {
    const keys = await Promise.all(cluster.nodes.map(keyOf))
    const stored = () => etcd.ctl(['get', '--prefix', `${PREFIX}/subnets/`, '--keys-only'])
    const lost = await lostWhile(async () => {
      await etcd.member(1).kill()
      await etcd.member(1).wipe()
      await etcd.member(1).start()
      await etcd.ready()
      await etcd.ctl(['put', `${PREFIX}/config`, CONFIG])
      await node.wait(
        'both are there again',
        async () => {
          const text = await stored()
          return keys.every((key) => text.includes(key))
        },
        60_000
      )
      for (const each of cluster.nodes) await isReady(each)
      await cluster.settled()
    })
    expect(lost).toBe(0)
    expect(await Promise.all(cluster.nodes.map(keyOf))).toEqual(keys)
  }, 120_000)

  it('keep what people reserve, and give back what is theirs when they go', async () => {
    const reserved = await node.trilane('lease', 'reserve', '10.5.7.0/24', '--for-ip=192.168.77.3')
    expect(reserved).toMatchObject({ status: 0, stdout: '10.5.7.0-24: reserved\n' })
    const three = await cluster.addNode(3)
    await start(three)
    await three.settled(2)
    expect(await keyOf(three)).toBe('10.5.7.0-24')
    expect((await node.trilane('lease', 'list')).stdout).toMatch(
      /10\.5\.7\.0\/24 +node3 .* reserved, in use$/m
    )
    await three.stop()
    // Without a daemon, by the flags of one.
    const listed = await three.trilane('lease', 'list', `--etcd-endpoints=${etcd.url}`)
    expect(listed.stdout).toContain('10.5.7.0/24')
    expect((await three.trilane('uninstall', ...three.flags(flags()))).status).toBe(0)
    await node.wait('nobody is to be reached there', async () => (await node.network()).peers.length === 1)
    expect((await etcd.ctl(['get', `${PREFIX}/subnets/10.5.7.0-24`])).length).toBeGreaterThan(0)
    const two = cluster.node(2)
    const key = await keyOf(two)
    await two.stop()
    expect((await two.trilane('uninstall', ...two.flags(flags()))).stdout).toContain(`lease release ${key}`)
    expect((await etcd.ctl(['get', `${PREFIX}/subnets/${key}`])).trim()).toBe('')
    await node.wait('it has no peer', async () => (await node.network()).peers.length === 0)
  }, 60_000)
})
