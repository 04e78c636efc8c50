import { describe, expect, it } from 'vitest'
import { settle } from './fake-clock.ts'
import { lease, manager, TTL_MS } from './fixtures.ts'
import { following, MOMENT_MS, setUp } from './following.ts'

describe('follow', () => {
  it('delivers the first complete list, without our own lease, before it returns', async () => {
    const { node, told, listen } = await setUp()
    await node.follow(listen)
    expect(told).toEqual(['+10.5.2.0-24'])
    expect([...node.peers().keys()]).toEqual(['10.5.2.0-24'])
  })

  it('delivers an empty first list too', async () => {
    const { node, store, told, listen } = await setUp()
    store.drop('10.5.2.0-24')
    await node.follow(listen)
    expect(told).toEqual([''])
  })

  it('tells of new, changed and removed peers', async () => {
    const { clock, store, told } = await following()
    store.put(lease('10.5.3.0/24', '192.0.2.3', 'c'), TTL_MS)
    await settle()
    store.put(lease('10.5.2.0/24', '192.0.2.2', 'b', '02:00:00:00:00:99'), TTL_MS)
    await settle()
    store.drop('10.5.3.0-24')
    await clock.advance(MOMENT_MS)
    expect(told).toEqual(['+10.5.3.0-24', '+10.5.2.0-24', '-10.5.3.0-24'])
  })

  it('keeps a peer whose key was removed for the moment in which its node writes it again', async () => {
    const { clock, store, node, told } = await following()
    for (const [mac, news] of [
      ['02:00:00:00:00:01', []],
      ['02:00:00:00:00:02', ['+10.5.2.0-24']]
    ] as const) {
      store.drop('10.5.2.0-24')
      await clock.advance(MOMENT_MS - 1)
      expect(told).toEqual([])
      const again = store.put(lease('10.5.2.0/24', '192.0.2.2', 'b', mac), TTL_MS)
      await clock.advance(2 * MOMENT_MS)
      expect(told).toEqual(news)
      expect(node.peers().get(again.key)).toBe(again)
    }
    store.drop('10.5.2.0-24')
    await clock.advance(MOMENT_MS / 2)
    // Another node's, at once.
    store.put(lease('10.5.2.0/24', '192.0.2.3', 'c'), TTL_MS)
    await settle()
    expect(told).toEqual(['+10.5.2.0-24', '+10.5.2.0-24'])
    store.drop('10.5.2.0-24')
    await clock.advance(MOMENT_MS)
    expect(told.at(-1)).toBe('-10.5.2.0-24')
  })

  it('does not tell of a renewal that says the same, but shows its new end', async () => {
    const { clock, store, node, told } = await following()
    await clock.advance(1000)
    const renewed = store.put(lease('10.5.2.0/24', '192.0.2.2', 'b'), TTL_MS)
    await settle()
    expect(told).toEqual([])
    expect(node.peers().get('10.5.2.0-24')).toEqual(renewed)
  })

  it('tells once of what happened in one turn', async () => {
    const { store, told } = await following()
    store.put(lease('10.5.3.0/24', '192.0.2.3', 'c'), TTL_MS)
    store.drop('10.5.3.0-24')
    store.put(lease('10.5.4.0/24', '192.0.2.4', 'd'), TTL_MS)
    await settle()
    expect(told).toEqual(['+10.5.4.0-24'])
  })

  it('lets a repeated or late event change nothing', async () => {
    const { clock, store, node, told } = await following()
    const first = store.put(lease('10.5.3.0/24', '192.0.2.3', 'c', '02:00:00:00:00:01'), TTL_MS)
    const second = store.put(lease('10.5.3.0/24', '192.0.2.3', 'c', '02:00:00:00:00:02'), TTL_MS)
    await settle()
    store.emit({ kind: 'put', stored: first })
    store.emit({ kind: 'gone', key: first.key, revision: first.revision })
    await settle()
    expect(node.peers().get(first.key)).toBe(second)
    store.drop(first.key)
    await settle()
    store.emit({ kind: 'put', stored: second })
    store.emit({ kind: 'put', stored: { ...second, key: '10.5.8.0-24', revision: 1 } })
    store.emit({ kind: 'put', stored: { ...second, key: '10.5.2.0-24', revision: 2 } })
    await clock.advance(MOMENT_MS)
    store.emit({ kind: 'put', stored: second })
    await settle()
    expect(told).toEqual(['+10.5.3.0-24', '-10.5.3.0-24'])
  })

  it('notices after a gap what changed, came and went in it', async () => {
    const { clock, store, node, told } = await following()
    store.muted = true
    store.put(lease('10.5.2.0/24', '192.0.2.2', 'b', '02:00:00:00:00:99'), TTL_MS)
    store.put(lease('10.5.3.0/24', '192.0.2.3', 'c'), TTL_MS)
    await settle()
    expect(told).toEqual([])
    store.emit({ kind: 'gap', reason: 'compacted' })
    await clock.advance(200)
    expect(told).toEqual(['+10.5.2.0-24 +10.5.3.0-24'])
    store.drop('10.5.3.0-24')
    store.emit({ kind: 'gap', reason: 'compacted' })
    await clock.advance(200)
    await clock.advance(MOMENT_MS)
    expect(told.at(-1)).toBe('-10.5.3.0-24')
    store.muted = false
    store.put(lease('10.5.4.0/24', '192.0.2.4', 'd'), TTL_MS)
    await settle()
    expect(told.at(-1)).toBe('+10.5.4.0-24')
    expect(store.watchCount).toBe(1)
    expect(node.problems()).toEqual([])
  })

  it('notices by listing again what a stalled watch never tells', async () => {
    const { clock, store, told } = await following({ relistMs: 60_000 })
    store.muted = true
    store.put(lease('10.5.3.0/24', '192.0.2.3', 'c'), TTL_MS)
    await clock.advance(59_000)
    expect(told).toEqual([])
    await clock.advance(1_000)
    expect(told).toEqual(['+10.5.3.0-24'])
  })

  it('keeps every peer when a key that is no lease is written, and when it goes', async () => {
    const { store, node, told } = await following()
    store.poison('foo')
    await settle()
    expect(node.peers().size).toBe(1)
    expect(node.problems().map((problem) => problem.values.key)).toEqual(['foo'])
    store.drop('foo')
    await settle()
    expect(node.problems()).toEqual([])
    expect(told).toEqual(['', ''])
  })

  it('loses the one peer whose key was overwritten with rubbish', async () => {
    const { store, node, told } = await following()
    store.put(lease('10.5.3.0/24', '192.0.2.3', 'c'), TTL_MS)
    await settle()
    const former = store.all.find((stored) => stored.key === '10.5.3.0-24')
    store.poison('10.5.3.0-24')
    await settle()
    if (former !== undefined) store.emit({ kind: 'put', stored: former })
    await settle()
    expect(told).toEqual(['+10.5.3.0-24', '-10.5.3.0-24'])
    expect([...node.peers().keys()]).toEqual(['10.5.2.0-24'])
  })

  it('serves a lease that was in the way of another as soon as that goes', async () => {
    const { store, node, told } = await following()
    store.put(lease('10.5.2.128/25', '192.0.2.3', 'c'), TTL_MS)
    await settle()
    expect(node.problems()).toHaveLength(1)
    store.drop('10.5.2.0-24')
    await settle()
    expect(told).toEqual(['', '+10.5.2.128-25 -10.5.2.0-24'])
    expect(node.problems()).toEqual([])
  })

  it('waits for a store that is down, then begins', async () => {
    const { clock, store, node, told, listen } = await setUp()
    store.down = true
    const begun = node.follow(listen)
    for (let i = 0; i < 12; i++) await clock.advance(5_000)
    expect(told).toEqual([])
    store.down = false
    await clock.advance(5_000)
    await begun
    expect(told).toEqual(['+10.5.2.0-24'])
  })

  it('waits longer after each failure, up to 5 s, and in its own rhythm', async () => {
    const rhythm = async (machineId: string) => {
      const { clock, store, listen } = await setUp()
      const node = manager(store, clock, machineId)
      store.down = true
      clock.sleptMs.length = 0
      node.follow(listen).catch(() => {})
      for (let i = 0; i < 12; i++) await clock.advance(5_000)
      await node.close()
      return clock.sleptMs
    }
    const waits = await rhythm('a')
    expect(waits.length).toBeGreaterThanOrEqual(10)
    for (const [i, ms] of waits.entries()) {
      const fullMs = Math.min(100 * 2 ** i, 5_000)
      expect(ms).toBeGreaterThanOrEqual(fullMs / 2)
      expect(ms).toBeLessThanOrEqual(fullMs)
    }
    expect(await rhythm('b')).not.toEqual(waits)
  })

  it('keeps the last set through an outage', async () => {
    const { clock, store, node, told } = await following()
    store.down = true
    store.emit({ kind: 'gap', reason: 'connection lost' })
    for (let i = 0; i < 20; i++) await clock.advance(5_000)
    expect(node.peers().size).toBe(1)
    // That the store is away, once.
    expect(told).toEqual([''])
    store.put(lease('10.5.3.0/24', '192.0.2.3', 'c'), TTL_MS)
    store.down = false
    await clock.advance(5_000)
    expect(told).toEqual(['', '+10.5.3.0-24'])
  })

  it('does not list without pause when the store reports a gap after each list', async () => {
    const { clock, store } = await following()
    const before = store.lists
    for (let i = 0; i < 40; i++) {
      store.emit({ kind: 'gap', reason: 'again' })
      await clock.advance(50)
    }
    expect(store.lists - before).toBeLessThan(10)
  })

  it('never calls the listener from inside the listener, and goes on when it throws', async () => {
    const { store, node } = await setUp()
    let depth = 0
    let deepest = 0
    let calls = 0
    await node.follow(() => {
      calls++
      depth++
      deepest = Math.max(deepest, depth)
      if (calls < 4) store.put(lease(`10.5.${10 + calls}.0/24`, `192.0.2.${10 + calls}`, `n${calls}`), TTL_MS)
      depth--
      throw new Error('a defect of the listener')
    })
    await settle()
    expect({ calls, deepest }).toEqual({ calls: 4, deepest: 1 })
  })

  it('tells with an empty change that only the problems changed', async () => {
    const { store, node, told } = await following()
    store.put(lease('10.6.0.0/24', '192.0.2.3', 'c'), TTL_MS)
    await settle()
    expect(told).toEqual([''])
    expect(node.problems().map((problem) => problem.values.key)).toEqual(['10.6.0.0-24'])
    store.put(lease('10.6.0.0/24', '192.0.2.3', 'c'), TTL_MS)
    await settle()
    expect(told).toEqual([''])
    store.drop('10.6.0.0-24')
    await settle()
    expect(told).toEqual(['', ''])
    expect(node.problems()).toEqual([])
  })

  it('says nothing after close, and ends a follow that waits', async () => {
    const { store, node, told } = await following()
    await node.close()
    await settle()
    store.put(lease('10.5.3.0/24', '192.0.2.3', 'c'), TTL_MS)
    await settle()
    expect(told).toEqual([])
    expect(store.watchCount).toBe(0)
    const waiting = await setUp()
    waiting.store.down = true
    const begun = waiting.node.follow(waiting.listen)
    await settle()
    await waiting.node.close()
    await expect(begun).rejects.toMatchObject({ code: 'TRI_STORE_UNAVAILABLE' })
  })
})
