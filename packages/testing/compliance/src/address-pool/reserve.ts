import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import { type AddressPoolFixture, allowed, fill, keyOf, listed, nth, roomOf, texts } from './fixture.ts'

export const reservePromises: readonly SuiteTest<AddressPoolFixture>[] = [
  {
    name: 'gives one address of each family, the first first',
    async run(fixture) {
      const addresses = await fixture.pool.reserve(keyOf(1))
      expect(texts(addresses)).toEqual(texts(nth(fixture, 0)))
      expect(await listed(fixture.pool)).toEqual(texts(nth(fixture, 0)).map((text) => `${text} pod-1/eth0`))
    }
  },
  {
    name: 'gives no address twice, and none that is excluded',
    async run(fixture) {
      const given = (await fill(fixture)).flatMap(texts)
      expect(new Set(given).size).toBe(given.length)
      const may = new Set([...allowed(fixture.ranges.v4), ...allowed(fixture.ranges.v6)])
      expect(given.filter((text) => !may.has(text))).toEqual([])
    }
  },
  {
    name: 'gives every address before it is exhausted',
    async run(fixture) {
      const given = (await fill(fixture)).map(({ v6 }) => `${v6}`)
      expect(given.sort()).toEqual(allowed(fixture.ranges.v6).sort())
    }
  },
  {
    name: 'says when it is exhausted, and leaves nothing of that pod in the other family',
    async run(fixture) {
      await fill(fixture)
      const before = await listed(fixture.pool)
      await expect(fixture.pool.reserve(keyOf('late'))).rejects.toMatchObject({
        code: 'TRI_ADDRESSES_EXHAUSTED',
        values: { range: fixture.ranges.v6.range, used: roomOf(fixture) }
      })
      expect(await listed(fixture.pool)).toEqual(before)
    }
  },
  {
    name: 'goes on after exhaustion when an address is freed',
    async run(fixture) {
      const given = await fill(fixture)
      await fixture.pool.release(keyOf(2))
      const { v6 } = await fixture.pool.reserve(keyOf('late'))
      expect(`${v6}`).toBe(`${given[2]?.v6}`)
    }
  },
  {
    name: 'goes round: a freed address is given again only after all others',
    async run(fixture) {
      const first = texts(await fixture.pool.reserve(keyOf('first')))
      await fixture.pool.release(keyOf('first'))
      for (let pod = 1; pod < roomOf(fixture); pod++) {
        const next = texts(await fixture.pool.reserve(keyOf(pod)))
        expect(next.filter((text) => first.includes(text))).toEqual([])
      }
      const { v6 } = await fixture.pool.reserve(keyOf('last'))
      expect(first).toContain(`${v6}`)
    }
  },
  {
    name: 'goes round across processes',
    async run(fixture) {
      const first = texts(await fixture.pool.reserve(keyOf(1)))
      await fixture.pool.release(keyOf(1))
      expect(texts(await fixture.again().reserve(keyOf(2)))).not.toEqual(first)
    }
  },
  {
    name: 'refuses a key that holds addresses, and leaves those alone',
    async run(fixture) {
      await fixture.pool.reserve(keyOf(1))
      const before = await listed(fixture.pool)
      await expect(fixture.pool.reserve(keyOf(1))).rejects.toMatchObject({
        code: 'TRI_POD_EXISTS',
        values: { containerId: 'pod-1', ifname: 'eth0' }
      })
      expect(await listed(fixture.pool)).toEqual(before)
    }
  },
  {
    name: 'refuses a key of which a crash left one family',
    async run(fixture) {
      await fixture.putRaw(`${nth(fixture, 3).v4}`, 'pod-1\r\neth0')
      await expect(fixture.pool.reserve(keyOf(1))).rejects.toMatchObject({ code: 'TRI_POD_EXISTS' })
      expect(texts(await fixture.pool.release(keyOf(1)))).toEqual([`${nth(fixture, 3).v4}`])
      await fixture.pool.reserve(keyOf(1))
    }
  },
  {
    name: 'serves two interfaces of one container',
    async run(fixture) {
      const eth0 = texts(await fixture.pool.reserve(keyOf(1, 'eth0')))
      const net1 = texts(await fixture.pool.reserve(keyOf(1, 'net1')))
      expect(eth0.filter((text) => net1.includes(text))).toEqual([])
    }
  },
  {
    name: 'is durable: another process sees it and gives out others',
    async run(fixture) {
      const first = texts(await fixture.pool.reserve(keyOf(1)))
      const again = fixture.again()
      expect(await listed(again)).toEqual(first.map((text) => `${text} pod-1/eth0`))
      await expect(again.reserve(keyOf(1))).rejects.toMatchObject({ code: 'TRI_POD_EXISTS' })
      const second = texts(await again.reserve(keyOf(2)))
      expect(second.filter((text) => first.includes(text))).toEqual([])
    }
  },
  {
    name: 'gives no address twice to callers at the same time',
    async run(fixture) {
      const pools = [fixture.pool, fixture.again()]
      const given = await Promise.all(
        Array.from({ length: roomOf(fixture) }, (_, pod) => pools[pod % 2]?.reserve(keyOf(pod)))
      )
      const all = given.flatMap((addresses) => texts(addresses ?? {}))
      expect(all).toHaveLength(2 * roomOf(fixture))
      expect(new Set(all).size).toBe(all.length)
    }
  },
  {
    name: 'gives one key to one of many callers at the same time',
    async run(fixture) {
      const pools = [fixture.pool, fixture.again()]
      const outcomes = await Promise.allSettled(
        Array.from({ length: 4 }, (_, i) => pools[i % 2]?.reserve(keyOf(1)))
      )
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await listed(fixture.pool)).toHaveLength(2)
    }
  }
]
