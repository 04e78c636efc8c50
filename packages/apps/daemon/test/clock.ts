import type { Clock } from '@trilane/contracts'

/** A clock that a test sets by hand; sleeping is over at once. */
export class TestClock implements Clock {
  nowMs = 1_000_000

  wallMs(): number {
    return this.nowMs
  }

  monotonicMs(): number {
    return this.nowMs
  }

  async sleep(): Promise<void> {}
}
