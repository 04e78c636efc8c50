import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { EtcdCluster, lostWhile, PREFIX } from './etcd-cluster.ts'

/** An etcd that lost everything, while pods talk. */
let site: EtcdCluster
let pods: readonly Pod[]

beforeAll(async () => {
  site = await EtcdCluster.create({ nodes: 3 })
  pods = await Promise.all(site.nodes.map((node) => site.cluster.attach(node, 'a')))
  await podsTalk(pods)
})

afterAll(() => site?.dispose())

/** With what each lease says. */
async function leaseTexts(): Promise<readonly string[]> {
  return [...(await site.leases())].map(([key, { text }]) => `${key} ${text}`).sort()
}

/** All leases are in etcd again, and each node has said that they were not. */
async function isFilledAgain(wanted: readonly string[], losses: number): Promise<void> {
  for (const node of site.nodes) {
    await node.wait('it lost its lease', () => node.log().split('lease lost').length - 1 >= losses)
  }
  await site.node(1).wait('all leases are there again', async () => {
    expect(await leaseTexts()).toEqual(wanted)
    return true
  })
  await site.cluster.settled()
  // For what comes late.
  await sleep(1_000)
}

it('R1: all keys of leases are deleted at once', async () => {
  const before = await leaseTexts()
  const lost = await lostWhile('all leases deleted', pods, async () => {
    await site.etcd.ctl(['del', '--prefix', `${PREFIX}/subnets/`])
    await isFilledAgain(before, 1)
  })
  expect(lost).toBe(0)
})

it('R1: it comes back with an empty data directory, and one node hears of that late', async () => {
  const before = await leaseTexts()
  const lost = await lostWhile('data directory replaced', pods, async () => {
    await site.etcd.member(1).kill()
    await site.etcd.member(1).wipe()
    await site.node(3).program.kill('SIGSTOP')
    await site.etcd.member(1).start()
    await site.etcd.ready()
    await site.node(1).wait('the others have theirs again', async () => (await site.leases()).size === 2)
    await site.node(3).program.kill('SIGCONT')
    await isFilledAgain(before, 2)
  })
  expect(lost).toBe(0)
  await site.putConfig()
  for (const node of site.nodes) {
    await node.wait('it is ready', async () => (await node.network()).state === 'ready')
  }
})
