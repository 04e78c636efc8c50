import { mkdirSync, writeFileSync } from 'node:fs'
import { formatSubnetEnv } from '@trilane/config'
import { Prefix } from '@trilane/ip'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { until } from '../cluster/until.ts'
import { EtcdCluster, lostWhile } from './etcd-cluster.ts'
import { SetClock } from './set-clock.ts'

/** Leases and clocks: time that jumps, and time that a daemon did not see. */
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** A lease of 6 s is renewed after 2.7 to 3 s. */
const SHORT = { 'lease-ttl': '6s' }
const EARLIEST_MS = 2_000
const LATEST_MS = 5_000

let site: EtcdCluster
let pods: readonly Pod[]
let clocks: readonly SetClock[]

beforeAll(async () => {
  site = await EtcdCluster.prepare({ nodes: 0 })
  const nodes = [
    await site.addNode(1, SHORT),
    await site.addNode(2),
    await site.addNode(3, { 'lease-ttl': '3s' })
  ]
  clocks = nodes.slice(0, 2).map((node) => SetClock.of(node))
  await site.cluster.start()
  pods = await Promise.all(nodes.map((node) => site.cluster.attach(node, 'a')))
  await podsTalk(pods)
})

afterAll(() => site?.dispose())

const keyOf = async (node: ClusterNode): Promise<string> => (await node.network()).lease?.key ?? ''

/** @returns how long it takes until the lease is another revision. @throws Error when it is gone meanwhile */
async function nextRenewal(key: string): Promise<number> {
  let first: number | undefined
  return until(`${key} is renewed`, async () => {
    const { revision } = (await site.leases()).get(key) ?? {}
    if (revision === undefined) throw new Error(`${key} is gone`)
    first ??= revision
    return revision !== first
  })
}

it('R11: a wall clock that is set costs no lease, no packet and no renewal; time that was slept counts', async () => {
  const [short, daily] = [site.node(1), site.node(2)]
  const [key, dailyKey] = [await keyOf(short), await keyOf(daily)]
  // A lease that seems to be over is asked for before a pod gets an address of it.
  let count = 0
  const dailyRevision = async () => {
    await site.cluster.attach(daily, `clock-${++count}`)
    return (await site.leases()).get(dailyKey)?.revision
  }
  const before = await dailyRevision()
  const lost = await lostWhile('wall clocks are set', pods, async () => {
    await nextRenewal(key)
    for (const wallMs of [HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS]) {
      for (const clock of clocks) clock.set({ wallMs })
      expect(await dailyRevision()).toBe(before)
      // An hour is as good as a day here, and time is dear.
      if (Math.abs(wallMs) < DAY_MS) continue
      const afterMs = await nextRenewal(key)
      expect(afterMs).toBeGreaterThan(EARLIEST_MS)
      expect(afterMs).toBeLessThan(LATEST_MS)
      // The clock was really set: it is what peers read in the lease's end.
      const { expiresAtMs = 0 } = (await short.network()).lease ?? {}
      expect(Math.abs(Number(expiresAtMs) - Date.now() - wallMs)).toBeLessThan(60_000)
    }
    // While etcd is away, too: nobody waits a day for the next try.
    await site.etcd.member(1).kill()
    for (const node of [short, daily])
      await node.wait('it misses etcd', () => node.log().includes('store cannot be followed'))
    for (const clock of clocks) clock.set({ wallMs: -2 * DAY_MS })
    await site.etcd.member(1).start()
    await site.etcd.ready()
    for (const node of [short, daily]) {
      const tookMs = await node.wait('it follows etcd', () => node.log().includes('store is followed again'))
      expect(tookMs).toBeLessThan(6_000)
    }
    await nextRenewal(key)
    expect(await dailyRevision()).toBe(before)
    clocks[1]?.set({ bootMs: DAY_MS })
    expect(await dailyRevision()).not.toBe(before)
  })
  expect(lost).toBe(0)
  for (const node of [short, daily]) expect(node.log()).not.toContain('lease lost')
  expect([await keyOf(short), await keyOf(daily)]).toEqual([key, dailyKey])
})

it('R10: a daemon that slept past the end of its lease does not go on with what is another’s by now', async () => {
  const sleeper = site.node(3)
  const key = await keyOf(sleeper)
  const subnet = Prefix.parse(key.replace('-', '/'))
  const other = await site.addNode(4)
  mkdirSync(other.place.directory, { recursive: true })
  const network = Prefix.parse('10.5.0.0/16')
  const file = { networks: { v4: network }, subnets: { v4: subnet }, mtuBytes: 1450, ipMasq: false }
  writeFileSync(other.file('subnet.env'), formatSubnetEnv(file))
  const talkers = pods.slice(0, 2)
  const lost = await lostWhile('a daemon sleeps', talkers, async () => {
    sleeper.program.kill('SIGSTOP')
    let attaching: Promise<Pod | Error>
    let theirs: Pod
    try {
      await other.wait('its lease ends', async () => !(await site.leases()).has(key))
      await other.start()
      await other.ready()
      expect(await keyOf(other)).toBe(key)
      theirs = await site.cluster.attach(other, 'a')
      await podsTalk([...talkers, theirs])
      // Asked for while it sleeps, answered as soon as it wakes.
      attaching = site.cluster.attach(sleeper, 'early').catch((error: Error) => error)
    } catch (error) {
      sleeper.program.kill('SIGCONT')
      throw error
    }
    const lostMeanwhile = await lostWhile('it wakes', [talkers[0] ?? theirs, theirs], async () => {
      sleeper.program.kill('SIGCONT')
      const early = await attaching
      if (early instanceof Error) expect(early).toMatchObject({ code: 'TRI_NOT_READY', retryable: true })
      else expect(Prefix.parse(`${early.addresses[0]}/24`).equals(subnet)).toBe(false)
      await sleeper.wait('it has another', async () => ![key, ''].includes(await keyOf(sleeper)))
      await sleeper.settled(3)
      await sleeper.wait('all is well', async () => (await sleeper.network()).health.length === 0)
      await podsTalk([...talkers, theirs, await site.cluster.attach(sleeper, 'b')])
    })
    expect(lostMeanwhile).toBe(0)
  })
  expect(lost).toBe(0)
  expect(sleeper.log()).toContain('TRI_LEASE_LOST')
  expect(await keyOf(other)).toBe(key)
  expect(await sleeper.routes()).toContainEqual(expect.stringContaining(`${subnet} via`))
})
