import type { LeaseList, StoredLease, StoreEvent, TrilaneError } from '@trilane/contracts'
import { sameLease } from './lease-equality.ts'
import type { Holding } from './peer-book.ts'
import { AWAITED } from './peer-rules.ts'

/**
 * What the store holds, as told by one list and the events after it. A repeated or late event changes nothing: an
 * event counts only if it is newer than the list and than what is known of its key.
 */
export class LeaseSet {
  #leases = new Map<string, StoredLease>()
  #rejected = new Map<string, TrilaneError>()
  /** Revision at which a key went since the last list, against a late repetition of what it was before. */
  #goneAt = new Map<string, number>()
  #listRevision = 0
  #revision = 0
  #startedAnew = false
  /** Leases that went since {@link takeChanges}, by key. */
  #removed = new Map<string, StoredLease>()
  /** Of the store when {@link takeChanges} was called. */
  #revisionTaken = 0
  /** The number of {@link awaitRemoved}, by key. */
  #awaited = new Map<string, number>()
  #waits = 0
  /** Keys that were written since {@link takeChanges}; at first, and after the store lost its data, all. */
  #changed: Set<string> | 'all' = 'all'

  /** Does the set show what was written at this revision? Always, after the store lost its data and counts anew. */
  covers(revision: number): boolean {
    return this.#startedAnew || revision <= this.#revision
  }

  get(key: string): StoredLease | undefined {
    return this.#leases.get(key)
  }

  /** All that the store holds, by key. */
  holdings(): ReadonlyMap<string, Holding> {
    return new Map<string, Holding>([...this.#rejected, ...this.#leases])
  }

  /** The keys that may hold something else than at the last call, with what they hold now; or `'all'`. */
  takeChanges(): ReadonlyMap<string, Holding> | 'all' {
    const changed = this.#changed
    this.#changed = new Set()
    this.#removed = new Map()
    this.#revisionTaken = this.#revision
    if (changed === 'all') return 'all'
    return new Map([...changed].map((key) => [key, this.#leases.get(key) ?? this.#rejected.get(key)]))
  }

  /**
   * Did the store lose its data since {@link takeChanges}? It lacks our lease, and nothing is left of what it had: what
   * there is was written since.
   */
  isWiped(ownKey: string): boolean {
    if (this.#removed.size === 0 || this.#leases.has(ownKey)) return false
    return (
      this.#startedAnew ||
      [...this.#leases.values()].every(
        ({ key, revision }) => this.#awaited.has(key) || revision > this.#revisionTaken
      )
    )
  }

  /**
   * What went since {@link takeChanges} counts as it was until {@link forgetAwaited}: its node may live, and then writes
   * it again, as this one does. Whoever is written meanwhile goes before it.
   *
   * @param served whom pods reach: nobody else is awaited
   * @param again what is awaited already is awaited anew
   * @returns the number of this wait; `undefined` when there is nobody to wait for
   */
  awaitRemoved(served: ReadonlyMap<string, unknown>, again: boolean): number | undefined {
    const wait = ++this.#waits
    if (again) for (const key of this.#awaited.keys()) this.#awaited.set(key, wait)
    for (const [key, stored] of this.#removed) {
      if (!served.has(key) || this.#leases.has(key)) continue
      this.#leases.set(key, { ...stored, revision: AWAITED })
      this.#awaited.set(key, wait)
      this.#noteChanged(key)
    }
    return [...this.#awaited.values()].includes(wait) ? wait : undefined
  }

  /** That wait is over. */
  forgetAwaited(wait: number): void {
    for (const [key, its] of this.#awaited) {
      if (its !== wait) continue
      this.#awaited.delete(key)
      this.#leases.delete(key)
      this.#noteChanged(key)
    }
  }

  replace(list: LeaseList): void {
    const leases = new Map(list.leases.map((stored) => [stored.key, stored]))
    for (const key of this.#awaited.keys()) {
      const stored = this.#leases.get(key)
      if (leases.has(key) || stored === undefined) this.#awaited.delete(key)
      else leases.set(key, stored)
    }
    for (const [key, stored] of this.#leases) if (!leases.has(key)) this.#removed.set(key, stored)
    const rejected = new Map(list.rejected.map((error) => [String(error.values.key), error]))
    this.#startedAnew = list.revision < this.#revision
    if (this.#startedAnew) this.#changed = 'all'
    else this.#noteDifferences(leases, rejected)
    this.#leases = leases
    this.#rejected = rejected
    this.#goneAt.clear()
    this.#listRevision = list.revision
    this.#revision = list.revision
  }

  apply(event: Extract<StoreEvent, { kind: 'put' | 'gone' | 'rejected' }>): void {
    switch (event.kind) {
      case 'put': {
        const { key, revision } = event.stored
        if (!this.#isNews(key, revision)) return
        this.#leases.set(key, event.stored)
        this.#awaited.delete(key)
        this.#removed.delete(key)
        this.#rejected.delete(key)
        this.#noteChanged(key)
        this.#revision = Math.max(this.#revision, revision)
        return
      }
      case 'gone': {
        const { key, revision } = event
        if (!this.#isNews(key, revision)) return
        const former = this.#leases.get(key)
        if (former !== undefined) this.#removed.set(key, former)
        this.#leases.delete(key)
        this.#awaited.delete(key)
        this.#rejected.delete(key)
        this.#goneAt.set(key, revision)
        this.#noteChanged(key)
        this.#revision = Math.max(this.#revision, revision)
        return
      }
      case 'rejected': {
        const { key, error } = event
        // A lease that was there before is no longer what the store holds: a fresh list would not have it either.
        const former = this.#awaited.delete(key) ? undefined : this.#leases.get(key)
        if (former !== undefined) this.#goneAt.set(key, former.revision)
        this.#leases.delete(key)
        this.#rejected.set(key, error)
        this.#noteChanged(key)
      }
    }
  }

  /** Before a list takes the place of what is known. Contents too: a store may have counted anew and far. */
  #noteDifferences(leases: ReadonlyMap<string, StoredLease>, rejected: ReadonlyMap<string, unknown>): void {
    for (const [key, { revision, lease }] of leases) {
      const known = this.#leases.get(key)
      if (known?.revision !== revision || !sameLease(known.lease, lease)) this.#noteChanged(key)
    }
    for (const key of this.#leases.keys()) if (!leases.has(key)) this.#noteChanged(key)
    for (const key of [...this.#rejected.keys(), ...rejected.keys()]) this.#noteChanged(key)
  }

  #noteChanged(key: string): void {
    if (this.#changed !== 'all') this.#changed.add(key)
  }

  #isNews(key: string, revision: number): boolean {
    const here = this.#awaited.has(key) ? undefined : this.#leases.get(key)?.revision
    const known = here ?? this.#goneAt.get(key) ?? this.#listRevision
    return revision > Math.max(known, this.#listRevision)
  }
}
