import type { StoreEvent } from '@trilane/contracts'
import type { EtcdSubnetStore, EtcdSubnetStoreOptions } from '@trilane/store-etcd'
import { Etcd, TcpProxy } from '@trilane/testbed'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DAY_MS, freshPrefix, leaseOf, openStore } from './fixture.ts'
import { listedText, Mirror } from './mirror.ts'

let etcd: Etcd
let proxy: TcpProxy
let prefix: string
/** Straight to etcd. */
let direct: EtcdSubnetStore
/** Over the wire that is cut. */
let remote: EtcdSubnetStore
const opened: EtcdSubnetStore[] = []

function open(url: string, more: Partial<EtcdSubnetStoreOptions> = {}): EtcdSubnetStore {
  const store = openStore({ endpoints: [url] }, prefix, more)
  opened.push(store)
  return store
}

beforeAll(async () => {
  etcd = await Etcd.start()
})
beforeEach(async () => {
  prefix = freshPrefix()
  proxy = await TcpProxy.start(etcd.member(1).port)
  direct = open(etcd.url)
  remote = open(`http://127.0.0.1:${proxy.port}`)
})
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  proxy.close()
})
afterAll(() => etcd?.dispose())

/** Many leases at once, without an etcd lease each. */
const createMany = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, n) => direct.create(leaseOf(n), undefined)))

async function agrees(mirror: Mirror, timeout = 15_000): Promise<void> {
  const wanted = await listedText(direct)
  await expect
    .poll(() => mirror.text === wanted, { timeout, message: 'the mirror equals the store' })
    .toBe(true)
}

describe('a watch that is cut', () => {
  it('in the middle of a catch-up of 5,000 events loses none and repeats none', async () => {
    const mirror = await Mirror.of(remote)
    await direct.create(leaseOf(60_000), DAY_MS)
    await expect.poll(() => mirror.leases.size).toBe(1)
    proxy.down()
    await createMany(5_000)
    // Some 300 bytes an event, 1.5 MB in all.
    proxy.up()
    proxy.cutAfterBytes(400_000)
    await expect.poll(() => proxy.cuts, { timeout: 15_000 }).toBeGreaterThanOrEqual(2)
    proxy.up()
    await agrees(mirror)
    expect(mirror.leases.size).toBe(5_001)
    expect(mirror.kinds('put')).toHaveLength(5_001)
    expect(mirror).toMatchObject({ gaps: 0, lists: 1 })
  }, 60_000)

  it('again and again during 1,000 random changes ends in the same set, in order', async () => {
    const mirror = await Mirror.of(remote)
    const cutter = setInterval(() => proxy.cut(), 40)
    try {
      await Promise.all([0, 1, 2, 3].map((lane) => churn(direct, lane, 250)))
    } finally {
      clearInterval(cutter)
    }
    await agrees(mirror)
    const revisions = mirror.events.flatMap((event) => {
      if (event.kind === 'put') return [event.stored.revision]
      return event.kind === 'gone' ? [event.revision] : []
    })
    if (mirror.gaps === 0) expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b))
    expect(revisions.length).toBeGreaterThan(500)
  }, 60_000)

  it('while its revision is compacted away says gap, and the list that follows equals the store', async () => {
    for (let n = 0; n < 10; n++) await direct.create(leaseOf(n), undefined)
    const mirror = await Mirror.of(remote)
    proxy.down()
    const { leases } = await direct.list()
    const [first, second] = leases
    if (first === undefined || second === undefined) throw new Error('no leases')
    await direct.remove(first)
    await direct.update(second, second.lease, undefined)
    await direct.create(leaseOf(99), undefined)
    await etcd.ctl(['compact', `${(await direct.list()).revision}`])
    proxy.up()
    await agrees(mirror)
    expect(mirror.gaps).toBe(1)
    expect(mirror.lists).toBe(2)
    await direct.create(leaseOf(100), undefined)
    await agrees(mirror)
  })

  it('says gap when exactly the removal that it missed was compacted', async () => {
    const stored = await direct.create(leaseOf(1), undefined)
    await direct.create(leaseOf(2), undefined)
    const mirror = await Mirror.of(remote)
    proxy.down()
    await (stored && direct.remove(stored))
    await etcd.ctl(['compact', `${(await direct.list()).revision}`])
    proxy.up()
    await agrees(mirror)
    expect([...mirror.leases.keys()]).toEqual(['10.0.2.0-24'])
  })
})

