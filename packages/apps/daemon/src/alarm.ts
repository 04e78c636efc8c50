import type { Clock } from '@trilane/contracts'

/** Calls `ring` once at the earliest of the times that were set since it rang last. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #next: { readonly atMs: number; readonly cancel: AbortController } | undefined
  #stopped = false

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** After `delayMs`, unless it rings earlier anyway. */
  set(delayMs: number): void {
    const atMs = this.#clock.monotonicMs() + delayMs
    if (this.#stopped || (this.#next !== undefined && this.#next.atMs <= atMs)) return
    this.#next?.cancel.abort()
    const next = { atMs, cancel: new AbortController() }
    this.#next = next
    void this.#clock.sleep(delayMs, next.cancel.signal).then(() => {
      if (next.cancel.signal.aborted) return
      this.#next = undefined
      this.#ring()
    })
  }

  /** It rings no more. */
  stop(): void {
    this.#stopped = true
    this.#next?.cancel.abort()
  }
}
