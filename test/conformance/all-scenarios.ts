import { runScenarios, type Scenario, SECTIONS, type Target } from '@trilane/cni-conformance'
import { type Verdicts, verdictsOf } from './report.ts'

export const SCENARIOS: readonly Scenario[] = SECTIONS.flatMap(({ scenarios }) => scenarios)

/** They wait for time and for each other more than for a processor. */
export const LANES = 3

/** For a whole run on a busy machine. */
export const PATIENCE_MS = 300_000

export async function runAll(
  target: Target,
  scenarios: readonly Scenario[] = SCENARIOS,
  lanes = LANES
): Promise<Verdicts> {
  return verdictsOf(await runScenarios(target, scenarios, { lanes }))
}
