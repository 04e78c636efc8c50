import type { Clock } from '@trilane/contracts'

/** Time that passes only when a test says so; with `auto`, each sleep passes at once. */
export class FakeClock implements Clock {
  #nowMs = 1_000_000
  #wallAheadMs = 0
  #suspendedMs = 0
  readonly #auto: boolean
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>()
  /** What was asked for, in order. */
  readonly sleptMs: number[] = []

  constructor({ auto = false } = {}) {
    this.#auto = auto
  }

  wallMs(): number {
    return this.bootMs() + this.#wallAheadMs
  }

  /** Somebody sets the wall clock. */
  setWall(aheadMs: number): void {
    this.#wallAheadMs = aheadMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  bootMs(): number {
    return this.#nowMs + this.#suspendedMs
  }

  /** The machine is suspended and goes on: nobody who sleeps notices. */
  suspend(ms: number): void {
    this.#suspendedMs += ms
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleptMs.push(ms)
    if (signal?.aborted) return
    if (this.#auto) {
      await settle()
      return
    }
    await new Promise<void>((resolve) => {
      const sleeper = { untilMs: this.#nowMs + ms, wake: resolve }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper)
        resolve()
      })
    })
  }

  /** Lets what is under way come to its sleep, lets `ms` pass, wakes whoever slept long enough, and waits until they have done what they can. */
  async advance(ms: number): Promise<void> {
    await settle()
    this.#nowMs += ms
    for (const sleeper of [...this.#sleepers]) {
      if (sleeper.untilMs > this.#nowMs) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
    await settle()
  }
}

/** Long enough for a few answers of the memory store, each of which takes one turn of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}
