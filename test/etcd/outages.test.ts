import { encodeLease } from '@trilane/config'
import type { Logger, StoredLease } from '@trilane/contracts'
import { SILENT_LOGGER } from '@trilane/contracts'
import type { EtcdSubnetStore, EtcdSubnetStoreOptions } from '@trilane/store-etcd'
import { Etcd } from '@trilane/testbed'
import { afterEach, describe, expect, it } from 'vitest'
import { DAY_MS, freshPrefix, leaseOf, openStore } from './fixture.ts'
import { listedText, Mirror } from './mirror.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close()
}, 30_000)

async function setUp(
  members = 1,
  more: Partial<EtcdSubnetStoreOptions> = {}
): Promise<{ etcd: Etcd; store: EtcdSubnetStore; prefix: string }> {
  const etcd = await Etcd.start({ members })
  opened.push({ close: () => etcd.dispose() })
  const prefix = freshPrefix()
  const store = openStore(etcd, prefix, more)
  opened.push(store)
  return { etcd, store, prefix }
}

async function created(
  store: EtcdSubnetStore,
  n: number,
  ttlMs: number | undefined = DAY_MS
): Promise<StoredLease> {
  const stored = await store.create(leaseOf(n), ttlMs)
  if (stored === undefined) throw new Error(`lease ${n} is taken`)
  return stored
}

const refusal = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error
  )

async function agrees(mirror: Mirror, store: EtcdSubnetStore, timeout = 30_000): Promise<void> {
  await expect.poll(async () => mirror.text === (await listedText(store)), { timeout }).toBe(true)
}

describe('an etcd that is killed and started again', () => {
  it('is unavailable meanwhile, with a reason, and goes on where it was: nothing is listed again', async () => {
    const warnings: string[] = []
    const logger: Logger = {
      ...SILENT_LOGGER,
      child: () => logger,
      warn: (message) => warnings.push(message),
      info: (message) => warnings.push(message)
    }
    const { etcd, store } = await setUp(1, { callTimeoutMs: 300, logger })
    const former = await created(store, 1)
    const mirror = await Mirror.of(store)
    await etcd.member(1).kill()
    const reasons: string[] = []
    for (const call of [
      () => store.list(),
      () => store.create(leaseOf(2), DAY_MS),
      () => store.update(former, former.lease, DAY_MS),
      () => store.remove(former),
      () => store.readConfig(),
      () => store.writeConfig('x', 0)
    ]) {
      const error = await refusal(call())
      expect(error).toMatchObject({ code: 'TRI_STORE_UNAVAILABLE', retryable: true })
      reasons.push(String(error))
    }
    const refused = `the store etcd ${etcd.url} cannot be used: nobody listens there (connection refused)`
    for (const reason of reasons) expect(reason).toContain(refused)
    // Perhaps once more, when the reason is another: first the connection is cut, then it is refused.
    await expect.poll(() => [...new Set(warnings)]).toEqual(['store cannot be followed'])
    await etcd.member(1).start()
    await etcd.ready()
    const renewed = await store.update(former, former.lease, DAY_MS)
    expect(renewed?.revision).toBeGreaterThan(former.revision)
    await created(store, 2)
    await agrees(mirror, store)
    expect(mirror).toMatchObject({ lists: 1, gaps: 0 })
    expect([...new Set(warnings)]).toEqual(['store cannot be followed', 'store is followed again'])
  }, 60_000)

  it('is ridden out by a call that has time', async () => {
    const { etcd, store } = await setUp(1, { callTimeoutMs: 20_000 })
    const former = await created(store, 1)
    await etcd.member(1).kill()
    const calls = Promise.all([
      store.update(former, former.lease, DAY_MS),
      store.create(leaseOf(2), DAY_MS),
      store.list()
    ])
    await etcd.member(1).start()
    const [updated, other] = await calls
    expect(updated?.revision).toBeGreaterThan(former.revision)
    expect(other?.key).toBe('10.0.2.0-24')
  }, 60_000)

  it('with nothing left says gap, though its revisions are soon as high as they were', async () => {
    const { etcd, store } = await setUp()
    for (const n of [1, 2, 3]) await created(store, n)
    const mirror = await Mirror.of(store)
    await etcd.member(1).kill()
    await etcd.member(1).wipe()
    await etcd.member(1).start()
    await etcd.ready()
    const other = openStore(etcd, freshPrefix())
    opened.push(other)
    for (let n = 0; n < 10; n++) await created(other, n)
    await agrees(mirror, store)
    expect(mirror.leases.size).toBe(0)
    expect(mirror.gaps).toBeGreaterThan(0)
    await created(store, 3)
    await agrees(mirror, store)
    expect(mirror.leases.size).toBe(1)
  }, 60_000)

  it('with nothing left and few revisions is no store that a watch waits for', async () => {
    const { etcd, store } = await setUp()
    for (let n = 0; n < 20; n++) await created(store, n)
    const mirror = await Mirror.of(store)
    await etcd.member(1).kill()
    await etcd.member(1).wipe()
    await etcd.member(1).start()
    await etcd.ready()
    await expect.poll(() => mirror.gaps, { timeout: 20_000 }).toBeGreaterThan(0)
    await created(store, 50)
    await agrees(mirror, store)
    expect([...mirror.leases.keys()]).toEqual(['10.0.50.0-24'])
  }, 60_000)
})

