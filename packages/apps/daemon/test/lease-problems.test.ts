import { SILENT_LOGGER, TrilaneError } from '@trilane/contracts'
import { expect, it } from 'vitest'
import { Health } from '../src/health.ts'
import { LeaseProblems } from '../src/lease-problems.ts'
import { TestClock } from './clock.ts'

const invalid = (key: string) => TrilaneError.of('TRI_LEASE_INVALID', { key, problem: 'it is no lease' })

it('keeps each as a condition while it lasts, and logs twenty of those that come at once', () => {
  const health = new Health(new TestClock())
  const logged: string[] = []
  const logger = {
    ...SILENT_LOGGER,
    warn: (message: string, fields?: Readonly<Record<string, unknown>>) =>
      logged.push(`${message} ${fields?.count ?? ''}`.trim())
  }
  const problems = new LeaseProblems(health, logger)
  problems.tell([invalid('foo')])
  expect(logged).toEqual(['lease skipped'])
  const many = Array.from({ length: 10_000 }, (_, n) => invalid(`bad-${n}`))
  problems.tell([invalid('foo'), ...many])
  expect(logged).toHaveLength(22)
  expect(logged.at(-1)).toBe('more leases skipped 9980')
  expect(health.items()).toHaveLength(10_001)
  problems.tell(many.slice(0, 1))
  expect(logged).toHaveLength(22)
  expect(health.items()).toHaveLength(1)
})
