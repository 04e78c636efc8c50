import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Etcd, type Flood, startFlood } from '@trilane/testbed'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cluster, type Pod } from '../cluster/cluster.ts'

// What flannel's users know by heart, and what docs/running-with-etcd.md says.
const CONFIG = '{ "Network": "10.5.0.0/16", "Backend": {"Type": "vxlan"}}'
const ETCD = '192.168.77.100'

let cluster: Cluster
let etcd: Etcd
let pods: readonly [Pod, Pod]

beforeAll(async () => {
  cluster = await Cluster.prepare({ nodes: 2 })
  const host = await cluster.bed.addNode('etcd', { switch: cluster.segment, addresses: [`${ETCD}/24`] })
  etcd = await Etcd.start({ host, address: ETCD })
}, 60_000)

afterAll(async () => {
  await etcd?.dispose()
  await cluster?.dispose()
}, 60_000)

const start = (number: number) =>
  cluster.node(number).start({
    'net-config-path': undefined,
    'store-directory': undefined,
    'etcd-endpoints': etcd.url
  })

const subnetEnv = (number: number) => readFile(cluster.node(number).file('subnet.env'), 'utf8')

async function lostWhile(act: () => Promise<void>): Promise<number> {
  const [from, to] = pods
  const [address = ''] = to.addresses
  const flood: Flood = await startFlood({ from: from.place, to: to.place, address, packetsPerSecond: 1000 })
  await act()
  return (await flood.stop()).lost
}

it('is written as the docs have it', () => {
  const page = readFileSync(new URL('../../docs/running-with-etcd.md', import.meta.url), 'utf8')
  expect(page).toContain(`etcdctl put /coreos.com/network/config '${CONFIG}'`)
})

it('etcdctl put, a daemon on each node, subnet.env, ping', async () => {
  await Promise.all([start(1), start(2)])
  await cluster
    .node(1)
    .wait('it waits for a config', async () => cluster.node(1).log().includes('TRI_CONFIG_MISSING'))
  await etcd.ctl(['put', '/coreos.com/network/config', CONFIG])
  await cluster.settled()
  const [first, second] = await Promise.all([subnetEnv(1), subnetEnv(2)])
  for (const text of [first, second]) {
    expect(text).toMatch(
      /^FLANNEL_NETWORK=10\.5\.0\.0\/16\nFLANNEL_SUBNET=10\.5\.\d+\.1\/24\nFLANNEL_MTU=1450\n/
    )
  }
  expect(first).not.toBe(second)
  const keys = await etcd.ctl(['get', '--prefix', '/coreos.com/network/subnets/', '--keys-only'])
  expect(keys.trim().split(/\n+/)).toHaveLength(2)
  pods = [await cluster.attach(cluster.node(1), 'a'), await cluster.attach(cluster.node(2), 'a')]
  const [address = ''] = pods[1].addresses
  await pods[0].place.run(['ping', '-c', '3', '-i', '0.2', address])
})

it('an etcd that dies and comes back costs no packet', async () => {
  const before = await Promise.all([subnetEnv(1), subnetEnv(2)])
  const lost = await lostWhile(async () => {
    await etcd.member(1).kill()
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    await etcd.member(1).start()
    await etcd.ready()
    await cluster.settled()
  })
  expect(lost).toBe(0)
  expect(await Promise.all([subnetEnv(1), subnetEnv(2)])).toEqual(before)
})

it('a daemon that starts again finds its lease, and costs no packet', async () => {
  const lost = await lostWhile(async () => {
    await cluster.node(1).stop()
    await start(1)
    await cluster.node(1).ready()
    await cluster.settled()
  })
  expect(lost).toBe(0)
})

it('an etcd that comes back with nothing gets the leases again, with the same subnets', async () => {
  const before = await Promise.all([subnetEnv(1), subnetEnv(2)])
  await etcd.member(1).kill()
  await etcd.member(1).wipe()
  await etcd.member(1).start()
  await etcd.ready()
  await cluster.node(1).wait('both leases are there again', async () => {
    const keys = await etcd.ctl(['get', '--prefix', '/coreos.com/network/subnets/', '--keys-only'])
    return keys.trim().split(/\n+/).length === 2
  })
  await cluster.settled()
  expect(await Promise.all([subnetEnv(1), subnetEnv(2)])).toEqual(before)
  expect(await lostWhile(async () => {})).toBe(0)
})

it('its status names etcd, and the end of its own lease alone', async () => {
  const network = await cluster.node(1).network()
  expect(network.store).toBe(`etcd ${etcd.url}`)
  expect(network.lease?.expiresAtMs).toBeTypeOf('number')
  expect(network.peers[0]?.lease.expiresAtMs).toBe('unknown')
})