describe('an etcd that is stopped in the middle of everything', () => {
  it('gives each call up in time, and all that was missed is told when it goes on', async () => {
    const { etcd, store } = await setUp(1, { attemptTimeoutMs: 500, callTimeoutMs: 1_000 })
    const former = await created(store, 1)
    const mirror = await Mirror.of(store)
    etcd.member(1).pause()
    const startedMs = performance.now()
    expect(await refusal(store.list())).toMatchObject({
      code: 'TRI_STORE_UNAVAILABLE',
      values: { problem: 'it does not answer in time' }
    })
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    // Pings are unanswered for long enough that the watch is given up, too.
    const ambiguous = refusal(store.update(former, former.lease, DAY_MS))
    await ambiguous
    await new Promise((resolve) => setTimeout(resolve, 18_000))
    etcd.member(1).resume()
    await etcd.ready()
    await created(store, 2)
    await agrees(mirror, store)
    expect(mirror.gaps).toBe(0)
  }, 90_000)

  it('loses and doubles no write: what was done without an answer counts as done', async () => {
    const { etcd, store } = await setUp(1, { attemptTimeoutMs: 400, callTimeoutMs: 20_000 })
    const former = await created(store, 1)
    const gone = await created(store, 3)
    etcd.member(1).pause()
    const calls = Promise.all([
      store.update(former, { ...former.lease, backendType: 'vxlan' }, DAY_MS),
      store.create(leaseOf(2), DAY_MS),
      store.remove(gone),
      store.writeConfig('config', 0)
    ])
    // Two attempts are on their way to it and will be done when it goes on.
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    etcd.member(1).resume()
    const [updated, other, removed, config] = await calls
    expect(updated?.lease.backendType).toBe('vxlan')
    expect(other?.key).toBe('10.0.2.0-24')
    expect(removed).toBe(true)
    expect(config.text).toBe('config')
    const { leases } = await store.list()
    expect(leases.map(({ key, revision }) => [key, revision])).toEqual([
      [former.key, updated?.revision],
      [other?.key, other?.revision]
    ])
    expect(await store.readConfig()).toEqual(config)
    await expect.poll(() => etcdLeases(etcd)).toHaveLength(2)
  }, 60_000)
})

