import { IpAddress } from '@trilane/ip'
import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import {
  created,
  DAY_MS,
  keyOf,
  keysIn,
  leaseOf,
  leasesIn,
  need,
  type SubnetStoreFixture
} from './fixture.ts'

const MOVED = { publicAddresses: { v4: IpAddress.parse('192.168.77.99') } }

export const updatePromises: readonly SuiteTest<SubnetStoreFixture>[] = [
  {
    name: 'replaces what is in it, and the revision grows',
    async run({ store, second }) {
      const former = await created(store, leaseOf(1))
      const stored = need(await second.update(former, leaseOf(1, MOVED), DAY_MS), 'the update')
      expect(stored).toMatchObject({ key: keyOf(1), lease: leaseOf(1, MOVED) })
      expect(stored.revision).toBeGreaterThan(former.revision)
      expect(leasesIn((await store.list()).leases)).toEqual(leasesIn([stored]))
    }
  },
  {
    name: 'starts its life anew, with equal contents too',
    async run(fixture) {
      const { store } = fixture
      const former = await created(store, leaseOf(1), DAY_MS)
      await fixture.advance(DAY_MS / 2)
      const stored = need(await store.update(former, leaseOf(1), DAY_MS), 'the renewal')
      expect(stored.revision).toBeGreaterThan(former.revision)
      await fixture.advance(DAY_MS / 2 + 1_000)
      expect(await keysIn(store)).toEqual([keyOf(1)])
      await fixture.advance(DAY_MS / 2)
      expect(await keysIn(store)).toEqual([])
    }
  },
  {
    name: 'without a life makes it a reservation',
    async run(fixture) {
      const { store } = fixture
      const former = await created(store, leaseOf(1), DAY_MS)
      expect(await store.update(former, leaseOf(1), undefined)).not.toHaveProperty('expiresAtMs')
      await fixture.advance(1000 * DAY_MS)
      expect(await keysIn(store)).toEqual([keyOf(1)])
    }
  },
  {
    name: 'does nothing when it was changed meanwhile',
    async run({ store, second }) {
      const former = await created(store, leaseOf(1))
      const stored = need(await second.update(former, leaseOf(1, MOVED), DAY_MS), 'the update')
      expect(await store.update(former, leaseOf(1), DAY_MS)).toBeUndefined()
      expect(leasesIn((await store.list()).leases)).toEqual(leasesIn([stored]))
    }
  },
  {
    name: 'does nothing when it was removed, or has expired',
    async run(fixture) {
      const { store, second } = fixture
      const removed = await created(store, leaseOf(1))
      await second.remove(removed)
      expect(await store.update(removed, leaseOf(1), DAY_MS)).toBeUndefined()
      const expired = await created(store, leaseOf(2), 60_000)
      await fixture.advance(61_000)
      expect(await store.update(expired, leaseOf(2), DAY_MS)).toBeUndefined()
      expect(await keysIn(store)).toEqual([])
    }
  },
  {
    name: 'lets one of many win',
    async run({ store, second }) {
      const former = await created(store, leaseOf(1))
      const updates = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? store : second).update(former, leaseOf(1), DAY_MS))
      )
      const won = updates.filter((stored) => stored !== undefined)
      expect(won).toHaveLength(1)
      expect(leasesIn((await store.list()).leases)).toEqual(leasesIn(won))
    }
  },
  {
    name: 'refuses other subnets than those of the key',
    async run({ store }) {
      const former = await created(store, leaseOf(1))
      const error = await store.update(former, leaseOf(2), DAY_MS).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'TRI_LEASE_INVALID' })
      expect(leasesIn((await store.list()).leases)).toEqual(leasesIn([former]))
    }
  }
]

export const removePromises: readonly SuiteTest<SubnetStoreFixture>[] = [
  {
    name: 'removes it for every client, and no other',
    async run({ store, second }) {
      const stored = await created(store, leaseOf(1))
      await created(store, leaseOf(2))
      expect(await second.remove(stored)).toBe(true)
      expect(await keysIn(store)).toEqual([keyOf(2)])
      expect(await keysIn(second)).toEqual([keyOf(2)])
    }
  },
  {
    name: 'removes it once',
    async run({ store, second }) {
      const stored = await created(store, leaseOf(1))
      const removals = await Promise.all([store.remove(stored), second.remove(stored), store.remove(stored)])
      expect(removals.filter(Boolean)).toHaveLength(1)
    }
  },
  {
    name: 'does nothing when it was changed meanwhile',
    async run({ store, second }) {
      const former = await created(store, leaseOf(1))
      const stored = need(await second.update(former, leaseOf(1), DAY_MS), 'the update')
      expect(await store.remove(former)).toBe(false)
      expect(leasesIn((await store.list()).leases)).toEqual(leasesIn([stored]))
    }
  }
]
