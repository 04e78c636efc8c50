import { readFileSync } from 'node:fs'
import type { EtcdMember } from '@trilane/testbed'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { until } from '../cluster/until.ts'
import { EtcdCluster, lostWhile } from './etcd-cluster.ts'
import { Phantoms } from './phantoms.ts'

/** What etcd can do to a cluster whose pods talk. */
const IS_LONG = process.env.TRILANE_LONG === '1'

/** How long it is stopped. */
const AWAY_MS = IS_LONG ? 60_000 : 20_000

/** After which of 100 changes its leader is killed, while the next ones are written. */
const KILLED_AT: ReadonlySet<number> = new Set(IS_LONG ? [10, 25, 40, 55, 70, 85] : [20, 60])
const LIMIT_MS = AWAY_MS + 60_000

/** From etcd's answer to the change in every kernel. */
const CONVERGED_MS = 5_000

/** From a cut that nobody hears of to the word that the store cannot be followed. */
const NOTICED_MS = 30_000

let site: EtcdCluster
let phantoms: Phantoms
/** Those that live through all of it. */
let nodes: readonly ClusterNode[]
let pods: readonly Pod[]

beforeAll(async () => {
  site = await EtcdCluster.create({ nodes: 3, members: 3 })
  phantoms = new Phantoms(site)
  nodes = [...site.nodes]
  pods = await Promise.all(nodes.map((node) => site.cluster.attach(node, 'a')))
  await podsTalk(pods)
}, 90_000)

afterAll(() => site?.dispose(), 60_000)

/** Every node hears of a change. @returns how long that takes */
async function isFollowed(): Promise<number> {
  await phantoms.put(9)
  return phantoms.areOn(nodes)
}

/** The same after etcd was away. */
async function isFollowedAgain(): Promise<void> {
  const tookMs = await isFollowed()
  console.log(`followed ${Math.round(tookMs)} ms after etcd answered again`)
  expect(tookMs).toBeLessThan(CONVERGED_MS)
}

/** Waits until each daemon has said so once more than it had. */
function expectWords(words: string): () => Promise<void> {
  const count = (node: ClusterNode) => node.log().split(words).length
  const before = new Map(nodes.map((node) => [node, count(node)]))
  return async () => {
    for (const node of nodes) {
      await node.wait(`it says "${words}"`, () => count(node) > (before.get(node) ?? 0), 40_000)
    }
  }
}

const members = () => site.etcd.members
const killAll = () => Promise.all(members().map((member) => member.kill()))
async function startAll(): Promise<void> {
  await Promise.all(members().map((member) => member.start()))
  await site.etcd.ready()
}

/** Processor time of a daemon so far: utime and stime of proc(5), in hundredths of a second. */
function cpuMs(node: ClusterNode): number {
  const [, fields = ''] = readFileSync(`/proc/${node.program.pid}/stat`, 'utf8').split(') ')
  const [utime, stime] = fields.split(' ').slice(11)
  return (Number(utime) + Number(stime)) * 10
}

/** With what each lease of a node says; a renewal is no difference. */
async function leaseTexts(): Promise<readonly string[]> {
  return [...(await site.leases())]
    .filter(([, { text }]) => text.includes('machineId'))
    .map(([key, { text }]) => `${key} ${text}`)
    .sort()
}

it(
  '11, R1: etcd is killed and started again, and so is a daemon meanwhile',
  async () => {
    const before = await leaseTexts()
    const lost = await lostWhile('killed', pods, async () => {
      const noticed = expectWords('store cannot be followed')
      await killAll()
      await noticed()
      await site.node(3).stop()
      await site.node(3).start()
      await site.node(3).wait('it misses etcd', () => site.node(3).log().includes('TRI_STORE_UNAVAILABLE'))
      await startAll()
      await isFollowedAgain()
      for (const node of nodes) await node.settled(nodes.length - 1 + phantoms.count)
    })
    expect(lost).toBe(0)
    expect(await leaseTexts()).toEqual(before)
  },
  LIMIT_MS
)

it(
  'R1: etcd is stopped: its connections stay, nobody answers',
  async () => {
    const before = await leaseTexts()
    const lost = await lostWhile(`stopped for ${AWAY_MS / 1_000} s`, pods, async () => {
      const noticed = expectWords('store cannot be followed')
      for (const member of members()) member.pause()
      const [cpuBefore, fromMs] = [nodes.map(cpuMs), performance.now()]
      const away = new Promise((resolve) => setTimeout(resolve, AWAY_MS))
      await noticed()
      await away
      const spent = nodes.map((node, at) => cpuMs(node) - (cpuBefore[at] ?? 0))
      const share = Math.max(...spent) / (performance.now() - fromMs)
      console.log(`a daemon without etcd takes ${(share * 100).toFixed(1)} % of a processor at most`)
      expect(share).toBeLessThan(0.02)
      for (const member of members()) member.resume()
      await site.etcd.ready()
      await isFollowedAgain()
    })
    expect(lost).toBe(0)
    expect(await leaseTexts()).toEqual(before)
  },
  LIMIT_MS
)

