import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type StoredConfig, type StoredLease, TrilaneError } from '@trilane/contracts'
import { codeOf, readSmallFile } from './files.ts'
import { type Journal, parseJournal, sha256 } from './journal.ts'
import type { Layout } from './layout.ts'
import { parseLeaseFile } from './lease-file.ts'
import { LeaseReader } from './lease-reader.ts'

/** All that the directory says, read without the lock. */
export interface Snapshot {
  /** Read before the leases: everything up to its revision is in them, later changes may be. */
  readonly journal: Journal
  /** Expired ones included. */
  readonly leases: ReadonlyMap<string, StoredLease>
  readonly rejected: ReadonlyMap<string, TrilaneError>
}

/** Reads the directory again and again. */
export class SnapshotReader {
  readonly #layout: Layout
  readonly #leases: LeaseReader

  constructor(layout: Layout) {
    this.#layout = layout
    this.#leases = new LeaseReader(layout.subnets)
  }

  /**
   * @returns `undefined` when something of ours is missing or spoilt, which a transaction makes anew
   * @throws the system's error when the directory cannot be read
   */
  read(): Snapshot | undefined {
    const latestMs = lstatSync(this.#layout.journal, { throwIfNoEntry: false })?.mtimeMs
    const journal = readJournal(this.#layout)
    const keys = readKeys(this.#layout)
    if (latestMs === undefined || journal === undefined || keys === undefined) return undefined
    const removed = new Map(journal.removed.map(({ key, revision }) => [key, revision]))
    const leases = new Map<string, StoredLease>()
    const rejected = new Map<string, TrilaneError>()
    for (const [key, { stored, error }] of this.#leases.read(keys, latestMs)) {
      if (error !== undefined) rejected.set(key, error)
      else if (stored.revision > (removed.get(key) ?? 0)) leases.set(key, stored)
    }
    return { journal, leases, rejected }
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
