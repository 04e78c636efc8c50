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

  begin(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error)
    if (problem === this.#problem) return
    this.#problem = problem
    this.#logger.warn(`${this.#what} cannot be followed`, { error })
  }

  end(): void {
    if (this.#problem === undefined) return
    this.#problem = undefined
    this.#logger.info(`${this.#what} is back`)
  }
}
