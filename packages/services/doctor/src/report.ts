/** `bad`: something that a backend needs is not there. `careful`: it works, and may bite. */
export type Verdict = 'good' | 'bad' | 'careful' | 'unknown'

/** One thing that was looked at. */
export interface Finding {
  /** What, in a few words: `more than one MAC`. */
  readonly about: string
  readonly verdict: Verdict
  /** A sentence. */
  readonly text: string
  /** What to do. */
  readonly advice?: string
}

/** Can a backend carry packets here? */
export interface BackendVerdict {
  readonly type: string
  /** `unknown`: nothing speaks against it, and not all of what it needs could be tried. */
  readonly verdict: 'works' | 'cannot' | 'unknown'
  /** Why not, or what could not be tried; empty when it works. */
  readonly reasons: readonly string[]
  /** What pods have to do without although it works; mostly nothing. */
  readonly limits: readonly string[]
}
