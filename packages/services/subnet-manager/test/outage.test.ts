import { type RememberedStore, SILENT_LOGGER, type StoreCache, TrilaneError } from '@trilane/contracts'
import { rememberingStore } from '@trilane/subnet-manager'
import { describe, expect, it } from 'vitest'
import { FakeClock, settle } from './fake-clock.ts'
import { claim, family, lease, manager, network, recorder, TTL_MS } from './fixtures.ts'
import { MemoryStore } from './memory-store.ts'

/** What the store holds now, as a cache would have it. */
async function remembered(store: MemoryStore): Promise<Pick<StoreCache, 'read'>> {
  const state: RememberedStore = { list: await store.list(), listedAtMs: 0 }
  return { read: async () => state }
}

async function setUp() {
  const clock = new FakeClock()
  const store = new MemoryStore(clock)
  const former = manager(store, clock, 'a')
  const own = await former.acquire(claim('192.0.2.1'))
  await former.close()
  const peer = store.put(lease('10.5.2.0/24', '192.0.2.2', 'b'), TTL_MS)
  const cache = await remembered(store)
  const node = manager(store, clock, 'a', { cache })
  const { told, listen } = recorder()
  return { clock, store, own, peer, cache, node, told, listen }
}

describe('a start while the store is away', () => {
  it('goes on with the remembered lease and peers, and says so', async () => {
    const { store, own, peer, node, listen, told } = await setUp()
    store.down = true
    await expect(node.acquire(claim('192.0.2.1'))).rejects.toMatchObject({ code: 'TRI_STORE_UNAVAILABLE' })
    expect(await node.recall(claim('192.0.2.1').publicAddresses)).toEqual(own)
    expect(node.renewDelayMs()).toBe(0)
    const flags: unknown[] = []
    await node.follow((change) => {
      listen(change)
      flags.push(change.remembered)
    })
    expect(told).toEqual([`+${peer.key}`])
    expect(flags).toEqual([true])
    expect(node.outage()).toMatchObject({
      code: 'TRI_STORE_REMEMBERED',
      values: { at: '1970-01-01T00:00:00.000Z', problem: 'down' }
    })
    await node.close()
  })

  it('applies the difference when the store is back, and renews the lease', async () => {
    const { clock, store, own, peer, node, listen, told } = await setUp()
    store.down = true
    await node.recall(claim('192.0.2.1').publicAddresses)
    const flags: unknown[] = []
    await node.follow((change) => {
      listen(change)
      flags.push(change.remembered)
    })
    store.drop(peer.key)
    store.put(lease('10.5.3.0/24', '192.0.2.3', 'c'), TTL_MS)
    store.down = false
    await clock.advance(5_000)
    expect(told.at(-1)).toBe('+10.5.3.0-24')
    expect(flags.at(-1)).toBeUndefined()
    await clock.advance(2_000)
    expect(told.at(-1)).toBe(`-${peer.key}`)
    expect(node.outage()).toBeUndefined()
    const renewed = await node.renew(claim('192.0.2.1'))
    expect(renewed).toMatchObject({ key: own.key, revision: expect.any(Number) })
    expect(node.renewDelayMs()).toBeGreaterThan(0)
    await node.close()
  })

  it('tells that the list is complete also when nothing changed', async () => {
    const { clock, store, node } = await setUp()
    store.down = true
    await node.recall(claim('192.0.2.1').publicAddresses)
    const flags: unknown[] = []
    await node.follow((change) => flags.push(change.remembered))
    store.down = false
    await clock.advance(5_000)
    expect(flags).toEqual([true, undefined])
    await node.close()
  })

  it('loses the remembered lease when somebody else has it, or nobody, when the store is back', async () => {
    for (const other of ['192.0.2.9', undefined]) {
      const { clock, store, own, node, listen, told } = await setUp()
      store.down = true
      await node.recall(claim('192.0.2.1').publicAddresses)
      await node.follow(listen)
      store.drop(own.key)
      if (other !== undefined) store.put(lease(String(own.lease.subnets.v4), other, 'thief'), TTL_MS)
      store.down = false
      await clock.advance(5_000)
      expect(told.at(-1)).toBe(other === undefined ? 'own lost' : 'own changed')
      await node.close()
    }
  })

  it('recalls nothing that is of another node or does not fit the network', async () => {
    const { clock, store, cache } = await setUp()
    const stranger = manager(store, clock, 'z', { cache })
    expect(await stranger.recall(claim('192.0.2.77').publicAddresses)).toBeUndefined()
    const moved = manager(store, clock, 'a', { cache, network: network({ v4: family('10.9.0.0/16', 24) }) })
    expect(await moved.recall(claim('192.0.2.1').publicAddresses)).toBeUndefined()
    expect(await manager(store, clock, 'a').recall(claim('192.0.2.1').publicAddresses)).toBeUndefined()
  })
})

