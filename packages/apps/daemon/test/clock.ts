import type { Clock } from '@trilane/contracts'

/** A clock that a test sets by hand; sleeping is over at once. */
export class TestClock implements Clock {
  nowMs = 1_000_000
  /** Of the wall clock: somebody sets it. */
  aheadMs = 0

  wallMs(): number {
    return this.nowMs + this.aheadMs
  }

  monotonicMs(): number {
    return this.nowMs
  }

  bootMs(): number {
    return this.nowMs
  }

  async sleep(): Promise<void> {}
}
