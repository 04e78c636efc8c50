import { beforeAll, expect, it } from 'vitest'
import { PATIENCE_MS, runAll, SCENARIOS } from './all-scenarios.ts'
import { expectedOf, REFERENCE_DIRECTORY } from './expected.ts'
import { referenceIn } from './reference.ts'
import type { Verdicts } from './report.ts'

let verdicts: Verdicts
beforeAll(async () => {
  verdicts = await runAll(referenceIn(REFERENCE_DIRECTORY))
}, PATIENCE_MS)

const expected = expectedOf()

// What is known to be wrong with them shows, and nothing else: so the scenarios can fail, and do not fail for nothing.
it.each(SCENARIOS.map(({ id, title }) => [id, title] as const))('%s: %s', (id) => {
  const { result, reason } = verdicts.get(id) ?? {}
  const { result: wanted, orElse = wanted } = expected.get(id) ?? {}
  expect([wanted, orElse], reason).toContain(result)
})
