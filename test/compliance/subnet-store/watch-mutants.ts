import type { StoreEvent } from '@trilane/contracts'
import { type Mutants, watching, without } from './mutant.ts'

/** What is wrong with what they tell. */
export const WATCH_MUTANTS: Mutants = {
  'watches from now on': {
    mutation: (store) => ({
      watch: (_, listener) => {
        const recent = store.list().then(({ revision }) => store.watch(revision, listener))
        return { close: () => void recent.then((watch) => watch.close()) }
      }
    }),
    breaks: [
      'config > is told to a watch, also when it was written before the watch began',
      'watch > tells what was created, changed and removed between the list and its own beginning'
    ]
  },
  'is silent about removals': {
    mutation: without('gone'),
    breaks: [
      'watch > tells what was created, changed and removed between the list and its own beginning',
      'watch > tells of an expiry as of a removal',
      'watch > adds up to the list, whatever is done at the same time'
    ]
  },
  'loses every third change': {
    mutation: (store) => ({
      watch: (revision, listener) => {
        let count = 0
        return store.watch(revision, (event) => {
          if (++count % 3 !== 0) listener(event)
        })
      }
    }),
    breaks: ['watch > tells what other clients and its own client do, in the order of revisions']
  },
  'tells later things first': {
    mutation: (store) => ({
      watch: (revision, listener) => {
        let held: StoreEvent | undefined
        return store.watch(revision, (event) => {
          if (held === undefined && event.kind === 'gone') held = event
          else listener(event)
          if (held !== undefined && held !== event) {
            listener(held)
            held = undefined
          }
        })
      }
    }),
    breaks: ['watch > tells what other clients and its own client do, in the order of revisions']
  },
  'is deaf to others': {
    mutation: (store) => {
      const own = new Set<number>()
      return {
        create: async (lease, ttlMs) => {
          const stored = await store.create(lease, ttlMs)
          if (stored !== undefined) own.add(stored.revision)
          return stored
        },
        watch: (revision, listener) =>
          store.watch(revision, (event) => {
            if (event.kind !== 'put' || own.has(event.stored.revision)) listener(event)
          })
      }
    },
    breaks: ['watch > tells what other clients and its own client do, in the order of revisions']
  },
  'stops at a bad key': {
    mutation: (store) => ({
      watch: (revision, listener) => {
        const watch = store.watch(revision, (event) => {
          listener(event)
          if (event.kind === 'rejected') watch.close()
        })
        return watch
      }
    }),
    breaks: ['watch > names a key that is no lease, and goes on']
  },
  'takes a bad key for a removal': {
    mutation: watching((event) =>
      event.kind === 'rejected' ? { kind: 'gone', key: event.key, revision: 1 } : event
    ),
    breaks: ['watch > names a key that is no lease, and goes on']
  },
  'has one watch at a time': {
    mutation: (store) => {
      let last: { close(): void } | undefined
      return {
        watch: (revision, listener) => {
          last?.close()
          last = store.watch(revision, listener)
          return store.watch(revision, () => {})
        }
      }
    },
    breaks: [
      'watch > tells several listeners alike',
      'watch > is silent after it is closed, which may be repeated'
    ]
  },
  'goes on after it is closed': {
    mutation: (store) => ({
      watch: (revision, listener) => {
        store.watch(revision, listener)
        return { close() {} }
      }
    }),
    breaks: [
      'watch > is silent after it is closed, which may be repeated',
      'watch > may be closed by its own listener'
    ]
  },
  'hides a gap': {
    mutation: without('gap'),
    breaks: ['watch > says that it missed something, and goes on']
  },
  'does not close': {
    mutation: () => ({ close: async () => {} }),
    breaks: ['close > silences its watches, leaves leases and other clients alone, and may be repeated']
  },
  'takes its leases along': {
    mutation: (store) => ({
      close: async () => {
        for (const stored of (await store.list().catch(() => ({ leases: [] }))).leases)
          await store.remove(stored)
        await store.close()
      }
    }),
    breaks: ['close > silences its watches, leaves leases and other clients alone, and may be repeated']
  }
}
