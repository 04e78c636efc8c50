import { Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { FakeClock, settle } from './fake-clock.ts'
import { claim, lease, manager, recorder, TTL_MS } from './fixtures.ts'
import { MOMENT_MS } from './following.ts'
import { keyOf, MemoryStore } from './memory-store.ts'

describe('follow of many leases', () => {
  /** /28 of the network; our own lease is elsewhere. */
  const many = (n: number) =>
    lease(`10.5.${n >> 4}.${(n & 15) << 4}/28`, `198.18.${n >> 8}.${n & 255}`, `n${n}`)
  const LEASES = 1_000

  it('lets the event loop breathe, and what happens meanwhile is neither lost nor told before its time', async () => {
    const clock = new FakeClock()
    const store = new MemoryStore(clock)
    for (let n = 0; n < LEASES; n++) store.put(many(n), TTL_MS)
    let breaths = 0
    let next = LEASES
    let isRestless = false
    const sizes: number[] = []
    const node = manager(store, clock, 'a', {
      breathe: async () => {
        breaths++
        sizes.push(node.peers().size)
        if (isRestless && next < 2 * LEASES) {
          store.put(many(next), TTL_MS)
          store.drop(keyOf(many(next - LEASES)))
          next++
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const previousSubnets = { v4: Prefix.parse('10.5.200.0/24') }
    await node.acquire(claim('192.0.2.1', { previousSubnets }))
    let telling = 0
    const puts: number[] = []
    await node.follow(({ put }) => {
      expect(telling++).toBe(0)
      puts.push(put.size)
      telling--
    })
    // Nothing of the list before all of it.
    expect(puts).toEqual([LEASES])
    expect(breaths).toBeGreaterThanOrEqual(6)
    expect(new Set(sizes)).toEqual(new Set([0]))

    isRestless = true
    for (let n = 0; n < LEASES; n++) store.put({ ...many(n), backendType: 'host-gw' }, TTL_MS)
    await settle()
    isRestless = false
    await settle()
    await clock.advance(MOMENT_MS)
    expect(next).toBeGreaterThan(LEASES + 5)
    const held = store.all.filter(({ lease: { node: holder } }) => holder?.machineId !== 'a')
    expect(new Map(node.peers())).toEqual(new Map(held.map((stored) => [stored.key, stored])))
    expect(node.problems()).toEqual([])
  })

  it('says nothing after it was closed in the middle', async () => {
    const clock = new FakeClock()
    const store = new MemoryStore(clock)
    for (let n = 0; n < LEASES; n++) store.put(many(n), TTL_MS)
    const node = manager(store, clock, 'a', { breathe: () => node.close() })
    const { told, listen } = recorder()
    await expect(node.follow(listen)).rejects.toMatchObject({ code: 'TRI_STORE_UNAVAILABLE' })
    expect(told).toEqual([])
    expect(store.watchCount).toBe(0)
  })
})
