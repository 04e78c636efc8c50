import type { Clock } from '@trilane/contracts'

/** A computation that may be left for a while at each `yield`. */
export type Steps<Result> = Generator<undefined, Result, undefined>

/** So long one may keep the event loop from everything else. A garbage collection may come on top of it. */
const SLICE_MS = 8

/** A clock is asked once for so many objects. */
const OBJECTS_PER_STEP = 64

/** Is this the last object of a step? @param count how many there were so far */
export function endsStep(count: number): boolean {
  return count % OBJECTS_PER_STEP === 0
}

/** All steps in one go. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Does long computations slice by slice, and lets the rest of the process breathe in between. */
export class Slices {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #breathe: (() => Promise<void>) | undefined
  /** When the slice ends that began after the last breath: several short computations are one long one. */
  #untilMs = 0

  /** @param breathe resolves after the event loop has had a turn; absent: everything is done in one go */
  constructor(clock: Pick<Clock, 'monotonicMs'>, breathe: (() => Promise<void>) | undefined) {
    this.#clock = clock
    this.#breathe = breathe
  }

  /** Nothing has been computed for a while. */
  begin(): void {
    this.#untilMs = this.#clock.monotonicMs() + SLICE_MS
  }

  async run<Result>(steps: Steps<Result>): Promise<Result> {
    if (this.#breathe === undefined) return atOnce(steps)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
      if (this.#clock.monotonicMs() >= this.#untilMs) await this.pause()
    }
  }

  /** Before and after what cannot be done in steps. */
  async pause(): Promise<void> {
    const breathe = this.#breathe
    if (breathe === undefined || this.#clock.monotonicMs() < this.#untilMs) return
    await breathe()
    this.begin()
  }
}
