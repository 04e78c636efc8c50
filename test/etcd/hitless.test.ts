import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { TunnelView } from '../cluster/tunnel.ts'
import { until } from '../cluster/until.ts'
import { EtcdCluster, lostWhile } from './etcd-cluster.ts'

/** What etcd can do to a cluster whose pods talk. It is stopped for so long, with TRILANE_LONG=1 for a minute. */
const AWAY_MS = process.env.TRILANE_LONG === '1' ? 60_000 : 20_000
const LIMIT_MS = AWAY_MS + 60_000

let site: EtcdCluster
let pods: readonly Pod[]

beforeAll(async () => {
  site = await EtcdCluster.create({ nodes: 3, members: 3 })
  pods = await Promise.all(site.nodes.map((node) => site.cluster.attach(node, 'a')))
  await podsTalk(pods)
}, 90_000)

afterAll(() => site?.dispose(), 60_000)

/** Peers that nobody answers for. */
const phantomKey = (n: number) => `10.5.${240 + n}.0-24`
const phantom = (n: number, change: number) => ({
  PublicIP: `192.168.77.${240 + n}`,
  BackendType: 'vxlan',
  BackendData: { VNI: 1, VtepMAC: `02:00:00:00:0${n}:${change.toString(16).padStart(2, '0')}` }
})

/** Where a node sends what is for the phantoms: MAC by subnet. */
async function phantomsOf(node: ClusterNode): Promise<Readonly<Record<string, string>>> {
  const { peers } = await TunnelView.of(node)
  return Object.fromEntries(
    peers.filter(({ mac }) => mac.startsWith('02:00:00:00:')).map(({ subnet, mac }) => [subnet, mac])
  )
}

/** Every node has exactly these, by number of the phantom. @param changes what its MAC ends in */
async function phantomsAre(changes: ReadonlyMap<number, number>): Promise<void> {
  const wanted = Object.fromEntries(
    [...changes].map(([n, change]) => [`10.5.${240 + n}.0/24`, phantom(n, change).BackendData.VtepMAC])
  )
  for (const node of site.nodes) {
    await node.wait(
      `its kernel has ${JSON.stringify(wanted)}`,
      async () => {
        expect(await phantomsOf(node)).toEqual(wanted)
        return true
      },
      30_000
    )
  }
}

/** Every node hears of a change, and of its end. */
async function isFollowed(): Promise<void> {
  await site.put(`subnets/${phantomKey(9)}`, phantom(9, 1))
  await phantomsAre(new Map([[9, 1]]))
  await site.remove(`subnets/${phantomKey(9)}`)
  await phantomsAre(new Map())
}

/** Waits until each daemon has said so once more than it had. */
function expectWords(words: string): () => Promise<void> {
  const count = (node: ClusterNode) => node.log().split(words).length
  const before = new Map(site.nodes.map((node) => [node, count(node)]))
  return async () => {
    for (const node of site.nodes) {
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

/** With what each lease says; a renewal is no difference. */
async function leaseTexts(): Promise<readonly string[]> {
  return [...(await site.leases())].map(([key, { text }]) => `${key} ${text}`).sort()
}

it(
  '11: etcd is killed and started again, and so is a daemon meanwhile',
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
      await site.cluster.settled()
      await isFollowed()
    })
    expect(lost).toBe(0)
    expect(await leaseTexts()).toEqual(before)
  },
  LIMIT_MS
)

it(
  'etcd is stopped: its connections stay, nobody answers',
  async () => {
    const before = await leaseTexts()
    const lost = await lostWhile(`stopped for ${AWAY_MS / 1_000} s`, pods, async () => {
      const noticed = expectWords('store cannot be followed')
      for (const member of members()) member.pause()
      const [cpuBefore, fromMs] = [site.nodes.map(cpuMs), performance.now()]
      const away = new Promise((resolve) => setTimeout(resolve, AWAY_MS))
      await noticed()
      await away
      const spent = site.nodes.map((node, at) => cpuMs(node) - (cpuBefore[at] ?? 0))
      const share = Math.max(...spent) / (performance.now() - fromMs)
      console.log(`a daemon without etcd takes ${(share * 100).toFixed(1)} % of a processor at most`)
      expect(share).toBeLessThan(0.02)
      for (const member of members()) member.resume()
      await site.etcd.ready()
      await isFollowed()
    })
    expect(lost).toBe(0)
    expect(await leaseTexts()).toEqual(before)
  },
  LIMIT_MS
)

it(
  'the way to etcd swallows everything in silence',
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
      await site.put(`subnets/${phantomKey(8)}`, phantom(8, 1))
      await noticed()
      for (const node of site.nodes) expect(await phantomsOf(node)).toEqual({})
      await nft('delete table inet hole')
      await phantomsAre(new Map([[8, 1]]))
      await site.remove(`subnets/${phantomKey(8)}`)
      await isFollowed()
    })
    expect(lost).toBe(0)
    expect(await leaseTexts()).toEqual(before)
  },
  LIMIT_MS
)

it(
  'the leader of three is killed during 100 changes of leases',
  async () => {
    const last = new Map<number, number>()
    const lost = await lostWhile('leader killed during 100 changes', pods, async () => {
      const leader = await site.etcd.leader()
      for (let change = 0; change < 100; change++) {
        const n = change % 8
        // Refused while there is no leader.
        await until('a lease is written', async () => {
          await site.put(`subnets/${phantomKey(n)}`, phantom(n, change))
          return true
        })
        last.set(n, change)
        if (change === 30) await leader.kill()
        if (change === 70) await leader.start()
      }
      await site.etcd.ready()
      expect(await site.etcd.leader()).not.toBe(leader)
      await phantomsAre(last)
      for (const n of last.keys()) await site.remove(`subnets/${phantomKey(n)}`)
      await isFollowed()
    })
    expect(lost).toBe(0)
  },
  LIMIT_MS
)

it(
  '12: etcd is compacted past what the nodes saw, with another MAC, a new peer and one that went in the gap',
  async () => {
    for (const n of [1, 2]) await site.put(`subnets/${phantomKey(n)}`, phantom(n, 1))
    await phantomsAre(
      new Map([
        [1, 1],
        [2, 1]
      ])
    )
    const lost = await lostWhile('compacted with changes in the gap', pods, async () => {
      const missed = expectWords('events of the store were missed')
      await killAll()
      await site.cluster.segment.setCable(site.host, 'out')
      await startAll()
      await site.put(`subnets/${phantomKey(1)}`, phantom(1, 2))
      await site.remove(`subnets/${phantomKey(2)}`)
      await site.put(`subnets/${phantomKey(3)}`, phantom(3, 1))
      const text = await site.etcd.ctl(['get', 'x', '--write-out', 'json'])
      await site.etcd.ctl(['compact', `${JSON.parse(text).header.revision}`])
      await site.cluster.segment.setCable(site.host, 'in')
      await missed()
      await phantomsAre(
        new Map([
          [1, 2],
          [3, 1]
        ])
      )
      for (const n of [1, 3]) await site.remove(`subnets/${phantomKey(n)}`)
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
