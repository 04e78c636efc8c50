import { setTimeout as sleep } from 'node:timers/promises'
import { startFlood } from '@trilane/testbed'
import { afterEach, describe, expect, it } from 'vitest'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { EtcdCluster } from '../etcd/etcd-cluster.ts'
import { FLANNELD, Flanneld } from './flanneld.ts'

interface Talker {
  readonly place: Parameters<typeof startFlood>[0]['from']
  readonly addresses: readonly string[]
}

const TYPES = ['vxlan', 'host-gw'] as const

let site: EtcdCluster | undefined
const theirs: Flanneld[] = []

afterEach(async () => {
  for (const each of theirs.splice(0)) await each.stop('SIGKILL')
  await site?.dispose()
  site = undefined
}, 60_000)

async function prepare(type: string): Promise<EtcdCluster> {
  site = await EtcdCluster.prepare({
    // Without it flanneld wants br_netfilter.
    config: { Network: '10.5.0.0/16', EnableNFTables: true, Backend: { Type: type } }
  })
  return site
}

async function startFlanneld(on: EtcdCluster, number: number): Promise<Flanneld> {
  const flanneld = new Flanneld(on, number)
  theirs.push(flanneld)
  await flanneld.start()
  return flanneld
}

async function startOurs(node: ClusterNode): Promise<void> {
  await node.start()
  await node.ready()
  await node.settled(1)
}

/** Both ways at once, each of which is answered. @returns lost packets of each way */
async function lostWhile(what: string, a: Talker, b: Talker, act: () => Promise<void>): Promise<number[]> {
  const ways = [
    { from: a.place, to: b.place, address: b.addresses[0] ?? '' },
    { from: b.place, to: a.place, address: a.addresses[0] ?? '' }
  ]
  const floods = await Promise.all(ways.map((way) => startFlood({ ...way, packetsPerSecond: 1_000 })))
  let results: { sent: number; lost: number }[]
  try {
    await act()
  } finally {
    results = await Promise.all(floods.map((flood) => flood.stop()))
  }
  console.log(`${what}: ${results.map(({ sent, lost }) => `${lost} of ${sent} lost`).join(', ')}`)
  return results.map(({ lost }) => lost)
}

/** Neither end knows the other yet. */
async function talk(a: Talker, b: Talker): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a]
  ] as const) {
    await from.place.run(['ping', '-c', '1', '-W', '5', to.addresses[0] ?? ''])
  }
}

describe.skipIf(FLANNELD === undefined)('one cluster of ours and of the flanneld that FLANNELD names', () => {
  it.each(TYPES)(
    '28: %s: pods talk both ways, and either daemon may start again',
    async (type) => {
      const on = await prepare(type)
      const one = on.node(1)
      const [flanneld] = await Promise.all([startFlanneld(on, 2), one.start()])
      await one.ready()
      await one.settled(1)
      const [a, b] = [await on.cluster.attach(one, 'a'), await flanneld.plugIn('b')]
      await one.wait('pods talk', () => talk(a, b).then(() => true))
      const before = await on.leases()
      expect([...before.keys()]).toHaveLength(2)
      const lost = await lostWhile(`${type}: restarts`, a, b, async () => {
        for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
          await one.restart(signal)
          await one.settled(1)
          await flanneld.stop(signal)
          await flanneld.start()
        }
        // A third node, of ours, and its end: both hear of it.
        const three = await on.addNode(3)
        await three.start()
        await three.ready()
        await three.settled(2)
        const key = (await three.network()).lease?.key ?? ''
        const knows = async (node: ClusterNode) =>
          (await node.routes('all')).some((line) => line.includes(key.replace('-', '/')))
        for (const node of [one, flanneld.node]) await three.wait('it is known', () => knows(node))
        await three.stop()
        await on.remove(`subnets/${key}`)
        for (const node of [one, flanneld.node])
          await three.wait('it is gone', async () => !(await knows(node)))
      })
      expect(lost).toEqual([0, 0])
      expect([...(await on.leases())].map(([key, { text }]) => [key, text])).toEqual(
        [...before].map(([key, { text }]) => [key, text])
      )
    },
    120_000
  )

  it.each(TYPES)(
    '%s: a node goes over to ours and back while its pods talk',
    async (type) => {
      const on = await prepare(type)
      const [first, second] = await Promise.all([startFlanneld(on, 1), startFlanneld(on, 2)])
      const [a, b] = [await first.plugIn('a'), await second.plugIn('b')]
      const { node } = first
      const subnet = `${await first.subnet()}`
      await talk(a, b)
      const there = await lostWhile(`${type}: over to ours`, a, b, async () => {
        await first.stop()
        await startOurs(node)
        await node.restart()
        await node.settled(1)
      })
      expect(there).toEqual([0, 0])
      expect(`${await first.subnet()}`).toBe(subnet)
      expect((await node.network()).health).toEqual([])
      const back = await lostWhile(`${type}: back to flanneld`, a, b, async () => {
        await node.stop()
        // docs/moving-from-flannel.md
        for (const device of ['flannel.1', 'cni0']) {
          await node.place.run(['ip', 'link', 'set', 'dev', device, 'alias', ''], { anyStatus: true })
        }
        await first.start()
        await node.place.run(['nft', 'delete', 'table', 'inet', 'trilane'])
        await second.stop()
        await second.start()
        // It says that it runs before it has gone through the list of its peers.
        await sleep(1_000)
      })
      expect(back).toEqual([0, 0])
      expect(`${await first.subnet()}`).toBe(subnet)
      await talk(a, b)
    },
    120_000
  )
})
