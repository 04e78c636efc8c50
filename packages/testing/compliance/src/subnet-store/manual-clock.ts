import type { Clock } from '@trilane/contracts'

/** Stands still until it is advanced; whoever sleeps wakes when its time has come. */
export class ManualClock implements Clock {
  #nowMs = 1_800_000_000_000
  readonly #sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>()

  wallMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  bootMs(): number {
    return this.#nowMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = {
        atMs: this.#nowMs + ms,
        wake: () => {
          this.#sleepers.delete(sleeper)
          signal?.removeEventListener('abort', sleeper.wake)
          resolve()
        }
      }
      this.#sleepers.add(sleeper)
      if (signal?.aborted === true) sleeper.wake()
      else signal?.addEventListener('abort', sleeper.wake, { once: true })
    })
  }

  advance(ms: number): void {
    this.#nowMs += ms
    for (const sleeper of [...this.#sleepers]) if (sleeper.atMs <= this.#nowMs) sleeper.wake()
  }

  /** How many sleep now. */
  get sleepers(): number {
    return this.#sleepers.size
  }
}
