import type { Logger } from '@trilane/contracts'

/** A condition that lasts: logged when it begins, changes and ends, however often it is met. */
export class Trouble {
  readonly #logger: Logger
  readonly #what: string
  #problem: string | undefined

  /** @param what `store`: whose trouble it is */
  constructor(logger: Logger, what: string) {
    this.#logger = logger
    this.#what = what
  }

  /** @returns whether it is new, or another than before */
  begin(error: unknown): boolean {
    const problem = error instanceof Error ? error.message : String(error)
    if (problem === this.#problem) return false
    this.#problem = problem
    this.#logger.warn(`${this.#what} cannot be followed`, { error })
    return true
  }

  /** @returns whether there was one */
  end(): boolean {
    if (this.#problem === undefined) return false
    this.#problem = undefined
    this.#logger.info(`${this.#what} is back`)
    return true
  }
}
