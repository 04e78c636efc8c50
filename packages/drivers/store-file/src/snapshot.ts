import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type StoredConfig, type StoredLease, TrilaneError } from '@trilane/contracts'
import { codeOf, readSmallFile } from './files.ts'
import { type Journal, parseJournal, sha256 } from './journal.ts'
import type { Layout } from './layout.ts'
import { parseLeaseFile } from './lease-file.ts'

/** All that the directory says, read without the lock. */
export interface Snapshot {
  /** Read before the leases: everything up to its revision is in them, later changes may be. */
  readonly journal: Journal
  /** Expired ones included. */
  readonly leases: ReadonlyMap<string, StoredLease>
  readonly rejected: ReadonlyMap<string, TrilaneError>
}

/** What one key's file says. */
type Parsed =
  | { readonly text: string; readonly stored: StoredLease }
  | { readonly text: string; readonly error: TrilaneError }

/** Reads the directory again and again, and parses only what has changed. */
export class SnapshotReader {
  readonly #layout: Layout
  #parsed: ReadonlyMap<string, Parsed> = new Map()

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /**
   * @returns `undefined` when something of ours is missing or spoilt, which a transaction makes anew
   * @throws the system's error when the directory cannot be read
   */
  read(): Snapshot | undefined {
    const journal = readJournal(this.#layout)
    if (journal === undefined) return undefined
    const removed = new Map(journal.removed.map(({ key, revision }) => [key, revision]))
    const parsed = new Map<string, Parsed>()
    const leases = new Map<string, StoredLease>()
    const rejected = new Map<string, TrilaneError>()
    const keys = readKeys(this.#layout)
    if (keys === undefined) return undefined
    for (const key of keys) {
      const entry = this.#parse(key)
      if (entry === undefined) continue
      parsed.set(key, entry)
      if ('error' in entry) rejected.set(key, entry.error)
      else if (entry.stored.revision > (removed.get(key) ?? 0)) leases.set(key, entry.stored)
    }
    this.#parsed = parsed
    return { journal, leases, rejected }
  }

  #parse(key: string): Parsed | undefined {
    const read = readSmallFile(join(this.#layout.subnets, key))
    if (read === undefined) return undefined
    const text = read instanceof Error ? read.message : read
    const known = this.#parsed.get(key)
    if (known?.text === text) return known
    try {
      if (read instanceof Error) throw TrilaneError.of('TRI_LEASE_INVALID', { key, problem: read.message })
      return { text, stored: parseLeaseFile(key, text) }
    } catch (error) {
      if (TrilaneError.is(error, 'TRI_LEASE_INVALID')) return { text, error }
      throw error
    }
  }
}

/** The highest revision of any lease file, 0 without one: where a new journal must go on. */
export function highestRevision(layout: Layout): number {
  let highest = 0
  for (const key of readKeys(layout) ?? []) {
    const text = readSmallFile(join(layout.subnets, key))
    if (typeof text !== 'string') continue
    try {
      highest = Math.max(highest, parseLeaseFile(key, text).revision)
    } catch {
      // No lease, no revision.
    }
  }
  return highest
}

function readKeys(layout: Layout): string[] | undefined {
  try {
    return readdirSync(layout.subnets).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

export function readJournal(layout: Layout): Journal | undefined {
  const text = readSmallFile(layout.journal)
  return typeof text === 'string' ? parseJournal(text) : undefined
}

/** The config's text, and its revision unless it was written by hand since the journal was. */
export function readConfigFile(
  layout: Layout,
  journal: Journal
): StoredConfig | { readonly text: string; readonly revision: undefined } | undefined {
  const text = readSmallFile(layout.config)
  if (text === undefined) return undefined
  if (text instanceof Error) {
    throw TrilaneError.of('TRI_FILE', { operation: 'read', path: layout.config, problem: text.message })
  }
  const revision = journal.config?.sha256 === sha256(text) ? journal.config.revision : undefined
  return revision === undefined ? { text, revision } : { text, revision }
}
