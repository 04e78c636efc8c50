import type { IpAddress, PerFamily } from '@trilane/ip'
import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import { type AddressPoolFixture, keyOf, listed, nth, texts } from './fixture.ts'

export const wantedPromises: readonly SuiteTest<AddressPoolFixture>[] = [
  {
    name: 'gives them when they are free',
    async run(fixture) {
      const wanted = nth(fixture, 3)
      expect(texts(await fixture.pool.reserve(keyOf(1), wanted))).toEqual(texts(wanted))
      expect(await listed(fixture.pool)).toEqual(texts(wanted).map((text) => `${text} pod-1/eth0`))
    }
  },
  {
    name: 'of one family leaves the choice of the other',
    async run(fixture) {
      const { v4 } = nth(fixture, 3)
      const given = await fixture.pool.reserve(keyOf(1), { v4 })
      expect(texts(given)).toEqual(texts({ v4, v6: nth(fixture, 0).v6 }))
    }
  },
  {
    name: 'goes on after them with the next automatic ones',
    async run(fixture) {
      await fixture.pool.reserve(keyOf(1), nth(fixture, 3))
      expect(texts(await fixture.pool.reserve(keyOf(2)))).toEqual(texts(nth(fixture, 4)))
    }
  },
  {
    name: 'refuses one that is taken, names its owner, and leaves nothing in the other family',
    async run(fixture) {
      const { v6 } = nth(fixture, 3)
      await fixture.pool.reserve(keyOf(1), { v6 })
      const before = await listed(fixture.pool)
      const error = await fixture.pool.reserve(keyOf(2), { v6 }).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'TRI_ADDRESS_TAKEN' })
      expect(String(error)).toContain('pod-1')
      expect(await listed(fixture.pool)).toEqual(before)
    }
  },
  {
    name: 'refuses the gateway',
    run: (fixture) =>
      refuses(fixture, {
        v4: fixture.ranges.v4.excluded[0]?.first,
        v6: fixture.ranges.v6.excluded[0]?.first
      })
  },
  {
    name: 'refuses the address before the range: the network',
    run: (fixture) =>
      refuses(fixture, {
        v4: fixture.ranges.v4.range.first.plus(-1),
        v6: fixture.ranges.v6.range.first.plus(-1)
      })
  },
  {
    name: 'refuses the address after the range: the broadcast address',
    run: (fixture) => refuses(fixture, { v4: fixture.ranges.v4.range.last.plus(1) })
  }
]

/** Each of them alone. */
async function refuses(
  fixture: AddressPoolFixture,
  wanted: { readonly v4: IpAddress | undefined; readonly v6?: IpAddress | undefined }
): Promise<void> {
  for (const [family, address] of Object.entries(wanted)) {
    if (address === undefined) throw new Error(`the fixture has no such ${family} address`)
    const one: PerFamily<IpAddress> = { [address.family]: address }
    const error = await fixture.pool.reserve(keyOf(family), one).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'TRI_ADDRESS_NOT_ALLOWED' })
    expect(String(error)).toContain(`${address}`)
  }
  expect(await listed(fixture.pool)).toEqual([])
}
