import { familiesOf } from '@trilane/ip'
import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import type { BackendFixture } from './fixture.ts'
import { sitesOf } from './site.ts'
import { GARBAGE, textOf } from './statements.ts'

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
    name: 'leaves what the former lease said as it is, unless that was garbage',
    run(fixture) {
      for (const { facts, options, lease, families, name } of sitesOf(fixture)) {
        const again = fixture.backend.leaseData(facts, options, lease)
        expect(textOf(again), name).toBe(textOf(lease.backendData))
        for (const garbage of GARBAGE) {
          const backendData = Object.fromEntries(families.map((family) => [family, garbage]))
          const healed = fixture.backend.leaseData(facts, options, { ...lease, backendData })
          expect(textOf(healed), `${name} ${textOf(garbage)}`).toBe(textOf(lease.backendData))
        }
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
