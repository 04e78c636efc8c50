import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startFlood } from '@trilane/testbed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'

let cluster: Cluster
let pods: readonly Pod[]
let node: ClusterNode

const STRANGER = { PublicIP: '192.168.77.101', BackendType: 'host-gw' }

beforeEach(async () => {
  cluster = await Cluster.create({ nodes: 2, config: 'host-gw', flags: { 'full-pass': '1s' } })
  node = cluster.node(1)
  await cluster.writeLeases({ '10.5.1.0-24': STRANGER })
  for (const each of cluster.nodes) await each.settled(2)
  pods = await Promise.all(cluster.nodes.map((each) => cluster.attach(each, 'a')))
})

afterEach(() => cluster?.dispose())

const away = (): string => `${cluster.storeDirectory}-away`

/** Root may read everything, so what is in the way is a file where a directory should be. */
async function takeStoreAway(): Promise<void> {
  await rename(cluster.storeDirectory, away())
  await writeFile(cluster.storeDirectory, '')
}

async function bringStoreBack(): Promise<void> {
  await rm(cluster.storeDirectory)
  await rename(away(), cluster.storeDirectory)
}

const codes = async (of: ClusterNode): Promise<readonly string[]> =>
  (await of.network()).health.map(({ code }) => code)

function flood() {
  const [from, to] = pods
  if (from === undefined || to === undefined) throw new Error('there are no pods')
  return startFlood({ from: from.place, to: to.place, address: to.addresses[0] ?? '' })
}

describe('a store that is away', () => {
  it('is named with its time in the status of a daemon that runs, costs no packet and no route', async () => {
    const stream = await flood()
    const before = await node.routes()
    await takeStoreAway()
    await node.wait('it says so', async () => (await codes(node)).includes('TRI_STORE_UNAVAILABLE'))
    const { health, state, peers } = await node.network()
    const item = health.find(({ code }) => code === 'TRI_STORE_UNAVAILABLE')
    expect(item?.text).toContain(cluster.storeDirectory)
    expect(Date.now() - (item?.sinceMs ?? 0)).toBeLessThan(60_000)
    expect({ state, peers: peers.length }).toEqual({ state: 'degraded', peers: 2 })
    expect(await node.routes()).toEqual(before)
    await bringStoreBack()
    await node.wait('it is over', async () => (await node.network()).state === 'ready')
    const { lost, sent } = await stream.stop()
    expect(lost).toBe(0)
    expect(sent).toBeGreaterThan(100)
  })

  it('is no reason not to start: config, lease and peers are those of the last list', async () => {
    const stream = await flood()
    const { lease } = await node.network()
    const before = await node.routes()
    await node.stop()
    await takeStoreAway()
    // No list accounts for it, and none says that nobody has it.
    await node.ip('route', 'add', '10.5.2.0/24', 'via', '192.168.77.2', 'dev', 'eth0', 'proto', '133')
    await node.start({ 'net-config-path': undefined })
    await node.ready()
    expect(await codes(node)).toContain('TRI_STORE_REMEMBERED')
    const network = await node.network()
    expect(network).toMatchObject({ state: 'degraded', lease: { key: lease?.key }, peers: [{}, {}] })
    expect(network.kernel).toMatchObject({ writes: 0, missing: [] })
    expect((await node.trilane('status')).stdout).toMatch(
      /TRI_STORE_REMEMBERED: .*as this node last knew them.*\(for /
    )
    // Pods come and go.
    const third = await cluster.attach(node, 'b')
    expect(third.addresses).toHaveLength(1)
    await node.wait('full passes were made', async () => ((await node.network()).kernel.fullPasses ?? 0) > 2)
    expect(await node.routes()).toEqual([...before, '10.5.2.0/24 via 192.168.77.2 dev eth0'].sort())
    await bringStoreBack()
    await node.wait('it is over', async () => (await node.network()).state === 'ready')
    await node.wait('what nobody has is swept', async () => (await node.routes()).join() === before.join())
    expect((await node.network()).lease?.key).toBe(lease?.key)
    expect((await stream.stop()).lost).toBe(0)
  })

  it('is gone through by a machine that starts with an empty kernel; what changed meanwhile comes with the list', async () => {
    const before = await node.routes()
    await node.stop()
    await takeStoreAway()
    for (const route of before) await node.ip('route', 'del', ...route.split(' '))
    await rm(join(away(), 'subnets', '10.5.1.0-24'))
    await writeFile(
      join(away(), 'subnets', '10.5.3.0-24'),
      JSON.stringify({ revision: Date.now(), value: { ...STRANGER, PublicIP: '192.168.77.103' } })
    )
    await node.start()
    await node.ready()
    expect(await node.routes()).toEqual(before)
    await bringStoreBack()
    const changed = before.map((route) =>
      route.replace('10.5.1.0/24 via 192.168.77.101', '10.5.3.0/24 via 192.168.77.103')
    )
    await node.wait(
      'it follows the list',
      async () => (await node.routes()).sort().join() === changed.sort().join()
    )
    await node.wait('all is well', async () => (await node.network()).state === 'ready')
  })

  it('is waited for when what was remembered is torn, of another version or of another store', async () => {
    await node.stop()
    await takeStoreAway()
    const path = node.file('state', 'store-cache')
    const torn = [
      '',
      '{',
      '{"version":99}',
      `{"version":1,"store":"etcd","listedAtMs":1,"revision":1,"leases":0}`
    ]
    for (const text of torn) {
      await writeFile(path, text)
      const program = await node.start()
      await node.wait('it waits', () => node.log().includes('TRI_STORE_UNAVAILABLE'))
      expect(program.running).toBe(true)
      await node.stop()
    }
    await bringStoreBack()
    await node.start()
    await node.wait('it is ready', async () => (await node.network()).state === 'ready')
  })
})
