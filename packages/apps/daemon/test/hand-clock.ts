import { setImmediate as breathe } from 'node:timers/promises'
import type { Clock } from '@trilane/contracts'

/** A clock that goes when it is told; whoever sleeps wakes in order. */
export class HandClock implements Clock {
  #nowMs = 1_000_000
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
      if (signal?.aborted) sleeper.wake()
      signal?.addEventListener('abort', sleeper.wake, { once: true })
    })
  }

  /** Lets time pass, and everything happen that follows from it. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    for (;;) {
      await settled()
      const [next] = [...this.#sleepers].sort((a, b) => a.atMs - b.atMs)
      if (next === undefined || next.atMs > endMs) break
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.wake()
    }
    this.#nowMs = endMs
    await settled()
  }
}

/** Promises that wait for nothing but each other. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await breathe()
}
