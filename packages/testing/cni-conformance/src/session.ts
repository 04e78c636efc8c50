import { Bench } from './bench.ts'
import { NotApplicable, type Scenario } from './scenario.ts'
import type { Setup, Target } from './target.ts'

export interface Outcome {
  readonly id: Scenario['id']
  readonly result: 'passed' | 'failed' | 'not applicable'
  /** Of what did not pass. */
  readonly reason?: string
  readonly tookMs: number
}

/** Nothing here takes longer; what does hangs. */
const PATIENCE_MS = 60_000

interface Kept {
  readonly key: string
  readonly bench: Bench
  /** What there is without any pod. */
  readonly empty: readonly string[]
}

/**
 * Runs scenarios on one target, one after another. A subject serves those of one setup for as long as nothing is left of
 * them; then the next one gets a new one.
 */
export class Session {
  readonly #target: Target
  #kept: Kept | undefined

  constructor(target: Target) {
    this.#target = target
  }

  /** Whatever the scenario meets is its outcome. @throws Error when the target cannot be set up */
  async run(scenario: Scenario): Promise<Outcome> {
    const startedMs = performance.now()
    const outcome = (result: Outcome['result'], reason?: string): Outcome => ({
      id: scenario.id,
      result,
      ...(reason === undefined ? {} : { reason }),
      tookMs: performance.now() - startedMs
    })
    const lacking = lackingOf(this.#target, scenario)
    if (lacking !== undefined) return outcome('not applicable', lacking)
    const problem = await (scenario.isFresh === true ? this.#tryAlone(scenario) : this.#try(scenario))
    if (problem === undefined) return outcome('passed')
    if (problem instanceof NotApplicable) return outcome('not applicable', problem.message)
    return outcome('failed', problem.message)
  }

  async dispose(): Promise<void> {
    const kept = this.#kept
    this.#kept = undefined
    await kept?.bench.dispose()
  }

  async #tryAlone(scenario: Scenario): Promise<Error | undefined> {
    const bench = await Bench.open(this.#target, setupOf(scenario))
    try {
      return await problemOf(scenario, bench)
    } finally {
      await bench.dispose()
    }
  }

  async #try(scenario: Scenario): Promise<Error | undefined> {
    const { bench, empty } = await this.#subjectFor(setupOf(scenario))
    const problem = await problemOf(scenario, bench)
    const isClean = await bench.clean(empty).catch(() => false)
    if (!isClean) await this.dispose()
    return problem
  }

  async #subjectFor(setup: Setup): Promise<Kept> {
    const key = `${setup.mode} ${setup.pool}`
    if (this.#kept?.key === key) return this.#kept
    await this.dispose()
    const bench = await Bench.open(this.#target, setup)
    const kept = { key, bench, empty: await warmUp(bench) }
    this.#kept = kept
    return kept
  }
}

/** Why a scenario cannot be tried on a target, if so. */
export function lackingOf({ lacks }: Target, { needs = [] }: Scenario): string | undefined {
  return needs.flatMap((need) => lacks[need] ?? [])[0]
}

export function setupOf({ setup }: Scenario): Setup {
  return { mode: 'bridge', pool: 'v4', ...setup }
}

/** The first pod may leave what serves all later ones. @returns what there is without any pod */
async function warmUp(bench: Bench): Promise<readonly string[]> {
  const ports = [{ hostPort: 65_000, containerPort: 80, protocol: 'tcp' }]
  const runtime = bench.target.lacks['port mappings'] === undefined ? { portMappings: ports } : {}
  const pod = await bench.pod()
  await pod.add({ runtime })
  await bench.endAll()
  return bench.footprint()
}

async function problemOf(scenario: Scenario, bench: Bench): Promise<Error | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  try {
    await Promise.race([scenario.run(bench), late])
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    clearTimeout(timer)
  }
}
