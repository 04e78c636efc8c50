import type { Clock } from '@trilane/contracts'

/** Full passes that may be missed: a machine under load is late, not dead. */
const MISSED = 3

/** Besides, for the pass itself. */
const SLACK_MS = 30_000

/** Does the reconciler still work? A pass comes at least every period, whether there is something to do or not. */
export class Pulse {
  readonly #clock: Clock
  readonly #limitMs: number
  #beatMs: number | undefined

  constructor(clock: Clock, fullPassMs: number) {
    this.#clock = clock
    this.#limitMs = MISSED * fullPassMs + SLACK_MS
  }

  /** It has started, or ended a pass or a flush, with whatever result. */
  beat(): void {
    this.#beatMs = this.#clock.monotonicMs()
  }

  /** How long nothing was heard, if that is too long. Before the first beat there is nothing to miss. */
  silentMs(): number | undefined {
    if (this.#beatMs === undefined) return undefined
    const silentMs = this.#clock.monotonicMs() - this.#beatMs
    return silentMs > this.#limitMs ? silentMs : undefined
  }
}