describe('an outage while following', () => {
  it('is told when it begins and when it ends, by the watch or by a list', async () => {
    const { clock, store, node, listen, told } = await setUp()
    await node.acquire(claim('192.0.2.1'))
    await node.follow(listen)
    const error = TrilaneError.of('TRI_STORE_UNAVAILABLE', {
      store: 'memory',
      problem: 'cut'
    })
    const before = told.length
    store.emit({ kind: 'away', error })
    store.emit({ kind: 'away', error })
    await settle()
    expect(told.slice(before)).toEqual([''])
    expect(node.outage()).toBe(error)
    store.emit({ kind: 'back' })
    await settle()
    expect(told.slice(before)).toEqual(['', ''])
    expect(node.outage()).toBeUndefined()
    store.down = true
    store.emit({ kind: 'gap', reason: 'connection lost' })
    await clock.advance(100)
    expect(node.outage()).toMatchObject({ values: { problem: 'down' } })
    store.down = false
    await clock.advance(5_000)
    expect(node.outage()).toBeUndefined()
    expect(node.peers().size).toBe(1)
    await node.close()
  })
})

describe('a store that lost its data', () => {
  async function wiped() {
    const { clock, store, own, peer, node, listen, told } = await setUp()
    const second = store.put(lease('10.5.3.0/24', '192.0.2.3', 'c'), TTL_MS)
    await node.acquire(claim('192.0.2.1'))
    await node.follow(listen)
    const before = told.length
    store.loseEverything()
    await clock.advance(100)
    return {
      clock,
      store,
      own,
      peer,
      second,
      node,
      news: () => told.slice(before).filter((text) => text !== '')
    }
  }

  it('keeps the peers until they are written again, and tells of its own alone', async () => {
    const { clock, store, peer, second, node, news } = await wiped()
    expect(news()).toEqual(['own lost'])
    expect([...node.peers().keys()]).toEqual([peer.key, second.key])
    await node.acquire(claim('192.0.2.1'))
    store.put(peer.lease, TTL_MS)
    store.put(lease('10.5.3.0/24', '192.0.2.3', 'c', '02:00:00:00:00:07'), TTL_MS)
    await clock.advance(0)
    await clock.advance(120_000)
    expect(news()).toEqual(['own lost', `+${second.key}`])
    expect(node.peers().size).toBe(2)
    await node.close()
  })

  it('gives up after a minute those that nobody writes again', async () => {
    const { clock, store, peer, second, node, news } = await wiped()
    await node.acquire(claim('192.0.2.1'))
    store.put(peer.lease, TTL_MS)
    await clock.advance(59_000)
    store.emit({ kind: 'gap', reason: 'x' })
    await clock.advance(500)
    expect(node.peers().size).toBe(2)
    await clock.advance(1_000)
    expect(news()).toEqual(['own lost', `-${second.key}`])
    await node.close()
  })

  it('lets a new lease go before one that is awaited', async () => {
    const { clock, store, second, node, news } = await wiped()
    store.put(lease('10.5.3.128/25', '192.0.2.9', 'new'), TTL_MS)
    await clock.advance(0)
    expect(news().at(-1)).toBe(`+10.5.3.128-25 -${second.key}`)
    await node.close()
  })

  it('is not one of which a single lease, or all but one, was removed', async () => {
    const { clock, store, own, peer, node, told, listen } = await setUp()
    const second = store.put(lease('10.5.3.0/24', '192.0.2.3', 'c'), TTL_MS)
    await node.acquire(claim('192.0.2.1'))
    await node.follow(listen)
    store.drop(own.key)
    store.drop(second.key)
    await clock.advance(2_000)
    expect(told.slice(-2)).toEqual(['own lost', `-${second.key}`])
    expect([...node.peers().keys()]).toEqual([peer.key])
    await node.close()
  })

  it('is seen as well where revisions go on growing and all leases go one by one', async () => {
    const { clock, store, own, peer, node, told, listen } = await setUp()
    await node.acquire(claim('192.0.2.1'))
    await node.follow(listen)
    store.drop(peer.key)
    await settle()
    store.drop(own.key)
    store.put(lease('10.5.7.0/24', '192.0.2.7', 'quick'), TTL_MS)
    await settle()
    expect(told.at(-1)).toBe('+10.5.7.0-24 own lost')
    await clock.advance(50_000)
    expect([...node.peers().keys()].sort()).toEqual([peer.key, '10.5.7.0-24'])
    await node.close()
  })
})

