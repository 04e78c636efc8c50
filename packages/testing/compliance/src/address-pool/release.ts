import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import { type AddressPoolFixture, keyOf, listed, nth, texts } from './fixture.ts'

export const releasePromises: readonly SuiteTest<AddressPoolFixture>[] = [
  {
    name: 'frees what the key holds in all families, and tells what it was',
    async run(fixture) {
      const given = texts(await fixture.pool.reserve(keyOf(1)))
      expect(texts(await fixture.pool.release(keyOf(1)))).toEqual(given)
      expect(await listed(fixture.pool)).toEqual([])
    }
  },
  {
    name: 'succeeds when there is nothing, also twice',
    async run(fixture) {
      expect(await fixture.pool.release(keyOf(1))).toEqual([])
      await fixture.pool.reserve(keyOf(1))
      await fixture.pool.release(keyOf(1))
      expect(await fixture.pool.release(keyOf(1))).toEqual([])
    }
  },
  {
    name: 'frees one interface of two',
    async run(fixture) {
      await fixture.pool.reserve(keyOf(1, 'eth0'))
      const kept = texts(await fixture.pool.reserve(keyOf(1, 'net1')))
      await fixture.pool.release(keyOf(1, 'eth0'))
      expect(await listed(fixture.pool)).toEqual(kept.map((text) => `${text} pod-1/net1`))
    }
  },
  {
    name: 'frees what another process reserved',
    async run(fixture) {
      await fixture.again().reserve(keyOf(1))
      expect(await fixture.pool.release(keyOf(1))).toHaveLength(2)
      expect(await listed(fixture.again())).toEqual([])
    }
  },
  {
    name: 'frees what an old host-local reserved, which wrote no interface',
    async run(fixture) {
      const { v4, v6 } = nth(fixture, 3)
      await fixture.putRaw(`${v4}`, 'pod-1')
      await fixture.putRaw(`${v6}`, 'pod-2')
      expect(texts(await fixture.pool.release(keyOf(1)))).toEqual([`${v4}`])
      expect(await listed(fixture.pool)).toEqual([`${v6} pod-2/`])
    }
  },
  {
    name: 'frees addresses outside the range: of a former lease',
    async run(fixture) {
      await fixture.putRaw('198.51.100.7', 'pod-1\r\neth0')
      expect(texts(await fixture.pool.release(keyOf(1)))).toEqual(['198.51.100.7'])
      expect(await listed(fixture.pool)).toEqual([])
    }
  }
]
