import type { Clock, Lease, Logger } from '@trilane/contracts'
import { droppedLanes, type LanesHere } from '@trilane/lanes'

/** Peers learn of a new lease within a moment; so long they may send by what the former one offered. */
const DROPPED_LANES_MS = 5_000

/** Lanes that peers may still send by though this node offers them no longer. */
export class DroppedLanes {
  readonly #clock: Clock
  readonly #logger: Logger
  #lanes: readonly string[] = []

  constructor(parts: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = parts.clock
    this.#logger = parts.logger
  }

  get isEmpty(): boolean {
    return this.#lanes.length === 0
  }

  /** @param former the lease that peers know */
  note(here: LanesHere, former: Lease): void {
    this.#lanes = droppedLanes(here, former)
  }

  /** Peers have the new lease. @returns whether there is something to be swept now */
  async giveUp(signal: AbortSignal): Promise<boolean> {
    if (this.isEmpty) return false
    await this.#clock.sleep(DROPPED_LANES_MS, signal)
    if (signal.aborted) return false
    this.#logger.info('former lanes are given up', { lanes: this.#lanes })
    this.#lanes = []
    return true
  }
}