describe('a wire that swallows everything', () => {
  it('is noticed within 30 s by pings alone, and what was missed is told', async () => {
    const mirror = await Mirror.of(open(`http://127.0.0.1:${proxy.port}`, { silenceMs: 3_600_000 }))
    await direct.create(leaseOf(1), DAY_MS)
    await agrees(mirror)
    proxy.swallow()
    await direct.create(leaseOf(2), DAY_MS)
    // What is connected now stays dead; only new connections work.
    await expect.poll(() => proxy.connections, { timeout: 30_000 }).toBe(0)
    proxy.up()
    await agrees(mirror)
    expect(mirror.gaps).toBe(0)
  }, 60_000)

  it('is noticed by silence when pings are answered', async () => {
    // A quiet store: etcd answers questions, so the stream stays as it is.
    const mirror = await Mirror.of(open(`http://127.0.0.1:${proxy.port}`, { silenceMs: 200 }))
    await direct.create(leaseOf(1), DAY_MS)
    await agrees(mirror)
    const before = proxy.accepted
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(proxy.accepted).toBe(before)
    proxy.swallow()
    await expect.poll(() => proxy.accepted, { timeout: 10_000 }).not.toBe(before)
    await direct.create(leaseOf(2), DAY_MS)
    proxy.up()
    proxy.cut()
    await agrees(mirror)
  }, 30_000)
})

describe('a write whose answer is lost', () => {
  it('was done, and is neither lost nor done twice', async () => {
    const store = open(`http://127.0.0.1:${proxy.port}`, { attemptTimeoutMs: 2_000, callTimeoutMs: 20_000 })
    const [changed, removed] = [
      await direct.create(leaseOf(1), undefined),
      await direct.create(leaseOf(2), undefined)
    ]
    if (changed === undefined || removed === undefined) throw new Error('no leases')
    await store.list()
    proxy.loseAnswers()
    const calls = Promise.all([
      store.update(changed, { ...changed.lease, backendType: 'vxlan' }, undefined),
      store.remove(removed),
      store.create(leaseOf(3), undefined),
      store.writeConfig('config', 0)
    ])
    await expect.poll(async () => (await direct.readConfig())?.text).toBe('config')
    await expect.poll(async () => (await direct.list()).leases.length).toBe(2)
    const before = await listedText(direct)
    proxy.up()
    proxy.cut()
    const [updated, wasRemoved, created, config] = await calls
    expect(wasRemoved).toBe(true)
    expect(await direct.readConfig()).toEqual(config)
    expect(await listedText(direct)).toBe(before)
    expect(before).toBe(`10.0.1.0-24 ${updated?.revision}\n10.0.3.0-24 ${created?.revision}`)
  }, 30_000)

  it('is not taken for done when somebody else wrote something else', async () => {
    const store = open(`http://127.0.0.1:${proxy.port}`, { attemptTimeoutMs: 2_000, callTimeoutMs: 20_000 })
    await store.list()
    proxy.swallow()
    const call = store.create(leaseOf(1), undefined)
    await direct.create({ ...leaseOf(1), backendType: 'vxlan' }, undefined)
    proxy.up()
    proxy.cut()
    expect(await call).toBeUndefined()
  }, 30_000)
})

