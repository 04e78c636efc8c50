import { lstatSync, readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type AttachmentKey, type PoolListing, type Reservation, TrilaneError } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { errnoOf, fileError } from './file-error.ts'
import { isBookkeeping, parseReservation, UNFINISHED_PREFIX } from './host-local-format.ts'
import { readSmallFile } from './read-small-file.ts'

/** A container id and an interface name are far shorter. */
const MAX_BYTES = 4096

/**
 * A file's time stamps move in steps of the kernel's tick, up to 10 ms (HZ=100): what changed within two ticks
 * before it was read may have changed again after without showing.
 */
const SETTLED_AFTER_MS = 20

/** What one file of the directory means, and by what it is recognized as unchanged. */
interface Entry {
  readonly stamp: string
  readonly settled: boolean
  readonly address: IpAddress | undefined
  readonly meaning: Reservation | TrilaneError
}

/**
 * What a reservation directory holds, kept in memory between uses of the lock.
 *
 * host-local reads every file for every request. Here {@link refresh} lists the directory and reads those files only
 * whose inode, change time or size is not the one remembered, or which were too young then to tell: one `readdir` and
 * an `lstat` a file, 0.4 ms for a full /24 and no read in the common case. The time stamp of the directory itself
 * would be one call instead, but it does not show that a file was overwritten, and is too coarse on kernels before
 * 6.13 to show two changes in one tick.
 */
export class ReservationIndex {
  readonly #directory: string
  #entries = new Map<string, Entry>()
  /** Canonical texts of the addresses of all entries, readable or not. */
  #reserved = new Set<string>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /** To be called under the lock. @throws TrilaneError `TRI_FILE` */
  refresh(): void {
    const entries = new Map<string, Entry>()
    const reserved = new Set<string>()
    for (const name of this.#names()) {
      if (isBookkeeping(name)) continue
      const path = join(this.#directory, name)
      if (name.startsWith(UNFINISHED_PREFIX) && removeUnfinished(path)) continue
      const entry = this.#look(name, path)
      if (entry === undefined) continue
      entries.set(name, entry)
      if (entry.address !== undefined) reserved.add(entry.address.toString())
    }
    this.#entries = entries
    this.#reserved = reserved
  }

  listing(): PoolListing {
    const reservations: Reservation[] = []
    const problems: TrilaneError[] = []
    for (const { meaning } of this.#entries.values()) {
      if (meaning instanceof TrilaneError) problems.push(meaning)
      else reservations.push(meaning)
    }
    reservations.sort((a, b) => a.address.compare(b.address))
    return { reservations, problems }
  }

  has(address: IpAddress): boolean {
    return this.#reserved.has(address.toString())
  }

  /** For messages: who has it, as far as that can be read. */
  ownerOf(address: IpAddress): string {
    const meaning = this.#entries.get(address.toString())?.meaning
    if (meaning === undefined || meaning instanceof TrilaneError) return join(this.#directory, `${address}`)
    return meaning.ifname === undefined ? meaning.containerId : `${meaning.containerId}/${meaning.ifname}`
  }

  /** What this process wrote just now; the next {@link refresh} reads it again. */
  add(address: IpAddress, key: AttachmentKey): void {
    this.#entries.set(address.toString(), {
      stamp: '',
      settled: false,
      address,
      meaning: { address, ...key }
    })
    this.#reserved.add(address.toString())
  }

  delete(address: IpAddress): void {
    this.#entries.delete(address.toString())
    this.#reserved.delete(address.toString())
  }

  #names(): string[] {
    try {
      return readdirSync(this.#directory)
    } catch (error) {
      throw fileError('list', this.#directory, error)
    }
  }

  /** `undefined` when it vanished: somebody ignores the lock. */
  #look(name: string, path: string): Entry | undefined {
    try {
      const stat = lstatSync(path, { bigint: true })
      const stamp = `${stat.ino} ${stat.ctimeNs} ${stat.size}`
      const known = this.#entries.get(name)
      if (known?.settled && known.stamp === stamp) return known
      const settled = Date.now() - Number(stat.ctimeNs / 1_000_000n) > SETTLED_AFTER_MS
      const address = IpAddress.tryParse(name)
      return { stamp, settled, address, meaning: readMeaning(name, path, address) }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw fileError('read', path, error)
    }
  }
}

/** @returns false for what is no file of ours in spite of its name */
function removeUnfinished(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    return errnoOf(error) === 'ENOENT'
  }
}

function readMeaning(name: string, path: string, address: IpAddress | undefined): Reservation | TrilaneError {
  try {
    if (address === undefined) throw new Error('its name is not an address')
    if (address.toString() !== name) throw new Error(`its name is not written as ${address}`)
    return parseReservation(address, readSmallFile(path, MAX_BYTES))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw error
    const problem = error instanceof Error ? error.message : String(error)
    return TrilaneError.of('TRI_POOL_CORRUPT', { file: path, problem }, { cause: error })
  }
}
