import { needsLinkTypes } from '@trilane/testbed'
import { beforeAll, expect, it } from 'vitest'
import { runAll } from './all-scenarios.ts'
import { IPVLAN_SCENARIOS, ipvlanVerdicts } from './ipvlan-scenarios.ts'
import type { Verdicts } from './report.ts'
import { TRILANE_IPVLAN } from './underlay.ts'

needsLinkTypes('ipvlan')

let verdicts: Verdicts
beforeAll(async () => {
  // One after another: each lane would have a daemon of its own.
  verdicts = await runAll(TRILANE_IPVLAN, IPVLAN_SCENARIOS, 1)
})

it.each(IPVLAN_SCENARIOS.map(({ id, title }) => [id, title] as const))('%s: %s', (id) => {
  const { result, reason } = verdicts.get(id) ?? {}
  expect(result, reason).toBe(ipvlanVerdicts().get(id)?.result)
})
