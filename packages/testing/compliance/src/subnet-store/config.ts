import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import { Recorder, type SubnetStoreFixture } from './fixture.ts'

const TEXT = '# é\r\n{"Network": "10.5.0.0/16"}\n\n'

export const configPromises: readonly SuiteTest<SubnetStoreFixture>[] = [
  {
    name: 'is undefined when there is none',
    async run({ store }) {
      expect(await store.readConfig()).toBeUndefined()
    }
  },
  {
    name: 'comes back to every client byte for byte',
    async run({ store, second }) {
      const written = await store.writeConfig(TEXT, 0)
      expect(written.text).toBe(TEXT)
      expect(await store.readConfig()).toEqual(written)
      expect(await second.readConfig()).toEqual(written)
    }
  },
  {
    name: 'is replaced under the revision that was read, which grows',
    async run({ store, second }) {
      const first = await store.writeConfig('first', 0)
      const next = await second.writeConfig('second', first.revision)
      expect(next.revision).toBeGreaterThan(first.revision)
      expect(await store.readConfig()).toEqual(next)
    }
  },
  {
    name: 'is not replaced under an old revision, nor under 0 when there is one',
    async run({ store, second }) {
      const first = await store.writeConfig('first', 0)
      const next = await second.writeConfig('second', first.revision)
      for (const revision of [0, first.revision, next.revision + 1]) {
        const error = await store.writeConfig('third', revision).catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ code: 'TRI_LEASE_CONFLICT', values: { key: 'config' } })
      }
      expect(await store.readConfig()).toEqual(next)
    }
  },
  {
    name: 'is written by one of many at the same time',
    async run({ store, second }) {
      const attempts = await Promise.allSettled(
        Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? store : second).writeConfig(`text ${i}`, 0))
      )
      const winners = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
      expect(winners).toHaveLength(1)
      expect(await store.readConfig()).toEqual(winners[0])
    }
  },
  {
    name: 'is told to a watch, also when it was written before the watch began',
    async run(fixture) {
      const { store, second } = fixture
      const { revision } = await store.list()
      const first = await second.writeConfig('first', 0)
      const recorder = new Recorder(fixture)
      store.watch(revision, recorder.listener)
      expect((await recorder.until('config')).config).toEqual(first)
      const next = await second.writeConfig('second', first.revision)
      expect((await recorder.until('config', ({ config }) => config.text === 'second')).config).toEqual(next)
    }
  }
]