describe('a cluster of three', () => {
  it('whose leader is killed again and again during 100 changes ends in the set that every member has', async () => {
    const { etcd, store, prefix } = await setUp(3, { callTimeoutMs: 20_000 })
    const mirror = await Mirror.of(store)
    const held: StoredLease[] = []
    for (let n = 0; n < 20; n++) held.push(await created(store, n))
    let failures = 0
    let running = true
    const killer = (async () => {
      for (let kills = 0; kills < 4; kills++) {
        const leader = await etcd.leader()
        await leader.kill()
        await new Promise((resolve) => setTimeout(resolve, 1_500))
        await leader.start()
        await etcd.ready()
      }
    })().finally(() => {
      running = false
    })
    for (let step = 0; step < 100 || running; step++) {
      const former = held[step % held.length]
      if (former === undefined) throw new Error('no lease')
      const updated = await store.update(former, former.lease, DAY_MS).catch(() => undefined)
      if (updated === undefined) failures++
      else held[step % held.length] = updated
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await killer
    expect(failures).toBe(0)
    await agrees(mirror, store)
    for (const { url } of etcd.members) {
      const alone = openStore({ endpoints: [url] }, prefix)
      opened.push(alone)
      expect(await listedText(alone)).toBe(mirror.text)
    }
    expect(mirror.gaps).toBe(0)
  }, 120_000)

  it('does without a member that swallows everything', async () => {
    const { etcd, store } = await setUp(3)
    const mirror = await Mirror.of(store)
    etcd.member(2).pause()
    for (let n = 0; n < 10; n++) await created(store, n)
    await agrees(mirror, store)
    etcd.member(2).resume()
  }, 60_000)
})

describe('etcd leases', () => {
  it('end by themselves: the key goes, and the watch tells it', async () => {
    const { store } = await setUp()
    const mirror = await Mirror.of(store)
    const stored = await created(store, 1, 1_000)
    expect(stored.expiresAtMs).toBeGreaterThan(Date.now())
    expect(stored.expiresAtMs).toBeLessThan(Date.now() + 10_000)
    await agrees(mirror, store)
    await expect.poll(() => mirror.kinds('gone'), { timeout: 15_000 }).toMatchObject([{ key: stored.key }])
    expect(await store.update(stored, stored.lease, DAY_MS)).toBeUndefined()
  }, 30_000)

  it('are not left behind by renewals, lost races, reservations and removals', async () => {
    const { etcd, store, prefix } = await setUp()
    const second = openStore(etcd, prefix)
    opened.push(second)
    let stored = await created(store, 1)
    const [only] = await etcdLeases(etcd)
    for (const ttlMs of [DAY_MS, DAY_MS, DAY_MS]) {
      const renewed = await store.update(stored, stored.lease, ttlMs)
      if (renewed === undefined) throw new Error('not renewed')
      stored = renewed
    }
    expect(await etcdLeases(etcd)).toEqual([only])
    // Another life, another process: each takes a new one.
    stored = (await store.update(stored, stored.lease, DAY_MS / 2)) ?? stored
    stored = (await second.update(stored, stored.lease, DAY_MS)) ?? stored
    await Promise.all(Array.from({ length: 10 }, () => second.create(leaseOf(1), DAY_MS)))
    await Promise.all(Array.from({ length: 10 }, () => store.create(leaseOf(2), DAY_MS)))
    await expect.poll(() => etcdLeases(etcd)).toHaveLength(2)
    stored = (await second.update(stored, stored.lease, undefined)) ?? stored
    await expect.poll(() => etcdLeases(etcd)).toHaveLength(1)
    for (const each of (await store.list()).leases) expect(await store.remove(each)).toBe(true)
    await expect.poll(() => etcdLeases(etcd)).toEqual([])
  }, 30_000)

  it('that hold other keys too are not revoked', async () => {
    const { etcd, store, prefix } = await setUp()
    const [, id = ''] = /lease (\w+) granted/.exec(await etcd.ctl(['lease', 'grant', '3600'])) ?? []
    const put = (key: string, value: string) => etcd.ctl(['put', '--lease', id, key, '--', value])
    await put('/somebody/else', 'x')
    await put(`${prefix}/subnets/10.0.1.0-24`, encodeLease(leaseOf(1)))
    const [stored] = (await store.list()).leases
    expect(stored?.expiresAtMs).toBe('unknown')
    const renewed = stored && (await store.update(stored, stored.lease, DAY_MS))
    expect(renewed?.expiresAtMs).toBeTypeOf('number')
    await store.close()
    expect(await etcd.ctl(['get', '/somebody/else', '--print-value-only'])).toBe('x\n')
  })

  it('of one page and another are in one list', async () => {
    const { store } = await setUp()
    await Promise.all(Array.from({ length: 2_500 }, (_, n) => store.create(leaseOf(n), undefined)))
    const { leases, revision } = await store.list()
    expect(new Set(leases.map(({ key }) => key)).size).toBe(2_500)
    expect(Math.max(...leases.map((lease) => lease.revision))).toBe(revision)
  }, 30_000)
})

async function etcdLeases(etcd: Etcd): Promise<readonly string[]> {
  const [, ...ids] = (await etcd.ctl(['lease', 'list'])).trim().split('\n')
  return ids
}
