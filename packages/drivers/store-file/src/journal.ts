import { createHash } from 'node:crypto'

/** What the lease files themselves cannot say. Immutable; each change of the store makes a new one. */
export interface Journal {
  /** Of the last change. */
  readonly revision: number
  /** Of the config's last change, and which text that was: another text was written by hand. */
  readonly config?: { readonly revision: number; readonly sha256: string }
  /** Removals after this revision are all in {@link removed}. */
  readonly removedSince: number
  /** Oldest first. */
  readonly removed: readonly Removal[]
}

export interface Removal {
  readonly key: string
  readonly revision: number
}

/** Above what any store can count to, and far below what a double counts exactly. */
const LARGEST_REVISION = 2 ** 52

/** When there are more, the older half is forgotten; a watch that would need it is told of a gap. */
const MOST_REMOVALS = 512

/**
 * The journal of a new store. It starts at the wall clock so that revisions of a former store in the same place do
 * not come back: a compare-and-set with one of them must fail.
 */
export function newJournal(wallMs: number, highestRevision: number): Journal {
  const revision = Math.max(Math.floor(wallMs), highestRevision, 1)
  return { revision, removedSince: revision, removed: [] }
}

export function withRemovals(journal: Journal, keys: readonly string[], revision: number): Journal {
  const again = new Set(keys)
  const kept = journal.removed.filter(({ key }) => !again.has(key))
  const all = [...kept, ...keys.map((key) => ({ key, revision }))]
  if (all.length <= MOST_REMOVALS) return { ...journal, revision, removed: all }
  const forgotten = all.length - MOST_REMOVALS / 2
  return {
    ...journal,
    revision,
    removedSince: all[forgotten - 1]?.revision ?? journal.removedSince,
    removed: all.slice(forgotten)
  }
}

export function isRevision(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= LARGEST_REVISION
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export function formatJournal(journal: Journal): string {
  return `${JSON.stringify(journal)}\n`
}

/** `undefined` for a journal that nobody wrote whole. */
export function parseJournal(text: string): Journal | undefined {
  try {
    const journal = JSON.parse(text) as Journal
    const { revision, config, removedSince, removed } = journal
    const good =
      isRevision(revision) &&
      isRevision(removedSince) &&
      removed.every((removal) => typeof removal.key === 'string' && isRevision(removal.revision)) &&
      (config === undefined || (isRevision(config.revision) && typeof config.sha256 === 'string'))
    return good ? journal : undefined
  } catch {
    return undefined
  }
}
