import {
  closeSync,
  constants,
  ftruncateSync,
  linkSync,
  openSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import { join } from 'node:path'
import {
  type AttachmentKey,
  type FileLocks,
  type PoolListing,
  type ReservationFiles,
  type ReservationStore,
  TrilaneError
} from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { makeDirectory, syncDirectory, syncTogether } from './durable-directory.ts'
import { errnoOf, fileError } from './file-error.ts'
import { formatReservation, LOCK_NAME, pointerName, UNFINISHED_PREFIX } from './host-local-format.ts'
import { readSmallFile } from './read-small-file.ts'
import { removeQuietly } from './remove-quietly.ts'
import { ReservationIndex } from './reservation-index.ts'

export interface HostLocalReservationsOptions {
  /** `<dataDir>/<network>`; host-local's default data directory is `/var/lib/cni/networks`. Made when missing. */
  readonly directory: string
  readonly locks: FileLocks
  /** How long to wait for other processes. host-local holds the lock for milliseconds. @default 10_000 */
  readonly lockTimeoutMs?: number
}

/**
 * Reservations on disk as host-local 1.x keeps them, under host-local's own lock: both may serve one directory at
 * once, and each can release what the other reserved.
 *
 * A file appears under its address complete, or not at all: it is written under another name and then linked
 * (`link(2)` fails when the name is there, as `O_EXCL` does). It is durable when `create` returns; a power failure just
 * before may leave it empty, and ends the pod that was to have the address. host-local writes in place, so a crash of it may
 * leave an empty file: such files survive, are reported as `TRI_POOL_CORRUPT`, and keep their address out of use.
 */
export class HostLocalReservations implements ReservationStore {
  readonly #directory: string
  readonly #locks: FileLocks
  readonly #lockTimeoutMs: number
  readonly #index: ReservationIndex
  /** Settles when the last caller of this process is done. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: HostLocalReservationsOptions) {
    this.#directory = options.directory
    this.#locks = options.locks
    this.#lockTimeoutMs = options.lockTimeoutMs ?? 10_000
    this.#index = new ReservationIndex(options.directory)
  }

  /**
   * Callers of this process take turns, so that only one of them asks for the lock: it is asked for again and again
   * while somebody has it, at which hundreds of callers would be slow and unfair to each other.
   */
  locked<T>(work: (files: ReservationFiles) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#lockedNow(work))
    this.#last = result.catch(() => {})
    return result
  }

  async #lockedNow<T>(work: (files: ReservationFiles) => Promise<T>): Promise<T> {
    try {
      await makeDirectory(this.#directory)
    } catch (error) {
      throw fileError('make', this.#directory, error)
    }
    const lock = await this.#locks.acquire(join(this.#directory, LOCK_NAME), this.#lockTimeoutMs)
    try {
      this.#index.refresh()
      return await work(new LockedFiles(this.#directory, this.#index))
    } finally {
      lock.release()
    }
  }
}

/** Neither waits for a reader of a pipe nor follows a link. */
const POINTER_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The directory while its lock is held: what the index says is true. */
class LockedFiles implements ReservationFiles {
  readonly #directory: string
  readonly #index: ReservationIndex

  constructor(directory: string, index: ReservationIndex) {
    this.#directory = directory
    this.#index = index
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
    let linked = false
    try {
      const file = openSync(unfinished, 'w', 0o600)
      try {
        writeFileSync(file, text)
        linkSync(unfinished, path)
        linked = true
        unlinkSync(unfinished)
        await syncTogether(file, this.#directory)
      } finally {
        closeSync(file)
      }
    } catch (error) {
      removeQuietly(unfinished)
      if (linked) removeQuietly(path)
      throw errnoOf(error) === 'EEXIST' ? this.#taken(address) : fileError('write', path, error)
    }
    this.#index.add(address, key)
  }

  async remove(address: IpAddress): Promise<void> {
    const path = join(this.#directory, address.toString())
    try {
      rmSync(path, { force: true })
      await syncDirectory(this.#directory)
    } catch (error) {
      throw fileError('remove', path, error)
    }
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
