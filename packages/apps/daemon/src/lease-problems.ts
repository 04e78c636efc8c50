import type { Logger, TrilaneError } from '@trilane/contracts'
import type { Health } from './health.ts'

/** Whoever writes thousands of bad keys at once does not fill the log; `trilane status` has all of them. */
const LOGGED_AT_ONCE = 20

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
    let news = 0
    for (const problem of problems) {
      const condition = `lease ${String(problem.values.key)}`
      current.add(condition)
      const severity = problem.code === 'TRI_LEASE_RIVAL' ? 'medium' : 'low'
      if (this.#health.raise(condition, severity, problem) && ++news <= LOGGED_AT_ONCE)
        this.#logger.warn('lease skipped', { error: problem })
    }
    if (news > LOGGED_AT_ONCE) this.#logger.warn('more leases skipped', { count: news - LOGGED_AT_ONCE })
    for (const condition of this.#conditions) if (!current.has(condition)) this.#health.clear(condition)
    this.#conditions = current
  }
}
