import {
  type AttachmentKey,
  type AttachmentStore,
  type Logger,
  type PodLinks,
  TrilaneError
} from '@trilane/contracts'
import { textOf } from './keys.ts'

/** Attachments that are detached but for files that the disk has not let go. */
export class OwedDetaches {
  readonly #network: string
  readonly #store: AttachmentStore
  readonly #links: Pick<PodLinks, 'isPlugged'>
  readonly #logger: Logger
  readonly #owed = new Map<string, AttachmentKey>()

  constructor(parts: {
    readonly network: string
    readonly store: AttachmentStore
    readonly links: Pick<PodLinks, 'isPlugged'>
    readonly logger: Logger
  }) {
    this.#network = parts.network
    this.#store = parts.store
    this.#links = parts.links
    this.#logger = parts.logger
  }

  /**
   * After a detach that failed by `error`.
   *
   * @returns whether the rest can be done later without anybody's word: the record tells that the pod has ended, as it has
   *   no link any more. Of a pod of another plugin, of mere addresses and of half an attach nothing tells that.
   */
  async accept(key: AttachmentKey, error: unknown): Promise<boolean> {
    if (!TrilaneError.is(error, 'TRI_FILE')) return false
    const record = await this.#store.read(this.#network, key)
    if (record?.phase !== 'plugged' || record.ipam !== undefined) return false
    if (await this.#links.isPlugged(key)) return false
    this.#owed.set(textOf(key), key)
    this.#logger.error('pod detached, its files are not removed yet', { ...key, error })
    return true
  }

  has(key: AttachmentKey): boolean {
    return this.#owed.has(textOf(key))
  }

  keys(): readonly AttachmentKey[] {
    return [...this.#owed.values()]
  }

  /** The files are gone. */
  delete(key: AttachmentKey): void {
    this.#owed.delete(textOf(key))
  }
}
