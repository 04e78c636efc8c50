import {
  closeSync,
  constants,
  ftruncateSync,
  linkSync,
  openSync,
  unlinkSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type AttachmentKey,
  type DirectoryWatches,
  type FileLock,
  type FileLocks,
  type PoolListing,
  type ReservationFiles,
  type ReservationStore,
  TrilaneError
} from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { DirectorySyncs } from './directory-syncs.ts'
import { makeDirectory } from './durable-directory.ts'
import { errnoOf, fileError } from './file-error.ts'
import { formatReservation, LOCK_NAME, pointerName, UNFINISHED_PREFIX } from './host-local-format.ts'
import { readSmallFile } from './read-small-file.ts'
import { removeQuietly } from './remove-quietly.ts'
import { ReservationIndex } from './reservation-index.ts'
import { UnsyncedChanges } from './unsynced-changes.ts'

export interface HostLocalReservationsOptions {
  /** `<dataDir>/<network>`; host-local's default data directory is `/var/lib/cni/networks`. Made when missing. */
  readonly directory: string
  readonly locks: FileLocks
  /** Without them every use of the lock looks at every file. */
  readonly watches?: DirectoryWatches
  /** How long to wait for other processes. host-local holds the lock for milliseconds. @default 10_000 */
  readonly lockTimeoutMs?: number
}

/**
 * Reservations on disk as host-local 1.x keeps them, under host-local's own lock: both may serve one directory at
 * once, and each can release what the other reserved.
 *
 * A file appears under its address complete, or not at all: it is written under another name and then linked
 * (`link(2)` fails when the name is there, as `O_EXCL` does). It is durable when `locked` returns; a power failure just
 * before may leave it empty, and ends the pod that was to have the address. host-local writes in place, so a crash of it may
 * leave an empty file: such files survive, are reported as `TRI_POOL_CORRUPT`, and keep their address out of use.
 *
 * The lock guards who gets which address, not the disk: nobody waits for the lock while somebody waits for the disk, and
 * those who wait for the disk do so together ({@link DirectorySyncs}). What another process sees before it is durable is
 * an address in use, which it is.
 */
export class HostLocalReservations implements ReservationStore {
  readonly #directory: string
  readonly #locks: FileLocks
  readonly #lockTimeoutMs: number
  readonly #index: ReservationIndex
  readonly #syncs: DirectorySyncs
  /** Settles when the last caller of this process has worked. */
  #last: Promise<unknown> = Promise.resolve()
  #isWorking = false
  #lock: FileLock | undefined
  #freeing: Promise<void> | undefined

  constructor(options: HostLocalReservationsOptions) {
    this.#directory = options.directory
    this.#locks = options.locks
    this.#lockTimeoutMs = options.lockTimeoutMs ?? 10_000
    this.#index = new ReservationIndex(options.directory, options.watches)
    this.#syncs = new DirectorySyncs(options.directory)
  }

  async locked<T>(work: (files: ReservationFiles) => Promise<T>): Promise<T> {
    const changes = new UnsyncedChanges()
    try {
      const result = await this.#inTurn(work, changes)
      await this.#sync(changes)
      return result
    } finally {
      changes.close()
    }
  }

  /**
   * Callers of this process take turns, so that only one of them asks for the lock: it is asked for again and again
   * while somebody has it, at which hundreds of callers would be slow and unfair to each other.
   */
  async #inTurn<T>(work: (files: ReservationFiles) => Promise<T>, changes: UnsyncedChanges): Promise<T> {
    const result = this.#last.then(() => this.#work(work, changes))
    this.#last = result.catch(() => {})
    try {
      return await result
    } finally {
      await this.#freeing
    }
  }

  async #work<T>(work: (files: ReservationFiles) => Promise<T>, changes: UnsyncedChanges): Promise<T> {
    this.#isWorking = true
    try {
      await this.#holdLock()
      return await work(new LockedFiles(this.#directory, this.#index, changes))
    } finally {
      this.#isWorking = false
      this.#freeAtEndOfTurn()
    }
  }

  async #holdLock(): Promise<void> {
    if (this.#lock !== undefined) return
    try {
      await makeDirectory(this.#directory)
    } catch (error) {
      throw fileError('make', this.#directory, error)
    }
    const lock = await this.#locks.acquire(join(this.#directory, LOCK_NAME), this.#lockTimeoutMs)
    try {
      this.#index.refresh()
    } catch (error) {
      lock.release()
      throw error
    }
    this.#lock = lock
  }

  /** Those of one turn of the event loop share the lock and one look at the directory; nobody else could change it then. */
  #freeAtEndOfTurn(): void {
    this.#freeing ??= nextTurn().then(() => {
      this.#freeing = undefined
      // It is freed behind the work that goes on.
      if (this.#isWorking) return
      this.#lock?.release()
      this.#lock = undefined
    })
  }

  async #sync(changes: UnsyncedChanges): Promise<void> {
    const { created, removed } = changes
    const [first] = [...created.map(({ address }) => address), ...removed]
    if (first === undefined) return
    try {
      await this.#syncs.sync(
        created.map(({ file }) => file),
        removed.length > 0
      )
    } catch (error) {
      // What cannot be taken back stays reserved for its key, whose release frees it: the first error matters more.
      await this.#inTurn((files) => takeBack(files, created), new UnsyncedChanges()).catch(() => {})
      throw fileError(created.length > 0 ? 'write' : 'remove', join(this.#directory, `${first}`), error)
    }
  }
}

