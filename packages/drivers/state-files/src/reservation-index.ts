import { existsSync, lstatSync, readdirSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AttachmentKey,
  type DirectoryWatch,
  type DirectoryWatches,
  type PoolListing,
  type Reservation,
  TrilaneError
} from '@trilane/contracts'
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
 * host-local reads every file for every request. Here {@link refresh} looks at those that a watch of the directory names,
 * whoever changed them. Without a watch it lists the directory and reads those files only
 * whose inode, change time or size is not the one remembered, or which were too young then to tell: one `readdir` and
 * an `lstat` a file, 0.4 ms for a full /24 and no read in the common case. The time stamp of the directory itself
 * would be one call instead, but it does not show that a file was overwritten, and is too coarse on kernels before
 * 6.13 to show two changes in one tick.
 */
export class ReservationIndex {
  readonly #directory: string
  readonly #watches: DirectoryWatches | undefined
  #watch: { readonly changes: DirectoryWatch; readonly directory: string } | undefined
  readonly #entries = new Map<string, Entry>()
  /** Canonical texts of the addresses of all entries, readable or not, with the number of files that stand for each. */
  readonly #reserved = new Map<string, number>()

  constructor(directory: string, watches?: DirectoryWatches) {
    this.#directory = directory
    this.#watches = watches
  }

  /** To be called under the lock. @throws TrilaneError `TRI_FILE` */
  refresh(): void {
    try {
      const changed = this.#changed()
      const names = changed === 'unknown' ? new Set(this.#names()) : changed
      if (changed === 'unknown') {
        for (const name of [...this.#entries.keys()]) if (!names.has(name)) this.#set(name, undefined)
      }
      for (const name of names) this.#update(name)
    } catch (error) {
      // What has not been looked at is not told a second time.
      this.#unwatch()
      throw error
    }
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
    this.#set(address.toString(), { stamp: '', settled: false, address, meaning: { address, ...key } })
  }

  delete(address: IpAddress): void {
    this.#set(address.toString(), undefined)
  }

  /** What may have changed since the last call; from the first moment of a watch on it is known. */
  #changed(): ReadonlySet<string> | 'unknown' {
    if (this.#watches === undefined) return 'unknown'
    // A directory that is no more says so itself; one that another is mounted over does not.
    const directory = identityOf(this.#directory)
    const names = this.#watch?.directory === directory ? this.#watch.changes.changes() : 'unknown'
    if (names !== 'unknown') return names
    this.#unwatch()
    const changes = this.#watches.open(this.#directory)
    if (changes !== undefined) this.#watch = { changes, directory }
    return 'unknown'
  }

  #unwatch(): void {
    this.#watch?.changes.close()
    this.#watch = undefined
  }

  #update(name: string): void {
    if (name === '' || isBookkeeping(name)) return
    const path = join(this.#directory, name)
    if (name.startsWith(UNFINISHED_PREFIX) && (!existsSync(path) || removeUnfinished(path))) return
    this.#set(name, this.#look(name, path))
  }

  #set(name: string, entry: Entry | undefined): void {
    this.#count(this.#entries.get(name)?.address, -1)
    this.#count(entry?.address, 1)
    if (entry === undefined) this.#entries.delete(name)
    else this.#entries.set(name, entry)
  }

  #count(address: IpAddress | undefined, change: 1 | -1): void {
    if (address === undefined) return
    const text = address.toString()
    const files = (this.#reserved.get(text) ?? 0) + change
    if (files > 0) this.#reserved.set(text, files)
    else this.#reserved.delete(text)
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

function identityOf(directory: string): string {
  try {
    const { dev, ino } = statSync(directory)
    return `${dev} ${ino}`
  } catch (error) {
    throw fileError('look at', directory, error)
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