describe('poison', () => {
  it.each([
    ['foo', 'bar'],
    ['10.0.7.0-24', ''],
    ['10.0.8.0-24', '{"PublicIP":null}'],
    ['10.0.9.0-24', '{"PublicIP":"fd00::1"}'],
    ['10.0.10.0-24', '\u0000\u0001'],
    ['10.0.11.1-32', '{"PublicIP":"192.168.77.9"}'],
    ['10.0.12.0-24/deeper', '{"PublicIP":"192.168.77.9"}'],
    ['10.0.13.0-24', '['.repeat(40_000)],
    ['10.0.14.0-24', `{"PublicIP":"192.168.77.9","x":"${'x'.repeat(100_000)}"}`]
  ])('under %s is told as rejected, and nothing else is lost', async (key, value) => {
    const mirror = await Mirror.of(remote)
    await direct.create(leaseOf(1), DAY_MS)
    await etcd
      .ctl(['put', `${prefix}/subnets/${key}`], ...(value === '' ? [] : [{ input: value }]))
      .catch(() => etcd.ctl(['put', `${prefix}/subnets/${key}`, '--', value]))
    await direct.create(leaseOf(2), DAY_MS)
    await expect.poll(() => [...mirror.leases.keys()]).toEqual(['10.0.1.0-24', '10.0.2.0-24'])
    expect(mirror.kinds('rejected')).toMatchObject([
      { key, error: { code: 'TRI_LEASE_INVALID', values: { key } } }
    ])
    const { leases, rejected } = await remote.list()
    expect(leases).toHaveLength(2)
    expect(rejected).toMatchObject([{ values: { key } }])
    await etcd.ctl(['del', `${prefix}/subnets/${key}`])
    await expect.poll(() => mirror.kinds('gone')).toMatchObject([{ key }])
  })

  it('of other keys below the prefix is not seen at all', async () => {
    const mirror = await Mirror.of(remote)
    for (const key of ['subnets', 'subnets-backup/10.0.1.0-24', 'configs', 'config/x', 'x-ours/y']) {
      await etcd.ctl(['put', `${prefix}/${key}`, 'x'])
    }
    await direct.create(leaseOf(1), DAY_MS)
    await agrees(mirror)
    expect(mirror.events.map(({ kind }) => kind)).toEqual(['put'])
  })

  it('of more megabytes than one answer may have is listed and told in pieces', async () => {
    const mirror = await Mirror.of(remote)
    const value = 'x'.repeat(1_000_000)
    await direct.create(leaseOf(1), DAY_MS)
    await agrees(mirror)
    proxy.down()
    for (let n = 0; n < 80; n++) await etcd.ctl(['put', `${prefix}/subnets/poison-${n}`], { input: value })
    await direct.create(leaseOf(2), DAY_MS)
    proxy.up()
    await expect.poll(() => mirror.leases.size, { timeout: 20_000 }).toBe(2)
    expect(mirror.kinds('rejected')).toHaveLength(80)
    expect((await remote.list()).rejected).toHaveLength(80)
    await etcd.ctl(['del', '--prefix', `${prefix}/subnets/poison-`])
  }, 60_000)
})

it('a listener that throws is told of the next event all the same', async () => {
  const { revision } = await remote.list()
  const told: StoreEvent['kind'][] = []
  remote.watch(revision, ({ kind }) => {
    told.push(kind)
    throw new Error('oops')
  })
  for (const n of [1, 2]) await direct.create(leaseOf(n), DAY_MS)
  await expect.poll(() => told).toEqual(['put', 'put'])
})

/** Random creations, updates and removals of 20 keys of its own. */
async function churn(store: EtcdSubnetStore, lane: number, steps: number): Promise<void> {
  const held = new Map<number, NonNullable<Awaited<ReturnType<typeof store.create>>>>()
  let seed = lane + 1
  for (let step = 0; step < steps; step++) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    const n = lane * 100 + (seed % 20)
    const former = held.get(n)
    const stored =
      former === undefined
        ? await store.create(leaseOf(n), undefined)
        : seed % 3 === 0
          ? void (await store.remove(former))
          : await store.update(former, former.lease, undefined)
    if (stored === undefined) held.delete(n)
    else held.set(n, stored)
  }
}
