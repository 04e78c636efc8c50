import type { StoredConfig, StoreEvent } from '@trilane/contracts'
import { isExpired } from './lease-file.ts'
import type { Snapshot } from './snapshot.ts'

/** What a watch has told its listener so far. */
export interface Told {
  /** The revision of each live lease, by key. */
  readonly leases: ReadonlyMap<string, number>
  /** The text of each refusal, by key. */
  readonly rejected: ReadonlyMap<string, string>
  readonly configRevision: number
  /** Of the journal then. */
  readonly revision: number
}

/** Everything that is there is news: after a gap nothing is too much. */
export const NOTHING_TOLD: Told = { leases: new Map(), rejected: new Map(), configRevision: 0, revision: 0 }

export interface Changes {
  /**
   * A gap comes last when a file went, or came back, by another hand than the store's: no revision orders that among
   * what was told before, so whoever goes by revisions has to list again.
   */
  readonly events: readonly StoreEvent[]
  readonly told: Told
}

/**
 * What happened since `told`, in the order of revisions. Several changes of one key are one event with the last:
 * whoever follows wants the state, and a removal that was followed by a creation shows as the new lease.
 *
 * @param config `undefined` when there is none, or it cannot be read now
 */
export function changesSince(
  told: Told,
  snapshot: Snapshot,
  config: StoredConfig | undefined,
  wallMs: number
): Changes {
  const events: (readonly [number, StoreEvent])[] = []
  const byHand: string[] = []
  const leases = new Map<string, number>()
  for (const [key, stored] of snapshot.leases) {
    if (isExpired(stored, wallMs)) continue
    leases.set(key, stored.revision)
    const former = told.leases.get(key)
    if (former === stored.revision) continue
    events.push([stored.revision, { kind: 'put', stored }])
    if (stored.revision <= (former ?? told.revision)) byHand.push(key)
  }

  const rejected = new Map<string, string>()
  for (const [key, error] of snapshot.rejected) {
    rejected.set(key, error.message)
    if (told.rejected.get(key) !== error.message) {
      events.push([Number.POSITIVE_INFINITY, { kind: 'rejected', key, error }])
    }
  }

  const removed = new Map(snapshot.journal.removed.map(({ key, revision }) => [key, revision]))
  for (const key of new Set([...told.leases.keys(), ...told.rejected.keys()])) {
    if (leases.has(key) || rejected.has(key)) continue
    if (told.leases.has(key) && !removed.has(key)) byHand.push(key)
    const revision = Math.max(removed.get(key) ?? snapshot.journal.revision, told.leases.get(key) ?? 0)
    events.push([revision, { kind: 'gone', key, revision }])
  }

  if (config !== undefined && config.revision !== told.configRevision) {
    events.push([config.revision, { kind: 'config', config }])
  }
  const ordered = events
    .sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
    .map(([, event]) => event)
  return {
    events:
      byHand.length === 0
        ? ordered
        : [...ordered, { kind: 'gap', reason: `changed by hand: ${byHand.join(', ')}` }],
    told: {
      leases,
      rejected,
      configRevision: config?.revision ?? told.configRevision,
      revision: snapshot.journal.revision
    }
  }
}

/**
 * What somebody knows who has listed at `revision`: everything that was not changed since, and every lease that
 * was removed since. `undefined` when that is no longer known.
 */
export function toldAt(revision: number, snapshot: Snapshot, configRevision: number): Told | undefined {
  const { journal } = snapshot
  // A revision from the future is one of a former store in this place.
  if (revision < journal.removedSince || revision > journal.revision) return undefined
  const leases = new Map<string, number>()
  for (const removal of journal.removed) {
    if (removal.revision > revision) leases.set(removal.key, revision)
  }
  for (const [key, stored] of snapshot.leases) {
    leases.set(key, stored.revision > revision ? 0 : stored.revision)
  }
  return {
    leases,
    rejected: new Map(),
    configRevision: configRevision > revision ? 0 : configRevision,
    revision
  }
}
