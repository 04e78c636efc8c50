import type { EtcdSubnetStore, EtcdSubnetStoreOptions } from '@trilane/store-etcd'
import { Etcd, startProgram } from '@trilane/testbed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { podsTalk } from '../cluster/traffic.ts'
import { EtcdCluster, lostWhile } from './etcd-cluster.ts'
import { freshPrefix, leaseOf, openStore } from './fixture.ts'
import { listedText, Mirror } from './mirror.ts'
import { Phantoms } from './phantoms.ts'
import { WatchProxy } from './watch-proxy.ts'

/** How late a watch may be. */
const IS_LONG = process.env.TRILANE_LONG === '1'
const LATE_MS = IS_LONG ? 30_000 : 3_000

let etcd: Etcd
let proxy: WatchProxy
let prefix: string
/** Straight to etcd. */
let direct: EtcdSubnetStore
const opened: { close(): Promise<void> }[] = []

function open(url: string, more: Partial<EtcdSubnetStoreOptions> = {}): EtcdSubnetStore {
  const store = openStore({ endpoints: [url] }, prefix, more)
  opened.push(store)
  return store
}

async function agrees(mirror: Mirror, timeout = 15_000): Promise<void> {
  const wanted = await listedText(direct)
  await expect
    .poll(() => mirror.text === wanted, { timeout, message: 'the mirror equals the store' })
    .toBe(true)
}

/** @param from the first of them */
const createMany = (count: number, from = 0) =>
  Promise.all(Array.from({ length: count }, (_, n) => direct.create(leaseOf(from + n), undefined)))

describe('a watch', () => {
  beforeEach(async () => {
    etcd = await Etcd.start()
    opened.push({ close: () => etcd.dispose() })
    proxy = await WatchProxy.start({ spawn: startProgram }, '127.0.0.1', etcd.url)
    opened.push({ close: () => proxy.stop() })
    prefix = freshPrefix()
    direct = open(etcd.url)
  })

  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close()
  })

  it('that says everything three times, and all of it again later, is heard once', async () => {
    const mirror = await Mirror.of(open(proxy.url))
    proxy.set({ times: 3 })
    const made = await createMany(200)
    await agrees(mirror)
    for (const stored of made.slice(0, 100)) if (stored !== undefined) await direct.remove(stored)
    proxy.replay()
    await createMany(10, 1_000)
    await agrees(mirror)
    proxy.replay()
    await createMany(1, 2_000)
    await agrees(mirror)
    expect(mirror.kinds('put')).toHaveLength(211)
    expect(mirror.kinds('gone')).toHaveLength(100)
    expect(mirror).toMatchObject({ gaps: 0, lists: 1 })
  })

  it('that comes late is heard late', async () => {
    const mirror = await Mirror.of(open(proxy.url))
    proxy.set({ delayMs: 1_500 })
    await createMany(50)
    await agrees(mirror)
    expect(mirror).toMatchObject({ gaps: 0, lists: 1 })
  })

  it('that says nothing though calls are answered is replaced by lists', async () => {
    const mirror = await Mirror.of(open(proxy.url, { silenceMs: 400 }))
    proxy.set({ delayMs: 3_600_000 })
    await createMany(50)
    await agrees(mirror)
    expect(mirror.gaps).toBeGreaterThan(0)
    await createMany(1, 1_000)
    await agrees(mirror)
    proxy.set({ delayMs: 0 })
    await createMany(1, 1_001)
    await agrees(mirror)
  })
})

it(
  'R4: daemons whose watches repeat everything, or come late, end in the same state as one that is served well',
  async () => {
    const site = await EtcdCluster.prepare({ nodes: 0 })
    try {
      const [repeating, late] = [await startProxy(site), await startProxy(site)]
      const nodes = [
        await site.addNode(1),
        await site.addNode(2, { 'etcd-endpoints': repeating.url }),
        await site.addNode(3, { 'etcd-endpoints': late.url })
      ]
      await site.cluster.start()
      const pods = await Promise.all(nodes.map((node) => site.cluster.attach(node, 'a')))
      await podsTalk(pods)
      const phantoms = new Phantoms(site)
      const lost = await lostWhile(`repeated, and ${LATE_MS / 1_000} s late`, pods, async () => {
        repeating.set({ times: 3 })
        late.set({ delayMs: LATE_MS })
        for (let change = 0; change < 40; change++) {
          const n = change % 5
          if (change % 7 === 6) await phantoms.remove(n)
          else await phantoms.put(n)
          if (change % 10 === 9) repeating.replay()
        }
        await phantoms.areOn(nodes.slice(0, 2))
        expect(await phantoms.of(nodes[2] ?? site.node(3))).not.toEqual(await phantoms.of(site.node(1)))
        // A watch that is given up for its silence is late again; what it does not tell is listed.
        await phantoms.areOn(nodes, 3 * LATE_MS + 5_000)
        repeating.replay()
        late.set({ delayMs: 0 })
        await phantoms.put(0)
        await phantoms.areOn(nodes, LATE_MS + 10_000)
        for (const node of nodes) await node.settled(nodes.length - 1 + phantoms.count)
      })
      expect(lost).toBe(0)
      for (const node of nodes) expect(node.log()).not.toContain('lease lost')
    } finally {
      await site.dispose()
    }
  },
  IS_LONG ? 240_000 : 60_000
)

function startProxy({ host, etcd: { url } }: EtcdCluster): Promise<WatchProxy> {
  return WatchProxy.start(host, new URL(url).hostname, url)
}
