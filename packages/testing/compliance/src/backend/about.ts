import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import type { BackendFixture } from './fixture.ts'

export const aboutPromises: readonly SuiteTest<BackendFixture>[] = [
  {
    name: 'has a type in lower case, as configs and leases write it',
    run: ({ backend }) => expect(backend.type).toMatch(/^[a-z][a-z0-9-]*$/)
  },
  {
    name: 'is an overlay, a route or an underlay, and says in one line when to choose it',
    run({ backend }) {
      expect(['overlay', 'route', 'underlay']).toContain(backend.category)
      expect(backend.summary).toMatch(/^\S.{10,100}\S$/)
    }
  },
  {
    name: 'costs a whole number of bytes, an overlay more than none',
    run({ backend }) {
      for (const bytes of Object.values(backend.traits.overheadBytes)) {
        expect(Number.isInteger(bytes) && bytes >= 0).toBe(true)
        expect(bytes > 0).toBe(backend.category === 'overlay')
      }
    }
  },
  {
    name: 'puts pods on the nodes’ network if and only if it is an underlay',
    run: ({ backend }) => expect(backend.traits.podsOnNodeNetwork).toBe(backend.category === 'underlay')
  }
]