it(
  'R2: the way to etcd swallows everything in silence',
  async () => {
    const before = await leaseTexts()
    const nft = (...words: string[]) => site.host.run(['nft', words.join(' ')])
    const lost = await lostWhile('cut off in silence', pods, async () => {
      const noticed = expectWords('store cannot be followed')
      await nft('add table inet hole')
      for (const hook of ['input', 'output']) {
        await nft(`add chain inet hole ${hook} { type filter hook ${hook} priority 0; policy accept; }`)
        const device = hook === 'input' ? 'iifname' : 'oifname'
        await nft(`add rule inet hole ${hook} ${device} eth0 drop`)
      }
      // A peer that comes while nobody can hear of it.
      const known = await phantoms.of(site.node(1))
      const cutMs = performance.now()
      await phantoms.put(8)
      await noticed()
      console.log(`noticed after ${((performance.now() - cutMs) / 1_000).toFixed(1)} s`)
      expect(performance.now() - cutMs).toBeLessThan(NOTICED_MS)
      for (const node of nodes) expect(await phantoms.of(node)).toEqual(known)
      await nft('delete table inet hole')
      expect(await phantoms.areOn(nodes)).toBeLessThan(CONVERGED_MS)
      await phantoms.remove(8)
      await isFollowed()
    })
    expect(lost).toBe(0)
    expect(await leaseTexts()).toEqual(before)
  },
  LIMIT_MS
)

it(
  'R2: one node is cut off from etcd, both ways and in silence, while leases change',
  async () => {
    const three = site.node(3)
    const others = nodes.slice(0, 2)
    const nft = (...words: string[]) => three.place.run(['nft', words.join(' ')])
    const { hostname } = new URL(site.etcd.member(1).url)
    const lost = await lostWhile('one node cut off', pods, async () => {
      await nft('add table inet hole')
      for (const [hook, side] of [
        ['input', 'saddr'],
        ['output', 'daddr']
      ] as const) {
        await nft(`add chain inet hole ${hook} { type filter hook ${hook} priority 0; policy accept; }`)
        await nft(`add rule inet hole ${hook} ip ${side} ${hostname} drop`)
      }
      const known = await phantoms.of(three)
      await phantoms.put(7)
      await phantoms.remove(9)
      await phantoms.areOn(others)
      expect(await phantoms.of(three)).toEqual(known)
      const four = await site.addNode(4)
      await four.start()
      await four.ready()
      const { lease } = await four.network()
      await nft('delete table inet hole')
      await phantoms.areOn([three])
      await podsTalk([...pods, await site.cluster.attach(four, 'a')])
      const subnets = [...(await site.leases()).keys()]
      expect(new Set(subnets).size).toBe(nodes.length + 1 + phantoms.count)
      await four.stop()
      await site.remove(`subnets/${lease?.key}`)
      await phantoms.remove(7)
      await isFollowed()
    })
    expect(lost).toBe(0)
  },
  LIMIT_MS
)

it(
  'R3: the leader of three is killed again and again during 100 changes of leases',
  async () => {
    const lost = await lostWhile('leaders killed during 100 changes', pods, async () => {
      let killed: EtcdMember | undefined
      for (let change = 0; change < 100; change++) {
        // Without a leader etcd keeps silent.
        await until('a lease is written', async () => {
          await phantoms.put(change % 8, 1)
          return true
        })
        if (!KILLED_AT.has(change)) continue
        // Of three, two must live.
        await killed?.start()
        await site.etcd.ready()
        killed = await site.etcd.leader()
        await killed.kill()
      }
      await killed?.start()
      await site.etcd.ready()
      expect(await phantoms.areOn(nodes)).toBeLessThan(CONVERGED_MS)
      for (let n = 0; n < 8; n++) await phantoms.remove(n)
      await isFollowed()
    })
    expect(lost).toBe(0)
  },
  LIMIT_MS
)

it(
  '12, R4: etcd is compacted past what the nodes saw, with another MAC, a new peer and one that went in the gap',
  async () => {
    for (const n of [1, 2]) await phantoms.put(n)
    await phantoms.areOn(nodes)
    const lost = await lostWhile('compacted with changes in the gap', pods, async () => {
      const missed = expectWords('events of the store were missed')
      await killAll()
      await site.cluster.segment.setCable(site.host, 'out')
      await startAll()
      await phantoms.put(1)
      await phantoms.remove(2)
      await phantoms.put(3)
      const text = await site.etcd.ctl(['get', 'x', '--write-out', 'json'])
      await site.etcd.ctl(['compact', `${JSON.parse(text).header.revision}`])
      await site.cluster.segment.setCable(site.host, 'in')
      await missed()
      await phantoms.areOn(nodes)
      for (const n of [1, 3]) await phantoms.remove(n)
      await isFollowed()
    })
    expect(lost).toBe(0)
  },
  LIMIT_MS
)

it('a loss would be noticed', async () => {
  const lost = await lostWhile('cable out', pods, async () => {
    await site.cluster.segment.setCable(site.node(2).place, 'out')
    await new Promise((resolve) => setTimeout(resolve, 200))
    await site.cluster.segment.setCable(site.node(2).place, 'in')
    await podsTalk(pods, 20_000)
  })
  expect(lost).toBeGreaterThan(0)
})
