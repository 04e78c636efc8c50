import { mkdir } from 'node:fs/promises'
import { leaseKey } from '@trilane/config'
import {
  type Clock,
  type FileLocks,
  type Lease,
  type LeaseList,
  type Logger,
  type StoredConfig,
  type StoredLease,
  type StoreEvent,
  type StoreWatch,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'
import { storeUnavailable, unavailable } from './failures.ts'
import { layoutOf } from './layout.ts'
import { isExpired } from './lease-file.ts'
import { readConfigFile, type Snapshot, SnapshotReader } from './snapshot.ts'
import { Transaction } from './transaction.ts'
import { Watch } from './watch.ts'

export interface FileSubnetStoreOptions {
  /** Made, with its parents, at the first use. Absolute. */
  readonly directory: string
  readonly locks: FileLocks
  readonly clock: Clock
  readonly logger: Logger
  /** How long a change waits for the lock. A holder needs milliseconds. @default 10 s */
  readonly lockTimeoutMs?: number
  /** How often a watch looks where it was not told of a change (NFS, no inotify left). @default 5 s */
  readonly pollMs?: number
}

/** {@link SubnetStore} in a directory that any number of processes share; `layout.ts` says how. */
export class FileSubnetStore implements SubnetStore {
  readonly description: string
  readonly #options: FileSubnetStoreOptions
  readonly #reader: SnapshotReader
  readonly #watches = new Set<Watch>()
  #opening: Promise<void> | undefined
  #closed = false

  constructor(options: FileSubnetStoreOptions) {
    this.description = `file ${options.directory}`
    this.#options = options
    this.#reader = new SnapshotReader(layoutOf(options.directory))
  }

  async readConfig(): Promise<StoredConfig | undefined> {
    return this.#guard(async () => {
      const { journal } = await this.#snapshot()
      const config = readConfigFile(layoutOf(this.#options.directory), journal)
      if (config === undefined || config.revision !== undefined) return config
      // Written by hand, or by somebody who is not done: the lock tells, and gives it a revision.
      return this.#change((transaction) => transaction.config())
    })
  }

  async writeConfig(text: string, expectedRevision: number): Promise<StoredConfig> {
    return this.#guard(() =>
      this.#change((transaction) => {
        const current = transaction.config()
        if ((current?.revision ?? 0) !== expectedRevision) {
          throw TrilaneError.of('TRI_LEASE_CONFLICT', { key: 'config', owner: 'another process' })
        }
        return transaction.putConfig(text)
      })
    )
  }

  async list(): Promise<LeaseList> {
    return this.#guard(async () => {
      const { journal, leases, rejected } = await this.#snapshot()
      const nowMs = this.#options.clock.wallMs()
      return {
        leases: [...leases.values()].filter((stored) => !isExpired(stored, nowMs)),
        rejected: [...rejected.values()],
        revision: journal.revision
      }
    })
  }

  async create(lease: Lease, ttlMs: number | undefined): Promise<StoredLease | undefined> {
    const key = leaseKey(lease.subnets)
    return this.#guard(() =>
      this.#change((transaction) =>
        transaction.isTaken(key) ? undefined : transaction.putLease(key, lease, ttlMs)
      )
    )
  }

  async update(
    expected: StoredLease,
    lease: Lease,
    ttlMs: number | undefined
  ): Promise<StoredLease | undefined> {
    const key = leaseKey(lease.subnets)
    if (key !== expected.key) {
      const problem = `it cannot become ${key}: its subnets are its name`
      throw TrilaneError.of('TRI_LEASE_INVALID', { key: expected.key, problem })
    }
    return this.#guard(() =>
      this.#change((transaction) =>
        transaction.lease(key)?.revision === expected.revision
          ? transaction.putLease(key, lease, ttlMs)
          : undefined
      )
    )
  }

  async remove(expected: StoredLease): Promise<boolean> {
    const key = leaseKey(expected.lease.subnets)
    return this.#guard(() =>
      this.#change((transaction) => {
        if (key !== expected.key || transaction.lease(key)?.revision !== expected.revision) return false
        transaction.removeLeases([key])
        return true
      })
    )
  }

  watch(revision: number, listener: (event: StoreEvent) => void): StoreWatch {
    const { directory, clock, logger, pollMs = 5_000 } = this.#options
    const watch = new Watch({
      layout: layoutOf(directory),
      clock,
      logger,
      pollMs,
      revision,
      listener,
      snapshot: () => this.#guard(() => this.#snapshot()),
      config: () => this.readConfig(),
      reap: (keys) => this.#guard(() => this.#reap(keys)),
      unavailable: (error) => TrilaneError.from(unavailable(this.description, error)),
      onClosed: () => this.#watches.delete(watch)
    })
    this.#watches.add(watch)
    if (this.#closed) watch.close()
    else watch.start()
    return watch
  }

  async close(): Promise<void> {
    this.#closed = true
    const watches = [...this.#watches]
    for (const watch of watches) watch.close()
    await Promise.all(watches.map(({ ended }) => ended))
  }

  /** Removes those of `keys` that have expired; somebody may have renewed one or been quicker. */
  async #reap(keys: readonly string[]): Promise<void> {
    await this.#change((transaction) => {
      const expired = keys.filter((key) => transaction.isExpired(key))
      if (expired.length > 0) transaction.removeLeases(expired)
    })
  }

  async #snapshot(): Promise<Snapshot> {
    await this.#open()
    const snapshot = this.#reader.read()
    if (snapshot !== undefined) return snapshot
    // Somebody emptied the directory, or spoilt the journal. A transaction writes a new one.
    await this.#change(() => {})
    const repaired = this.#reader.read()
    if (repaired === undefined)
      throw storeUnavailable(this.description, 'its journal vanishes as soon as it is written')
    return repaired
  }

  async #change<Result>(act: (transaction: Transaction) => Result): Promise<Result> {
    await this.#open()
    const { directory, locks, clock, lockTimeoutMs = 10_000 } = this.#options
    const layout = layoutOf(directory)
    const lock = await locks.acquire(layout.lock, lockTimeoutMs)
    try {
      return act(Transaction.begin(layout, clock.wallMs()))
    } finally {
      lock.release()
    }
  }

  /**
   * Makes the directory once. When it vanishes later, it is missed and not made again: it may be a file system that
   * is not mounted at the moment.
   */
  async #open(): Promise<void> {
    if (this.#closed) throw storeUnavailable(this.description, 'it was closed')
    this.#opening ??= mkdir(this.#options.directory, { recursive: true }).then(() => {})
    try {
      await this.#opening
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  async #guard<Result>(act: () => Promise<Result>): Promise<Result> {
    try {
      return await act()
    } catch (error) {
      throw unavailable(this.description, error)
    }
  }
}
