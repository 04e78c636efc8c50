import type { LeaseList, StoredLease, StoreEvent, TrilaneError } from '@trilane/contracts'

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

  /** Does the set show what was written at this revision? Always, after the store lost its data and counts anew. */
  covers(revision: number): boolean {
    return this.#startedAnew || revision <= this.#revision
  }

  get(key: string): StoredLease | undefined {
    return this.#leases.get(key)
  }

  leases(): Iterable<StoredLease> {
    return this.#leases.values()
  }

  /** Keys that are no lease. */
  rejected(): readonly TrilaneError[] {
    return [...this.#rejected.values()]
  }

  replace(list: LeaseList): void {
    this.#leases = new Map(list.leases.map((stored) => [stored.key, stored]))
    this.#rejected = new Map(list.rejected.map((error) => [String(error.values.key), error]))
    this.#goneAt.clear()
    this.#startedAnew = list.revision < this.#revision
    this.#listRevision = list.revision
    this.#revision = list.revision
  }

  apply(event: Extract<StoreEvent, { kind: 'put' | 'gone' | 'rejected' }>): void {
    switch (event.kind) {
      case 'put': {
        const { key, revision } = event.stored
        if (!this.#isNews(key, revision)) return
        this.#leases.set(key, event.stored)
        this.#rejected.delete(key)
        this.#revision = Math.max(this.#revision, revision)
        return
      }
      case 'gone': {
        const { key, revision } = event
        if (!this.#isNews(key, revision)) return
        this.#leases.delete(key)
        this.#rejected.delete(key)
        this.#goneAt.set(key, revision)
        this.#revision = Math.max(this.#revision, revision)
        return
      }
      case 'rejected': {
        const { key, error } = event
        // A lease that was there before is no longer what the store holds: a fresh list would not have it either.
        const former = this.#leases.get(key)
        if (former !== undefined) this.#goneAt.set(key, former.revision)
        this.#leases.delete(key)
        this.#rejected.set(key, error)
      }
    }
  }

  #isNews(key: string, revision: number): boolean {
    const known = this.#leases.get(key)?.revision ?? this.#goneAt.get(key) ?? this.#listRevision
    return revision > Math.max(known, this.#listRevision)
  }
}
