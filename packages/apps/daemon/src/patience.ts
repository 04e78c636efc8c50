import { type Clock, type Logger, TrilaneError } from '@trilane/contracts'
import type { Health } from './health.ts'

/** Between two tries. */
const RETRY_MS = { first: 100, last: 5_000 } as const

interface PatienceParts {
  readonly health: Health
  readonly clock: Clock
  readonly logger: Logger
  /** Ends it: the error of the last try is thrown. */
  readonly signal: AbortSignal
}

/** What may succeed later is tried again: an uplink that is not there yet, a store that is away. */
export class Patience {
  readonly #parts: PatienceParts

  constructor(parts: PatienceParts) {
    this.#parts = parts
  }

  /**
   * Repeats `step` with growing delays while it fails with what may pass; anything else is thrown.
   *
   * @param condition under which `health` names what is waited for
   */
  async run(condition: string, step: () => Promise<void>): Promise<void> {
    const { health, clock, logger, signal } = this.#parts
    let delayMs: number = RETRY_MS.first
    for (;;) {
      try {
        await step()
        health.clear(condition)
        return
      } catch (error) {
        const problem = TrilaneError.from(error)
        if (!problem.retryable || signal.aborted) throw problem
        if (health.raise(condition, 'high', problem)) {
          logger.warn('waiting', { for: condition, error: problem })
        }
        await clock.sleep(delayMs, signal)
        if (signal.aborted) throw problem
        delayMs = Math.min(delayMs * 2, RETRY_MS.last)
      }
    }
  }
}
