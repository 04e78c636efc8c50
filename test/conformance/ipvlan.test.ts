import { needsLinkTypes } from '@trilane/testbed'
import { beforeAll, expect, it } from 'vitest'
import { runAll, SCENARIOS } from './all-scenarios.ts'
import { IPVLAN_SCENARIOS, ipvlanVerdicts } from './ipvlan-scenarios.ts'
import type { Verdicts } from './report.ts'
import { TRILANE_IPVLAN } from './underlay.ts'

needsLinkTypes('ipvlan')

const IS_LONG = process.env.TRILANE_LONG === '1'
const scenarios = IS_LONG ? SCENARIOS : IPVLAN_SCENARIOS

let verdicts: Verdicts
beforeAll(async () => {
  // One after another: each lane would have a daemon of its own.
  verdicts = await runAll(TRILANE_IPVLAN, scenarios, 1)
}, 2_400_000)

it.each(scenarios.map(({ id, title }) => [id, title] as const))('%s: %s', (id) => {
  const { result, reason } = verdicts.get(id) ?? {}
  if (IS_LONG) expect(result, reason).toMatch(/^(?:passed|not applicable)$/)
  else expect(result, reason).toBe(ipvlanVerdicts().get(id)?.result)
})
