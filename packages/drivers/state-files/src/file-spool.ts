import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, fileError } from './file-error.ts'
import { writeFileAtomic } from './write-file-atomic.ts'

export interface FileSpoolOptions {
  /** The daemon's state directory, `/var/lib/trilane`. Requests are in `spool/` below it. */
  readonly stateDirectory: string
}

const SUFFIX = '.cni'

/**
 * Requests that came while no daemon answered, one file each: `spool/<ns since 1970, 16 hex digits>-<who>.cni`, so that
 * their names in order are the order in which they came. The CNI launcher writes the same by itself.
 */
export class FileSpool {
  readonly #directory: string

  constructor(options: FileSpoolOptions) {
    this.#directory = join(options.stateDirectory, 'spool')
  }

  /** Durable when it returns, whole or not at all. @param atMs since 1970 @throws TrilaneError `TRI_FILE` */
  async put(request: Uint8Array, atMs: number): Promise<void> {
    const at = (BigInt(Math.trunc(atMs)) * 1_000_000n).toString(16).padStart(16, '0')
    await writeFileAtomic(join(this.#directory, `${at}-${randomBytes(6).toString('hex')}${SUFFIX}`), request)
  }

  /** Names of the requests, the oldest first. Costs one look at a directory that is nearly always empty. */
  names(): readonly string[] {
    // Every request asks, and nearly always there is none: an error that is made and caught would cost ten times as much.
    if (!existsSync(this.#directory)) return []
    try {
      return readdirSync(this.#directory)
        .filter((name) => name.endsWith(SUFFIX) && !name.startsWith('.'))
        .sort()
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return []
      throw fileError('list', this.#directory, error)
    }
  }

  /** @throws TrilaneError `TRI_FILE` */
  read(name: string): Uint8Array {
    const path = join(this.#directory, name)
    try {
      return readFileSync(path)
    } catch (error) {
      throw fileError('read', path, error)
    }
  }

  /** Succeeds when it is gone already. @throws TrilaneError `TRI_FILE` */
  remove(name: string): void {
    const path = join(this.#directory, name)
    try {
      unlinkSync(path)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw fileError('remove', path, error)
    }
  }
}