/** Unless it is another's by now: the lock was free in between. */
async function takeBack(files: ReservationFiles, created: UnsyncedChanges['created']): Promise<void> {
  const { reservations } = await files.list()
  for (const { address, key } of created) {
    const isOurs = reservations.some(
      (found) =>
        found.address.equals(address) && found.containerId === key.containerId && found.ifname === key.ifname
    )
    if (isOurs) await files.remove(address)
  }
}

/** Neither waits for a reader of a pipe nor follows a link. */
const POINTER_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The directory while its lock is held: what the index says is true. */
class LockedFiles implements ReservationFiles {
  readonly #directory: string
  readonly #index: ReservationIndex
  readonly #changes: UnsyncedChanges

  constructor(directory: string, index: ReservationIndex, changes: UnsyncedChanges) {
    this.#directory = directory
    this.#index = index
    this.#changes = changes
  }

  async list(): Promise<PoolListing> {
    return this.#index.listing()
  }

  async isReserved(address: IpAddress): Promise<boolean> {
    return this.#index.has(address)
  }

  async create(address: IpAddress, key: AttachmentKey): Promise<void> {
    const text = formatReservation(key)
    if (this.#index.has(address)) throw this.#taken(address)
    const path = join(this.#directory, address.toString())
    const unfinished = join(this.#directory, `${UNFINISHED_PREFIX}${address}`)
    let file: number | undefined
    try {
      file = openSync(unfinished, 'w', 0o600)
      writeFileSync(file, text)
      linkSync(unfinished, path)
      removeQuietly(unfinished)
    } catch (error) {
      if (file !== undefined) closeSync(file)
      removeQuietly(unfinished)
      throw errnoOf(error) === 'EEXIST' ? this.#taken(address) : fileError('write', path, error)
    }
    this.#changes.created.push({ address, key, file })
    this.#index.add(address, key)
  }

  async remove(address: IpAddress): Promise<void> {
    const path = join(this.#directory, address.toString())
    try {
      unlinkSync(path)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw fileError('remove', path, error)
    }
    this.#changes.removed.push(address)
    this.#index.delete(address)
  }

  async lastReserved(rangeIndex: number): Promise<IpAddress | undefined> {
    try {
      return IpAddress.tryParse(readSmallFile(join(this.#directory, pointerName(rangeIndex)), 64).trim())
    } catch {
      return undefined
    }
  }

  /**
   * Neither durable nor atomic, as in host-local: after a crash the round may start elsewhere, which harms nobody.
   * Written over and then cut, because ext4 flushes a file to disk that was first emptied, or replaced by a rename.
   */
  async setLastReserved(rangeIndex: number, address: IpAddress): Promise<void> {
    const path = join(this.#directory, pointerName(rangeIndex))
    try {
      const file = openSync(path, POINTER_FLAGS, 0o600)
      try {
        ftruncateSync(file, writeSync(file, address.toString(), 0))
      } finally {
        closeSync(file)
      }
    } catch (error) {
      throw fileError('write', path, error)
    }
  }

  #taken(address: IpAddress): TrilaneError {
    return TrilaneError.of('TRI_ADDRESS_TAKEN', { address, owner: this.#index.ownerOf(address) })
  }
}
