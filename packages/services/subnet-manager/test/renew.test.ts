import { Prefix } from '@trilane/ip'
import { renewDelayMs } from '@trilane/subnet-manager'
import { describe, expect, it } from 'vitest'
import { FakeClock } from './fake-clock.ts'
import { claim, HOUR_MS, lease, manager, TTL_MS } from './fixtures.ts'
import { MemoryStore } from './memory-store.ts'

async function setUp() {
  const clock = new FakeClock({ auto: true })
  const store = new MemoryStore(clock)
  const node = manager(store, clock, 'a')
  const own = await node.acquire(claim('192.0.2.1'))
  return { clock, store, node, own }
}

describe('renew', () => {
  it('starts the life anew and writes what the claim says now', async () => {
    const { clock, store, node, own } = await setUp()
    await clock.advance(23 * HOUR_MS)
    const renewed = await node.renew(claim('192.0.2.1', { backendData: { v4: { VNI: 1, VtepMAC: 'new' } } }))
    expect(renewed.expiresAtMs).toBe(Number(own.expiresAtMs) + 23 * HOUR_MS)
    expect(store.all[0]?.lease.backendData.v4).toEqual({ VNI: 1, VtepMAC: 'new' })
    expect(node.own).toBe(renewed)
  })

  it('says that the lease is lost when it expired while this node slept', async () => {
    const { clock, store, node, own } = await setUp()
    await clock.advance(TTL_MS + 1)
    await expect(node.renew(claim('192.0.2.1'))).rejects.toMatchObject({
      code: 'TRI_LEASE_LOST',
      message: `this node no longer holds ${own.lease.subnets.v4}: it expired or was removed`
    })
    expect(node.own).toBeUndefined()
    expect(store.all).toEqual([])
  })

  it('does not overwrite another node that has the key now', async () => {
    const { store, node, own } = await setUp()
    const thief = store.put(lease(`${own.lease.subnets.v4}`, '192.0.2.66', 'thief'), TTL_MS)
    await expect(node.renew(claim('192.0.2.1'))).rejects.toMatchObject({
      code: 'TRI_LEASE_LOST',
      values: { reason: 'name of thief holds it now' }
    })
    expect(store.all).toEqual([thief])
  })

  it('takes the lease back from a flanneld of this node', async () => {
    const { store, node, own } = await setUp()
    store.put(lease(`${own.lease.subnets.v4}`, '192.0.2.1'), TTL_MS)
    const renewed = await node.renew(claim('192.0.2.1'))
    expect(renewed.lease.node?.machineId).toBe('a')
  })

  it('goes on when a renewal was done but its answer was lost', async () => {
    const { store, node } = await setUp()
    store.swallowNextAnswer = true
    await expect(node.renew(claim('192.0.2.1'))).rejects.toMatchObject({ code: 'TRI_STORE_UNAVAILABLE' })
    await expect(node.renew(claim('192.0.2.1'))).resolves.toMatchObject({
      lease: { node: { machineId: 'a' } }
    })
  })

  it('before acquire is a lost lease, not a crash', async () => {
    const clock = new FakeClock({ auto: true })
    const node = manager(new MemoryStore(clock), clock, 'a')
    await expect(node.renew(claim('192.0.2.1'))).rejects.toMatchObject({ code: 'TRI_LEASE_LOST' })
  })
})

