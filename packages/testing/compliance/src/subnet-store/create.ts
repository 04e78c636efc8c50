import { IpAddress, Prefix } from '@trilane/ip'
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
  rejectedIn,
  type SubnetStoreFixture
} from './fixture.ts'

export const createPromises: readonly SuiteTest<SubnetStoreFixture>[] = [
  {
    name: 'gives the key, a revision, and the end of its life',
    async run({ store }) {
      const stored = await created(store, leaseOf(1), DAY_MS)
      expect(stored).toMatchObject({ key: keyOf(1), lease: leaseOf(1) })
      expect(stored.revision).toBeGreaterThan(0)
      const { leases } = await store.list()
      expect(leasesIn(leases)).toEqual(leasesIn([stored]))
      expect(stored.expiresAtMs).toBeTypeOf('number')
    }
  },
  {
    name: 'gives nothing when the key is there, and leaves it as it is',
    async run({ store, second }) {
      const stored = await created(store, leaseOf(1))
      const other = leaseOf(1, { publicAddresses: { v4: IpAddress.parse('192.168.77.99') } })
      expect(await second.create(other, DAY_MS)).toBeUndefined()
      expect(await store.create(other, undefined)).toBeUndefined()
      expect(leasesIn((await store.list()).leases)).toEqual(leasesIn([stored]))
    }
  },
  {
    name: 'lets one of many win a key, and all win different keys',
    async run({ store, second }) {
      const same = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? store : second).create(leaseOf(1), DAY_MS))
      )
      expect(same.filter((stored) => stored !== undefined)).toHaveLength(1)
      const different = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? store : second).create(leaseOf(10 + i), DAY_MS))
      )
      expect(different.filter((stored) => stored !== undefined)).toHaveLength(10)
      expect(await keysIn(second)).toHaveLength(11)
    }
  },
  {
    name: 'takes a key whose lease has expired',
    async run(fixture) {
      const former = await created(fixture.store, leaseOf(1), 60_000)
      await fixture.advance(61_000)
      const stored = await created(fixture.second, leaseOf(1))
      expect(stored.revision).toBeGreaterThan(former.revision)
      expect(await keysIn(fixture.store)).toEqual([keyOf(1)])
    }
  },
  {
    name: 'gives a key that was removed a revision that it never had',
    async run({ store, second }) {
      const former = await created(store, leaseOf(1))
      await store.remove(former)
      const stored = await created(second, leaseOf(1))
      expect(stored.revision).toBeGreaterThan(former.revision)
      expect(await store.remove(former)).toBe(false)
      expect(await keysIn(store)).toEqual([keyOf(1)])
    }
  },
  {
    name: 'without a life never ends: a reservation',
    async run(fixture) {
      const { store } = fixture
      const stored = need(await store.create(leaseOf(1), undefined), 'the reservation')
      expect(stored.expiresAtMs).toBe(undefined)
      await created(store, leaseOf(2), DAY_MS)
      await fixture.advance(1000 * DAY_MS)
      expect(leasesIn((await store.list()).leases)).toEqual(leasesIn([stored]))
    }
  },
  {
    name: 'writes over nothing that is no lease',
    async run(fixture) {
      const { store } = fixture
      await fixture.putRaw(keyOf(1), 'somebody else wrote this')
      expect(await store.create(leaseOf(1), DAY_MS)).toBeUndefined()
      expect(rejectedIn(await store.list())).toEqual([`TRI_LEASE_INVALID ${keyOf(1)}`])
    }
  },
  {
    name: 'refuses subnets that a flanneld could not read',
    async run({ store }) {
      for (const subnets of [{}, { v4: Prefix.parse('10.5.1.1/32') }, { v6: Prefix.parse('fd00::1/128') }]) {
        const error = await store.create(leaseOf(1, { subnets }), DAY_MS).catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ code: 'TRI_LEASE_INVALID' })
      }
      expect(await store.list()).toMatchObject({ leases: [], rejected: [] })
    }
  }
]
