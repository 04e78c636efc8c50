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
  plain,
  Recorder,
  type SubnetStoreFixture
} from './fixture.ts'

const MOVED = { publicAddresses: { v4: IpAddress.parse('192.168.77.99') } }

export const watchPromises: readonly SuiteTest<SubnetStoreFixture>[] = [
  {
    name: 'tells what was created, changed and removed between the list and its own beginning',
    async run(fixture) {
      const { store, second } = fixture
      const removed = await created(store, leaseOf(1))
      const changed = await created(store, leaseOf(2))
      await created(store, leaseOf(3))
      const list = await store.list()
      await second.remove(removed)
      const update = need(await second.update(changed, leaseOf(2, MOVED), DAY_MS), 'the update')
      await created(second, leaseOf(4))

      const recorder = new Recorder(fixture, list)
      store.watch(list.revision, recorder.listener)
      await recorder.put(keyOf(4))
      expect(plain((await recorder.put(keyOf(2))).stored)).toEqual(plain(update))
      const gone = await recorder.gone(keyOf(1))
      expect(gone.revision).toBeGreaterThan(removed.revision)
      await recorder.converges(store)
    }
  },
  {
    name: 'tells what other clients and its own client do, in the order of revisions',
    async run(fixture) {
      const { store, second } = fixture
      const { revision } = await store.list()
      const recorder = new Recorder(fixture)
      store.watch(revision, recorder.listener)
      const first = await created(second, leaseOf(1))
      expect(plain((await recorder.put(keyOf(1))).stored)).toEqual(plain(first))
      await created(store, leaseOf(2))
      await recorder.put(keyOf(2))
      await second.remove(first)
      await recorder.gone(keyOf(1))
      for (let i = 0; i < 20; i++) await created(i % 2 ? store : second, leaseOf(100 + i))
      await recorder.converges(store)
      const revisions = recorder.events.flatMap((event) => {
        if (event.kind === 'put') return [event.stored.revision]
        return event.kind === 'gone' ? [event.revision] : []
      })
      expect(revisions).toEqual([...revisions].sort((left, right) => left - right))
    }
  },
  {
    name: 'adds up to the list, whatever is done at the same time',
    async run(fixture) {
      const { store, second } = fixture
      const list = await store.list()
      const recorder = new Recorder(fixture, list)
      store.watch(list.revision, recorder.listener)
      await Promise.all([store, second].map((client, offset) => churn(client, offset)))
      await recorder.converges(second)
      expect(recorder.leases.size).toBeGreaterThan(0)
    }
  },
  {
    name: 'tells of an expiry as of a removal',
    async run(fixture) {
      const { store, second } = fixture
      const { revision } = await store.list()
      const recorder = new Recorder(fixture)
      store.watch(revision, recorder.listener)
      await created(second, leaseOf(1), 60_000)
      await created(second, leaseOf(2), 2 * DAY_MS)
      await recorder.put(keyOf(2))
      await fixture.advance(61_000)
      await recorder.gone(keyOf(1))
      expect(await keysIn(second)).toEqual([keyOf(2)])
      expect(recorder.about(keyOf(2))).not.toContain('gone')
    }
  },
  {
    name: 'tells nothing of the former end of a renewed lease, nor of a reservation',
    async run(fixture) {
      const { store, second } = fixture
      const { revision } = await store.list()
      const recorder = new Recorder(fixture)
      store.watch(revision, recorder.listener)
      const former = await created(second, leaseOf(1), DAY_MS)
      await second.create(leaseOf(2), undefined)
      await created(second, leaseOf(3), DAY_MS)
      await recorder.put(keyOf(3))
      await fixture.advance(DAY_MS / 2)
      await second.update(former, leaseOf(1), DAY_MS)
      await fixture.advance(DAY_MS / 2 + 1_000)
      await recorder.gone(keyOf(3))
      expect([...recorder.leases.keys()].sort()).toEqual([keyOf(1), keyOf(2)])
      expect(recorder.about(keyOf(1))).not.toContain('gone')
      expect(recorder.about(keyOf(2))).toEqual(['put'])
    }
  },
  {
    name: 'names a key that is no lease, and goes on',
    async run(fixture) {
      const { store, second } = fixture
      await created(store, leaseOf(1))
      const list = await store.list()
      const recorder = new Recorder(fixture, list)
      store.watch(list.revision, recorder.listener)
      await fixture.putRaw('foo', 'bar')
      await fixture.putRaw('10.5.7.0-24', '{"PublicIP":""}')
      for (const key of ['foo', '10.5.7.0-24']) {
        const { error } = await recorder.until('rejected', (event) => event.key === key)
        expect(error).toMatchObject({ code: 'TRI_LEASE_INVALID', values: { key } })
      }
      await created(second, leaseOf(2))
      await recorder.put(keyOf(2))
      expect([...recorder.leases.keys()].sort()).toEqual([keyOf(1), keyOf(2)])
    }
  },
  {
    name: 'tells several listeners alike',
    async run(fixture) {
      const { store } = fixture
      const { revision } = await store.list()
      const recorders = [new Recorder(fixture), new Recorder(fixture)]
      for (const recorder of recorders) store.watch(revision, recorder.listener)
      const stored = await created(store, leaseOf(1))
      for (const recorder of recorders)
        expect(plain((await recorder.put(keyOf(1))).stored)).toEqual(plain(stored))
    }
  },
  {
    name: 'is silent after it is closed, which may be repeated',
    async run(fixture) {
      const { store, second } = fixture
      const { revision } = await store.list()
      const closed = new Recorder(fixture)
      const open = new Recorder(fixture)
      const watch = store.watch(revision, closed.listener)
      store.watch(revision, open.listener)
      await created(second, leaseOf(1))
      await Promise.all([closed.put(keyOf(1)), open.put(keyOf(1))])
      watch.close()
      watch.close()
      const told = closed.events.length
      await created(second, leaseOf(2))
      await open.put(keyOf(2))
      expect(closed.events).toHaveLength(told)
    }
  },
  {
    name: 'may be closed by its own listener',
    async run(fixture) {
      const { store, second } = fixture
      const { revision } = await store.list()
      await created(second, leaseOf(1))
      await created(second, leaseOf(2))
      const recorder = new Recorder(fixture)
      const watch = store.watch(revision, (event) => {
        recorder.listener(event)
        watch.close()
      })
      await recorder.until('put')
      const open = new Recorder(fixture)
      store.watch(revision, open.listener)
      await open.put(keyOf(2))
      expect(recorder.events).toHaveLength(1)
    }
  },
  {
    name: 'says that it missed something, and goes on',
    async run(fixture) {
      const { store, second, forceGap } = fixture
      if (forceGap === undefined) throw new Error('the fixture forces no gap: skip this test with the reason')
      const removed = await created(store, leaseOf(1))
      await created(store, leaseOf(2))
      const list = await store.list()
      await store.remove(removed)
      await forceGap.call(fixture)
      const recorder = new Recorder(fixture, list)
      store.watch(list.revision, recorder.listener)
      await recorder.until('gap')
      const again = new Recorder(fixture, await store.list())
      expect([...again.leases.keys()]).toEqual([keyOf(2)])
      await created(second, leaseOf(3))
      await recorder.put(keyOf(3))
    }
  }
]

