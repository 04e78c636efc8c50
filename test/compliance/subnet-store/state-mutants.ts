import { type StoredLease, type SubnetStore, TrilaneError } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { type Mutants, without } from './mutant.ts'

/** A lease's other contents. */
const NOTHING = { publicAddresses: {}, backendType: '', backendData: {} }

/** The lease as it is now under the key, whatever revision the caller expects. */
async function current(store: SubnetStore, expected: StoredLease): Promise<StoredLease> {
  const { leases } = await store.list()
  return leases.find(({ key }) => key === expected.key) ?? expected
}

/** What is wrong with what they keep. */
export const STATE_MUTANTS: Mutants = {
  'has a config and a lease before anybody wrote one': {
    mutation: (store) => ({
      readConfig: async () => (await store.readConfig()) ?? { text: '', revision: 1 },
      list: async () => {
        await store.create({ subnets: { v4: Prefix.parse('10.9.0.0/24') }, ...NOTHING }, undefined)
        return store.list()
      }
    }),
    breaks: ['config > is undefined when there is none', 'list > is empty in a new store']
  },
  'has one revision for all configs': {
    mutation: (store) => ({
      writeConfig: async (text, revision) => {
        const former = await store.readConfig()
        if (former === undefined || revision !== 1)
          return { ...(await store.writeConfig(text, revision)), revision: 1 }
        await store.writeConfig(text, former.revision)
        return { text, revision: 1 }
      },
      readConfig: async () => {
        const config = await store.readConfig()
        return config && { ...config, revision: 1 }
      }
    }),
    breaks: ['config > is replaced under the revision that was read, which grows']
  },
  'does not say when a lease ends': {
    mutation: (store) => ({
      create: async (lease, ttlMs) => {
        const stored = await store.create(lease, ttlMs)
        return stored && { key: stored.key, lease: stored.lease, revision: stored.revision }
      }
    }),
    breaks: ['create > gives the key, a revision, and the end of its life']
  },
  'takes any subnets': {
    mutation: (store) => ({
      create: (lease, ttlMs) =>
        store.create(lease, ttlMs).catch(() => ({ key: 'some', lease, revision: 1, expiresAtMs: 1 }))
    }),
    breaks: ['create > refuses subnets that a flanneld could not read']
  },
  'renews a lease without what is new in it': {
    mutation: (store) => ({ update: (expected, _, ttlMs) => store.update(expected, expected.lease, ttlMs) }),
    breaks: ['update > replaces what is in it, and the revision grows']
  },
  'forgets the end of a config': {
    mutation: (store) => ({ writeConfig: (text, revision) => store.writeConfig(text.trimEnd(), revision) }),
    breaks: ['config > comes back to every client byte for byte']
  },
  'writes a config over any other': {
    mutation: (store) => ({
      writeConfig: async (text) => store.writeConfig(text, (await store.readConfig())?.revision ?? 0)
    }),
    breaks: ['config > is not replaced under an old revision, nor under 0 when there is one']
  },
  'lets everybody win a config': {
    mutation: (store) => ({
      writeConfig: (text, revision) => store.writeConfig(text, revision).catch(() => ({ text, revision: 1 }))
    }),
    breaks: ['config > is written by one of many at the same time']
  },
  'says nothing of configs': {
    mutation: without('config'),
    breaks: ['config > is told to a watch, also when it was written before the watch began']
  },
  'loses what a backend says': {
    mutation: (store) => ({ create: (lease, ttlMs) => store.create({ ...lease, backendData: {} }, ttlMs) }),
    breaks: ['list > has every lease with all that is in it, for every client']
  },
  'lists what has expired': {
    mutation: (store, clock) => {
      const seen = new Map<string, StoredLease>()
      return {
        list: async () => {
          const list = await store.list()
          for (const stored of list.leases) seen.set(stored.key, stored)
          const expired = [...seen.values()].filter(
            ({ expiresAtMs = Infinity }) => Number(expiresAtMs) <= clock.wallMs()
          )
          return { ...list, leases: [...list.leases, ...expired] }
        }
      }
    },
    breaks: [
      'list > leaves out what has expired, and only that',
      'update > starts its life anew, with equal contents too'
    ]
  },
  'hides good leases behind a bad one': {
    mutation: (store) => ({
      list: async () => {
        const list = await store.list()
        return list.rejected.length > 0 ? { ...list, leases: [] } : list
      }
    }),
    breaks: ['list > names each key that is no lease, and has all the good ones']
  },
  'is silent about bad keys': {
    mutation: (store) => ({ list: async () => ({ ...(await store.list()), rejected: [] }) }),
    breaks: [
      'list > names each key that is no lease, and has all the good ones',
      'create > writes over nothing that is no lease'
    ]
  },
  'lists at a revision from before': {
    mutation: (store) => {
      let before = 0
      return {
        list: async () => {
          const list = await store.list()
          const revision = before || list.revision
          before = list.revision
          return { ...list, revision: Math.min(revision, list.revision - 1) }
        }
      }
    },
    breaks: ['list > is as new as its revision']
  },
  'creates over what is there': {
    mutation: (store) => ({
      create: async (lease, ttlMs) => {
        const stored = await store.create(lease, ttlMs)
        if (stored !== undefined) return stored
        const there = (await store.list()).leases.find(
          ({ lease: { subnets } }) => `${subnets.v4}` === `${lease.subnets.v4}`
        )
        return there === undefined ? undefined : store.update(there, lease, ttlMs)
      }
    }),
    breaks: [
      'create > gives nothing when the key is there, and leaves it as it is',
      'create > lets one of many win a key, and all win different keys'
    ]
  },
  'gives reservations a day': {
    mutation: (store) => ({
      create: (lease, ttlMs = 86_400_000) => store.create(lease, ttlMs),
      update: (expected, lease, ttlMs = 86_400_000) => store.update(expected, lease, ttlMs)
    }),
    breaks: [
      'create > without a life never ends: a reservation',
      'update > without a life makes it a reservation',
      'watch > tells nothing of the former end of a renewed lease, nor of a reservation'
    ]
  },
  'lets nothing expire': {
    mutation: (store) => ({ create: (lease) => store.create(lease, undefined) }),
    breaks: [
      'list > leaves out what has expired, and only that',
      'create > takes a key whose lease has expired',
      'update > does nothing when it was removed, or has expired',
      'watch > tells of an expiry as of a removal'
    ]
  },
  'updates whatever is there': {
    mutation: (store) => ({
      update: async (expected, lease, ttlMs) => store.update(await current(store, expected), lease, ttlMs)
    }),
    breaks: ['update > does nothing when it was changed meanwhile']
  },
  'brings a lost lease back': {
    mutation: (store) => ({
      update: async (expected, lease, ttlMs) =>
        (await store.update(expected, lease, ttlMs)) ?? (await store.create(lease, ttlMs))
    }),
    breaks: ['update > does nothing when it was removed, or has expired']
  },
  'skips an update without news': {
    mutation: (store) => ({
      update: async (expected, lease, ttlMs) =>
        JSON.stringify(expected.lease) === JSON.stringify(lease) && ttlMs !== undefined
          ? expected
          : store.update(expected, lease, ttlMs)
    }),
    breaks: [
      'update > starts its life anew, with equal contents too',
      'update > lets one of many win',
      'watch > tells nothing of the former end of a renewed lease, nor of a reservation'
    ]
  },
  'moves a lease to other subnets': {
    mutation: (store) => ({
      update: async (expected, lease, ttlMs) => {
        try {
          return await store.update(expected, lease, ttlMs)
        } catch (error) {
          if (!TrilaneError.is(error, 'TRI_LEASE_INVALID')) throw error
          await store.remove(expected)
          return store.create(lease, ttlMs)
        }
      }
    }),
    breaks: ['update > refuses other subnets than those of the key']
  },
  'removes whatever is there': {
    mutation: (store) => ({ remove: async (expected) => store.remove(await current(store, expected)) }),
    breaks: [
      'create > gives a key that was removed a revision that it never had',
      'remove > does nothing when it was changed meanwhile'
    ]
  },
  'always says that it removed': {
    mutation: (store) => ({ remove: async (expected) => (await store.remove(expected)) || true }),
    breaks: ['remove > removes it once', 'remove > does nothing when it was changed meanwhile']
  },
  'removes nothing': {
    mutation: () => ({ remove: async () => true }),
    breaks: [
      'remove > removes it for every client, and no other',
      'watch > tells what other clients and its own client do, in the order of revisions'
    ]
  }
}
