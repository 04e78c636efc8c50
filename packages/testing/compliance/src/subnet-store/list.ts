import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import {
  created,
  DAY_MS,
  DUAL,
  keyOf,
  keysIn,
  leaseOf,
  leasesIn,
  rejectedIn,
  type SubnetStoreFixture,
  V6_ONLY
} from './fixture.ts'

export const listPromises: readonly SuiteTest<SubnetStoreFixture>[] = [
  {
    name: 'is empty in a new store',
    async run({ store }) {
      expect(await store.list()).toMatchObject({ leases: [], rejected: [] })
    }
  },
  {
    name: 'has every lease with all that is in it, for every client',
    async run({ store, second }) {
      const stored = [
        await created(store, DUAL),
        await created(store, V6_ONLY),
        await created(store, leaseOf(1))
      ]
      for (const client of [store, second]) {
        const { leases, rejected } = await client.list()
        expect(leasesIn(leases)).toEqual(leasesIn(stored))
        expect(leasesIn(leases)['10.5.50.0-24&fd00:5:0:15::-64']).toMatchObject({
          lease: JSON.parse(JSON.stringify(DUAL))
        })
        expect(leases.find(({ key }) => key === '0.0.0.0-0&fd00:10:0:27::-64')?.lease).toEqual(V6_ONLY)
        expect(rejected).toEqual([])
      }
    }
  },
  {
    name: 'is as new as its revision',
    async run({ store }) {
      const stored = await created(store, leaseOf(1))
      expect((await store.list()).revision).toBeGreaterThanOrEqual(stored.revision)
    }
  },
  {
    name: 'leaves out what has expired, and only that',
    async run(fixture) {
      const { store } = fixture
      await created(store, leaseOf(1), 60_000)
      await created(store, leaseOf(2), 2 * DAY_MS)
      await fixture.advance(59_000)
      expect(await keysIn(store)).toEqual([keyOf(1), keyOf(2)])
      await fixture.advance(DAY_MS)
      expect(await keysIn(store)).toEqual([keyOf(2)])
    }
  },
  {
    name: 'names each key that is no lease, and has all the good ones',
    async run(fixture) {
      const { store } = fixture
      await created(store, leaseOf(1))
      const bad = ['foo', '10.5.7.0-24', '10.5.8.0-24', '10.5.9.1-32']
      await fixture.putRaw('foo', 'bar')
      await fixture.putRaw('10.5.7.0-24', '{"PublicIP":null}')
      await fixture.putRaw('10.5.8.0-24', '')
      await fixture.putRaw('10.5.9.1-32', '{"PublicIP":"192.168.77.9"}')
      await created(store, leaseOf(2))
      const list = await store.list()
      expect(Object.keys(leasesIn(list.leases)).sort()).toEqual([keyOf(1), keyOf(2)])
      expect(rejectedIn(list)).toEqual(bad.map((key) => `TRI_LEASE_INVALID ${key}`).sort())
    }
  }
]
