import { familiesOf } from '@trilane/ip'
import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import type { BackendFixture } from './fixture.ts'
import { sitesOf } from './site.ts'
import { textOf } from './statements.ts'

export const leaseDataPromises: readonly SuiteTest<BackendFixture>[] = [
  {
    name: 'comes back from JSON as it was',
    run(fixture) {
      for (const { facts, options, name } of sitesOf(fixture)) {
        const data = fixture.backend.leaseData(facts, options)
        expect(JSON.parse(textOf(data)), name).toEqual(data)
      }
    }
  },
  {
    name: 'is the same for the same facts',
    run(fixture) {
      for (const { facts, options, name } of sitesOf(fixture)) {
        const [first, second] = [1, 2].map(() => textOf(fixture.backend.leaseData(facts, options)))
        expect(second, name).toBe(first)
      }
    }
  },
  {
    name: 'has no family that the network does not have',
    run(fixture) {
      for (const { facts, options, families, name } of sitesOf(fixture)) {
        const published = familiesOf(fixture.backend.leaseData(facts, options))
        expect(
          published.filter((family) => !families.includes(family)),
          name
        ).toEqual([])
      }
    }
  }
]