export const closePromises: readonly SuiteTest<SubnetStoreFixture>[] = [
  {
    name: 'silences its watches, leaves leases and other clients alone, and may be repeated',
    async run(fixture) {
      const { store, second } = fixture
      const { revision } = await store.list()
      const closed = new Recorder(fixture)
      const open = new Recorder(fixture)
      store.watch(revision, closed.listener)
      second.watch(revision, open.listener)
      const stored = await created(store, leaseOf(1))
      await Promise.all([closed.put(keyOf(1)), open.put(keyOf(1))])
      await store.close()
      await store.close()
      const told = closed.events.length
      await created(second, leaseOf(2))
      await open.put(keyOf(2))
      expect(closed.events).toHaveLength(told)
      expect(leasesIn((await second.list()).leases)[keyOf(1)]).toEqual(leasesIn([stored])[keyOf(1)])
    }
  }
]

/** A fixed mixture of creations, updates and removals over six keys, shared with the other client. */
async function churn(store: SubnetStoreFixture['store'], offset: number): Promise<void> {
  for (let step = 0; step < 40; step++) {
    const n = (step * 7 + offset * 3) % 6
    const former = (await store.list()).leases.find(({ key }) => key === keyOf(n))
    if (former === undefined) await store.create(leaseOf(n), DAY_MS)
    else if (step % 3 === 0) await store.remove(former)
    else await store.update(former, leaseOf(n, MOVED), DAY_MS)
  }
}
