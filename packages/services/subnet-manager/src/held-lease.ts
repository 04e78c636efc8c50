import type { Clock, Lease, PeerChange, StoredLease } from '@trilane/contracts'
import { sameLease } from './lease-equality.ts'
import type { LeaseSet } from './lease-set.ts'

/** The lease that this node holds, and what the store says about it meanwhile. */
export class HeldLease {
  readonly #clock: Clock
  #stored: StoredLease | undefined
  /** When its life began anew; `undefined` for one that was remembered only. */
  #sinceMs: number | undefined
  /** What was written last, perhaps without an answer: reading it back is no change by somebody else. */
  #written: Lease | undefined
  /** What {@link news} told last. */
  #told = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get stored(): StoredLease | undefined {
    return this.#stored
  }

  /** How much of its life is over, whatever the wall clock was set to, and also while the machine was suspended. */
  get ageMs(): number {
    return this.#sinceMs === undefined ? Number.POSITIVE_INFINITY : this.#clock.bootMs() - this.#sinceMs
  }

  /** It was written just now. */
  hold(stored: StoredLease): void {
    this.recall(stored)
    this.#sinceMs = this.#clock.bootMs()
  }

  /** It was this node's when the store was seen last. */
  recall(stored: StoredLease): void {
    this.#sinceMs = undefined
    this.#stored = stored
    this.#written = stored.lease
    this.#told = ''
  }

  /** Before each attempt to write it. */
  writing(lease: Lease): void {
    this.#written = lease
  }

  drop(): void {
    this.#stored = undefined
  }

  /** What became of it in the store, told once for each time that it is written. */
  news(set: LeaseSet): PeerChange['own'] {
    const held = this.#stored
    if (held === undefined) return undefined
    const stored = set.get(held.key)
    const state = this.#judge(held, stored, set)
    const told = state === undefined ? '' : `${state} ${stored?.revision}`
    if (told === this.#told) return undefined
    this.#told = told
    return state
  }

  #judge(held: StoredLease, stored: StoredLease | undefined, set: LeaseSet): PeerChange['own'] {
    // A set, or an entry of it, that is older than our last write does not show it yet.
    if (stored === undefined) return set.covers(held.revision) ? 'lost' : undefined
    if (stored.revision <= held.revision || sameLease(stored.lease, held.lease)) return undefined
    return this.#written !== undefined && sameLease(stored.lease, this.#written) ? undefined : 'changed'
  }
}
