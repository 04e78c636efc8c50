import { appendFileSync } from 'node:fs'
import { setImmediate as breathe } from 'node:timers/promises'
import type {
  Clock,
  LeaseList,
  RememberedEvent,
  RememberedStore,
  StoreCache,
  StoredConfig
} from '@trilane/contracts'
import { fileError } from './file-error.ts'
import { readSmallFile } from './read-small-file.ts'
import { eventLine, headLine, readRemembered } from './store-cache-lines.ts'
import { writeFileAtomic } from './write-file-atomic.ts'

export interface FileStoreCacheOptions {
  readonly path: string
  /** {@link SubnetStore.description}: a cache of another store is not read. */
  readonly store: string
  readonly clock: Pick<Clock, 'wallMs'>
}

/** 100,000 leases with room for what is noted between two lists. */
const MAX_BYTES = 128 * 1024 * 1024

/** Some milliseconds' work. */
const LINES_AT_ONCE = 500

/**
 * One file: a line for the list as a whole, one for each lease, then one for each event since.
 *
 * A list replaces the file at once, durably. An event is appended; a line that a crash or a full disk tore counts as
 * none, so that the cache is never ahead of the store, only behind it.
 */
export class FileStoreCache implements StoreCache {
  readonly #options: FileStoreCacheOptions
  #tail: Promise<unknown> = Promise.resolve()
  /** Of the list in the file, once it was written in this life. */
  #listRevision: number | undefined
  #configRevision: number | undefined
  #noted = 0

  constructor(options: FileStoreCacheOptions) {
    this.#options = options
  }

  async read(): Promise<RememberedStore | undefined> {
    await this.#tail
    try {
      return readRemembered(readSmallFile(this.#options.path, MAX_BYTES), this.#options.store)
    } catch {
      return undefined
    }
  }

  replace(list: LeaseList, config: StoredConfig | undefined): Promise<void> {
    return this.#inTurn(async () => {
      const isSame =
        this.#noted === 0 && list.revision === this.#listRevision && config?.revision === this.#configRevision
      if (isSame) return
      await this.#write(list, config)
      this.#listRevision = list.revision
      this.#configRevision = config?.revision
      this.#noted = 0
    })
  }

  note(event: RememberedEvent): Promise<void> {
    return this.#inTurn(() => {
      if (this.#listRevision === undefined) return
      const { path } = this.#options
      this.#noted++
      try {
        // It begins with a line break, because a line before it may be torn.
        appendFileSync(path, `\n${eventLine(event)}`, { flag: 'a', mode: 0o600 })
      } catch (error) {
        throw fileError('write', path, error)
      }
    })
  }

  async #write(list: LeaseList, config: StoredConfig | undefined): Promise<void> {
    const { path, store, clock } = this.#options
    const { leases, revision } = list
    const lines = [headLine({ store, listedAtMs: clock.wallMs(), revision, leases: leases.length })]
    if (config !== undefined) lines.push(eventLine({ kind: 'config', config }))
    for (const [index, stored] of leases.entries()) {
      lines.push(eventLine({ kind: 'put', stored }))
      if (index % LINES_AT_ONCE === LINES_AT_ONCE - 1) await breathe()
    }
    await writeFileAtomic(path, lines.join('\n'))
  }

  #inTurn(act: () => Promise<void> | void): Promise<void> {
    const result = this.#tail.then(act)
    this.#tail = result.catch(() => undefined)
    return result
  }
}
