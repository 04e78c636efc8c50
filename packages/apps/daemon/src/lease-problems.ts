import type { Logger, TrilaneError } from '@trilane/contracts'
import type { Health } from './health.ts'

/**
 * Keys of the store that are no lease, and leases that cannot be used, as conditions: each for as long as it lasts. One that
 * claims what is this node's concerns this node most.
 */
export class LeaseProblems {
  readonly #health: Health
  readonly #logger: Logger
  #conditions: ReadonlySet<string> = new Set()

  constructor(health: Health, logger: Logger) {
    this.#health = health
    this.#logger = logger
  }

  /** @param problems all that there are now */
  tell(problems: readonly TrilaneError[]): void {
    const current = new Set<string>()
    for (const problem of problems) {
      const condition = `lease ${String(problem.values.key)}`
      current.add(condition)
      const severity = problem.code === 'TRI_LEASE_RIVAL' ? 'medium' : 'low'
      if (this.#health.raise(condition, severity, problem))
        this.#logger.warn('lease skipped', { error: problem })
    }
    for (const condition of this.#conditions) if (!current.has(condition)) this.#health.clear(condition)
    this.#conditions = current
  }
}
