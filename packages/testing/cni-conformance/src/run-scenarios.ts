import type { Scenario } from './scenario.ts'
import { type Outcome, Session, setupOf } from './session.ts'
import type { Target } from './target.ts'

export interface RunScenariosOptions {
  /** So many side by side, each on a subject of its own. @default 1 */
  readonly lanes?: number
  /** As each ends. */
  readonly onOutcome?: (scenario: Scenario, outcome: Outcome) => void
}

/** Runs all of them, those of one setup after another. @returns what became of each, in their order */
export async function runScenarios(
  target: Target,
  scenarios: readonly Scenario[],
  { lanes = 1, onOutcome = () => {} }: RunScenariosOptions = {}
): Promise<readonly Outcome[]> {
  const outcomes = new Map<Scenario, Outcome>()
  const waiting = bySetup(scenarios)
  const lane = async (): Promise<void> => {
    const session = new Session(target)
    try {
      for (let scenario = waiting.shift(); scenario !== undefined; scenario = waiting.shift()) {
        const outcome = await session.run(scenario)
        outcomes.set(scenario, outcome)
        onOutcome(scenario, outcome)
      }
    } finally {
      await session.dispose()
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return scenarios.flatMap((scenario) => outcomes.get(scenario) ?? [])
}

function bySetup(scenarios: readonly Scenario[]): Scenario[] {
  const groups = new Map<string, Scenario[]>()
  for (const scenario of scenarios) {
    const { mode, pool } = setupOf(scenario)
    const key = `${mode} ${pool}`
    groups.set(key, [...(groups.get(key) ?? []), scenario])
  }
  return [...groups.values()].flat()
}
