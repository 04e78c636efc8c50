import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lease, type StoredConfig, type StoredLease, TrilaneError } from '@trilane/contracts'
import { codeOf, commit, LONGEST_FILE_BYTES, readSmallFile, stage, syncDirectory } from './files.ts'
import { formatJournal, type Journal, newJournal, sha256, withRemovals } from './journal.ts'
import type { Layout } from './layout.ts'
import { formatLeaseFile, isExpired, parseLeaseFile } from './lease-file.ts'
import { highestRevision, readConfigFile, readJournal } from './snapshot.ts'

/**
 * What the holder of the lock may do. Everything is staged before anything is renamed, so that a full disk leaves
 * all as it was.
 *
 * Synchronous on purpose: the lock is held for the few milliseconds that the disk takes, and not for as many turns
 * of a busy event loop.
 */
export class Transaction {
  readonly #layout: Layout
  readonly #nowMs: number
  #journal: Journal

  private constructor(layout: Layout, nowMs: number, journal: Journal) {
    this.#layout = layout
    this.#nowMs = nowMs
    this.#journal = journal
  }

  /** With the lock held. Makes what is missing inside the directory. */
  static begin(layout: Layout, nowMs: number): Transaction {
    makeDirectory(layout.subnets)
    const journal = readJournal(layout)
    if (journal !== undefined) return new Transaction(layout, nowMs, journal)
    const transaction = new Transaction(layout, nowMs, newJournal(nowMs, highestRevision(layout)))
    transaction.#stageJournal(transaction.#journal)
    transaction.#commitJournal()
    return transaction
  }

  /** The lease, if it is there and lives. */
  lease(key: string): StoredLease | undefined {
    const stored = this.#read(key)
    return stored === undefined || stored === 'foreign' || isExpired(stored, this.#nowMs) ? undefined : stored
  }

  isExpired(key: string): boolean {
    const stored = this.#read(key)
    return stored !== undefined && stored !== 'foreign' && isExpired(stored, this.#nowMs)
  }

  /** May no lease be created there? A file that is no lease keeps its key too: it is not ours to overwrite. */
  isTaken(key: string): boolean {
    return this.#read(key) === 'foreign' || this.lease(key) !== undefined
  }

  putLease(key: string, lease: Lease, ttlMs: number | undefined): StoredLease {
    const revision = this.#nextRevision([key])
    const expiresAtMs = ttlMs === undefined ? undefined : this.#nowMs + ttlMs
    const text = formatLeaseFile(lease, revision, expiresAtMs)
    // What others would refuse to read must not be written: it would take the key and announce nothing.
    const stored = parseLeaseFile(key, text)
    stage(this.#layout.staged, text)
    this.#stageJournal({ ...this.#journal, revision })
    commit(this.#layout.staged, join(this.#layout.subnets, key), this.#layout.subnets)
    this.#commitJournal()
    return stored
  }

  removeLeases(keys: readonly string[]): void {
    this.#stageJournal(withRemovals(this.#journal, keys, this.#nextRevision(keys)))
    this.#commitJournal()
    for (const key of keys) rmSync(join(this.#layout.subnets, key), { force: true })
    syncDirectory(this.#layout.subnets)
  }

  /** The config; a text that was written by hand gets its revision here. */
  config(): StoredConfig | undefined {
    const config = readConfigFile(this.#layout, this.#journal)
    if (config === undefined || config.revision !== undefined) return config
    const revision = this.#nextRevision([])
    this.#stageJournal({
      ...this.#journal,
      revision,
      config: { revision, sha256: sha256(config.text) }
    })
    this.#commitJournal()
    return { text: config.text, revision }
  }

  putConfig(text: string): StoredConfig {
    const bytes = Buffer.byteLength(text)
    if (bytes > LONGEST_FILE_BYTES) {
      const problem = `it is ${bytes} bytes long; at most ${LONGEST_FILE_BYTES} are kept`
      throw TrilaneError.of('TRI_CONFIG_SYNTAX', { source: 'the network config', problem })
    }
    const revision = this.#nextRevision([])
    stage(this.#layout.staged, text)
    this.#stageJournal({ ...this.#journal, revision, config: { revision, sha256: sha256(text) } })
    commit(this.#layout.staged, this.#layout.config, this.#layout.directory)
    this.#commitJournal()
    return { text, revision }
  }

  /** `undefined` also for a file that the journal says is removed: its remover died before the file did. */
  #read(key: string): StoredLease | 'foreign' | undefined {
    const text = readSmallFile(join(this.#layout.subnets, key))
    if (text === undefined) return undefined
    if (text instanceof Error) return 'foreign'
    try {
      const stored = parseLeaseFile(key, text)
      const removed = this.#journal.removed.find((removal) => removal.key === key)
      return removed !== undefined && removed.revision >= stored.revision ? undefined : stored
    } catch {
      return 'foreign'
    }
  }

  /** A writer that died before its journal left a lease with a higher revision than the journal's. */
  #nextRevision(keys: readonly string[]): number {
    let highest = this.#journal.revision
    for (const key of keys) {
      const stored = this.#read(key)
      if (stored !== undefined && stored !== 'foreign') highest = Math.max(highest, stored.revision)
    }
    return highest + 1
  }

  /** Not synced: a power cut ends every reader, and of what the journal says only removals would be undone. */
  #stageJournal(journal: Journal): void {
    writeFileSync(this.#layout.stagedJournal, formatJournal(journal))
    this.#journal = journal
  }

  #commitJournal(): void {
    renameSync(this.#layout.stagedJournal, this.#layout.journal)
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}
