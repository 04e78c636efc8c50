import { readFileSync } from 'node:fs'
import { beforeAll, expect, it } from 'vitest'
import { PATIENCE_MS, runAll, SCENARIOS } from './all-scenarios.ts'
import { expectedOf, flawless } from './expected.ts'
import { ipvlanVerdicts } from './ipvlan-scenarios.ts'
import { renderReport, type Verdicts } from './report.ts'
import { TRILANE } from './trilane.ts'
import { TRILANE_MACVLAN } from './underlay.ts'

let verdicts: Verdicts
beforeAll(async () => {
  verdicts = await runAll(TRILANE)
}, PATIENCE_MS)

it.each(SCENARIOS.map(({ id, title }) => [id, title] as const))('%s: %s', (id) => {
  const { result, reason } = verdicts.get(id) ?? {}
  expect(result, reason).toMatch(/^(?:passed|not applicable)$/)
})

it('docs/cni-conformance.md says what came of it: npm run conformance writes it', () => {
  const written = readFileSync(new URL('../../docs/cni-conformance.md', import.meta.url), 'utf8')
  expect(written).toBe(renderReport(verdicts, flawless(TRILANE_MACVLAN), ipvlanVerdicts(), expectedOf()))
})