describe('rememberingStore', () => {
  class Cache implements StoreCache {
    readonly written: string[] = []
    broken = false
    read = async () => undefined
    async replace(list: RememberedStore['list'], config: RememberedStore['config']) {
      if (this.broken) throw new Error('disk full')
      this.written.push(`list ${list.leases.map(({ key }) => key)} ${config?.text}`)
    }
    async note(event: Parameters<StoreCache['note']>[0]) {
      if (this.broken) throw new Error('disk full')
      this.written.push(`${event.kind} ${event.kind === 'put' ? event.stored.key : ''}`.trim())
    }
  }

  it('writes down lists, events and the config, and hands everything on', async () => {
    const { clock, store, own, peer } = await setUp()
    const cache = new Cache()
    const node = manager(store, clock, 'a')
    await store.writeConfig('one')
    const remembering = rememberingStore(store, cache, SILENT_LOGGER)
    await remembering.readConfig()
    expect(await remembering.list()).toEqual(await store.list())
    const events: string[] = []
    const watch = remembering.watch(store.all.length + 100, ({ kind }) => events.push(kind))
    store.put(lease('10.5.3.0/24', '192.0.2.3', 'c'), TTL_MS)
    store.poison(peer.key)
    store.drop('10.5.3.0-24')
    await store.writeConfig('two')
    store.emit({ kind: 'gap', reason: 'x' })
    store.emit({ kind: 'back' })
    watch.close()
    await settle()
    expect(events).toEqual(['put', 'rejected', 'gone', 'config', 'gap', 'back'])
    expect(cache.written).toEqual([
      'config',
      `list ${own.key},${peer.key} one`,
      'put 10.5.3.0-24',
      'gone',
      'gone',
      'config'
    ])
    await node.close()
  })

  it('serves the store though the cache cannot be written', async () => {
    const { store } = await setUp()
    const cache = new Cache()
    cache.broken = true
    const warnings: string[] = []
    const logger = { ...SILENT_LOGGER, warn: (message: string) => warnings.push(message) }
    const remembering = rememberingStore(store, cache, logger)
    for (let i = 0; i < 3; i++) expect((await remembering.list()).leases).toHaveLength(2)
    await settle()
    expect(warnings).toEqual(['what the store says is not remembered'])
  })
})
