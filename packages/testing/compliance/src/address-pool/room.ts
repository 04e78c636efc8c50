import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import { type AddressPoolFixture, fill, keyOf, listed } from './fixture.ts'

export const roomPromises: readonly SuiteTest<AddressPoolFixture>[] = [
  {
    name: 'is there until one family is exhausted, and again when a key is released',
    async run(fixture) {
      expect(await fixture.pool.hasRoom()).toBe(true)
      await fill(fixture)
      expect(await fixture.pool.hasRoom()).toBe(false)
      await fixture.pool.release(keyOf(0))
      expect(await fixture.again().hasRoom()).toBe(true)
    }
  },
  {
    name: 'is not taken by asking',
    async run({ pool }) {
      await pool.reserve(keyOf(0))
      const before = await listed(pool)
      await pool.hasRoom()
      expect(await listed(pool)).toEqual(before)
    }
  }
]
