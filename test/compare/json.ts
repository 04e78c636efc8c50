import type { Outcome, WalkFrame, WayHop } from '@trilane/packet-way'

/** Of `trilane lab walk --json` what is looked at here. */
export interface WalkJson {
  readonly mode: string
  readonly family: 'v4' | 'v6'
  readonly packet: 'ping' | 'tcp'
  readonly equal: boolean
  readonly addedBytes: number
  readonly broken?: string
  readonly hops: readonly (Omit<WayHop, 'frame'> & {
    readonly predicted?: WalkFrame
    readonly observed?: WalkFrame
    readonly afterNs?: number
    readonly changed: readonly string[]
    readonly addedBytes: number
    readonly equal: boolean
  })[]
}

/** Of `trilane explain --json`. */
export interface ExplainJson {
  readonly works: boolean
  readonly ways: readonly {
    readonly family: 'v4' | 'v6'
    readonly addedBytes: number
    readonly hops: readonly WayHop[]
    readonly outcome: Outcome
    readonly largest?: { readonly bytes: number; readonly outcome: Outcome }
    readonly back?: { readonly outcome: Outcome }
  }[]
}
