import type { Bench } from './bench.ts'
import type { Capability, Setup } from './target.ts'

export interface Scenario {
  readonly id: `P${number}`
  /** What a good plugin does. */
  readonly title: string
  /**
   * S the specification demands it, R the reference plugins do it and clients or users count on it, B better than the
   * reference plugins.
   */
  readonly tag: 'S' | 'R' | 'B'
  readonly needs?: readonly Capability[]
  /** @default bridge, v4 */
  readonly setup?: Partial<Setup>
  /** On a plugin that nothing was asked of before. */
  readonly isFresh?: boolean
  /** Throws when it is otherwise. */
  readonly run: (bench: Bench) => Promise<void>
}

/** Scenarios of one part of a plugin's life. */
export interface Section {
  readonly title: string
  readonly scenarios: readonly Scenario[]
}

/** Thrown by a scenario that finds that it cannot be tried here. */
export class NotApplicable extends Error {}
