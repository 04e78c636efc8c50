import { setImmediate as nextTurn } from 'node:timers/promises'

/** So long what is done here may keep the event loop from everything else. */
const TURN_MS = 10

/** One turn of the event loop after the other, each of which what uses it ends in time. */
export class Turn {
  #startedMs = performance.now()

  get isOver(): boolean {
    return performance.now() - this.#startedMs >= TURN_MS
  }

  /** The event loop does what else it has to do. */
  async end(): Promise<void> {
    await nextTurn()
    this.begin()
  }

  /** Another one has begun meanwhile. */
  begin(): void {
    this.#startedMs = performance.now()
  }
}
