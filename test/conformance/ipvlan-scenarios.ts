import type { Scenario } from '@trilane/cni-conformance'
import { SCENARIOS } from './all-scenarios.ts'
import type { Verdicts } from './report.ts'

/** A guest kernel is slow: those in which it matters what the pod's link is, and what becomes of it. */
const CHOSEN: readonly Scenario['id'][] = [
  'P36',
  'P52',
  'P73',
  'P111',
  'P114',
  'P116',
  'P118',
  'P136',
  'P145',
  'P151',
  'P155',
  'P190'
]

/** What `ipvlan.test.ts` runs where there is ipvlan. */
export const IPVLAN_SCENARIOS = CHOSEN.map((id): Scenario => {
  const scenario = SCENARIOS.find((one) => one.id === id)
  if (scenario === undefined) throw new Error(`there is no scenario ${id}`)
  return scenario
})

/** What that test demands. */
export function ipvlanVerdicts(): Verdicts {
  return new Map(CHOSEN.map((id) => [id, { result: 'passed' }]))
}