describe('renewDelayMs', () => {
  const schedule = { ageMs: 0, leaseTtlMs: TTL_MS, renewMarginMs: HOUR_MS, jitter: 0 }

  it('waits until the margin before the end', () => {
    expect(renewDelayMs(schedule)).toBe(23 * HOUR_MS)
    expect(renewDelayMs({ ...schedule, ageMs: 22 * HOUR_MS })).toBe(HOUR_MS)
  })

  it('is due at once within the margin and after the end', () => {
    expect(renewDelayMs({ ...schedule, ageMs: 23.5 * HOUR_MS })).toBe(0)
    expect(renewDelayMs({ ...schedule, ageMs: 50 * HOUR_MS })).toBe(0)
    expect(renewDelayMs({ ...schedule, ageMs: Number.POSITIVE_INFINITY })).toBe(0)
  })

  it('comes earlier by at most a tenth, never later', () => {
    expect(renewDelayMs({ ...schedule, jitter: 1 })).toBe(23 * HOUR_MS * 0.9)
    const dueMs = 23 * HOUR_MS * 0.95
    expect(renewDelayMs({ ...schedule, jitter: 0.5, ageMs: dueMs - 1000 })).toBe(1000)
    expect(renewDelayMs({ ...schedule, jitter: 0.5, ageMs: dueMs })).toBe(0)
  })

  it('does not renew without pause when the margin is longer than the life', () => {
    expect(renewDelayMs({ ...schedule, renewMarginMs: 2 * TTL_MS })).toBe(TTL_MS / 2)
  })

  it('is what a manager tells of its own lease', async () => {
    const { clock, node } = await setUp()
    const first = node.renewDelayMs() ?? 0
    expect(first).toBeGreaterThan(20 * HOUR_MS)
    expect(first).toBeLessThanOrEqual(23 * HOUR_MS)
    await clock.advance(23 * HOUR_MS)
    expect(node.renewDelayMs()).toBe(0)
  })

  it.each([-365, -1, -1 / 24, 1 / 24, 1, 365])(
    'goes by the time that passed, though the wall clock is set by %f days',
    async (days) => {
      const { clock, node } = await setUp()
      const first = node.renewDelayMs() ?? 0
      clock.setWall(days * 24 * HOUR_MS)
      expect(node.renewDelayMs()).toBe(first)
      await clock.advance(first)
      expect(node.renewDelayMs()).toBe(0)
    }
  )

  it('is due when the machine was suspended, which the monotonic clock does not see', async () => {
    const { clock, node } = await setUp()
    clock.suspend(23 * HOUR_MS)
    expect(node.renewDelayMs()).toBe(0)
    await node.renew(claim('192.0.2.1'))
    expect(node.renewDelayMs()).toBeGreaterThan(20 * HOUR_MS)
  })

  it('is never for a reservation', async () => {
    const { clock, store } = await setUp()
    store.put(lease('10.5.71.0/24', '192.0.2.9'))
    const node = manager(store, clock, 'b')
    await node.acquire(claim('192.0.2.9'))
    await clock.advance(10 * TTL_MS)
    expect(node.renewDelayMs()).toBeUndefined()
  })
})

describe('release', () => {
  it('removes the lease; repeating it is free', async () => {
    const { store, node } = await setUp()
    await node.release()
    await node.release()
    expect(store.all).toEqual([])
    expect(node.own).toBeUndefined()
  })

  it('keeps a reservation for the same node, where nobody is reached any more', async () => {
    const { clock, store } = await setUp()
    store.put(lease('10.5.71.0/24', '192.0.2.9'))
    const node = manager(store, clock, 'b')
    await node.acquire(claim('192.0.2.9'))
    await node.release()
    const kept = store.all.find(({ key }) => key === '10.5.71.0-24')
    expect(kept).toMatchObject({ lease: { backendType: '', backendData: {}, node: { machineId: 'b' } } })
    expect(kept).not.toHaveProperty('expiresAtMs')
    expect((await manager(store, clock, 'b').acquire(claim('192.0.2.77'))).key).toBe('10.5.71.0-24')
  })

  it('leaves a lease that another node holds now', async () => {
    const { store, node, own } = await setUp()
    const thief = store.put(lease(`${own.lease.subnets.v4}`, '192.0.2.66', 'thief'), TTL_MS)
    await node.release()
    expect(store.all).toEqual([thief])
  })
})

describe('close', () => {
  it('leaves the lease for the next life', async () => {
    const { clock, store, node, own } = await setUp()
    await node.close()
    expect(store.all).toEqual([own])
    expect((await manager(store, clock, 'a').acquire(claim('192.0.2.1'))).key).toBe(own.key)
  })
})

describe('reserve', () => {
  it('keeps subnets for ever, and the node they are for finds them', async () => {
    const { clock, store, node } = await setUp()
    const reserved = await node.reserve(lease('10.5.200.0/24', '192.0.2.200'))
    expect(reserved.expiresAtMs).toBeUndefined()
    await clock.advance(10 * TTL_MS)
    store.expire()
    const stored = await manager(store, clock, 'new').acquire(claim('192.0.2.200'))
    expect(stored.key).toBe('10.5.200.0-24')
  })

  it.each(['10.5.71.0/24', '10.5.71.128/25', '10.5.70.0/23'])(
    'refuses %s when it overlaps a lease',
    async (subnet) => {
      const { store, node } = await setUp()
      store.put(lease('10.5.71.0/24', '192.0.2.66', 'b'), TTL_MS)
      await expect(node.reserve(lease(subnet, '192.0.2.200'))).rejects.toMatchObject({
        code: 'TRI_LEASE_CONFLICT',
        values: { key: '10.5.71.0-24', owner: 'name of b' }
      })
      expect(store.all).toHaveLength(2)
    }
  )

  it.each(['10.5.0.0/16', '10.0.0.0/8', '10.6.1.0/24', 'fd00:5:0:1::/64'])(
    'refuses %s, which is no part of the network',
    async (subnet) => {
      const { store, node } = await setUp()
      await expect(node.reserve(lease(subnet, '192.0.2.200'))).rejects.toMatchObject({
        code: 'TRI_CONFIG_INVALID',
        values: { value: Prefix.parse(subnet) }
      })
      expect(store.all).toHaveLength(1)
    }
  )
})
