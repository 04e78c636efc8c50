import type { Clock, Logger, StoredConfig, StoreEvent, StoreWatch, TrilaneError } from '@trilane/contracts'
import { changesSince, NOTHING_TOLD, type Told, toldAt } from './changes.ts'
import { DirectoryNotices } from './directory-notices.ts'
import type { Layout } from './layout.ts'
import { endMs, isExpired } from './lease-file.ts'
import type { Snapshot } from './snapshot.ts'
import { Trouble } from './trouble.ts'

export interface WatchOptions {
  readonly layout: Layout
  readonly clock: Clock
  readonly logger: Logger
  readonly pollMs: number
  readonly revision: number
  readonly listener: (event: StoreEvent) => void
  readonly snapshot: () => Promise<Snapshot>
  readonly config: () => Promise<StoredConfig | undefined>
  /** Removes expired leases from the directory. */
  readonly reap: (keys: readonly string[]) => Promise<void>
  /** As the store says it. */
  readonly unavailable: (error: unknown) => TrilaneError
  readonly onClosed: () => void
}

/**
 * Looks at the directory whenever something in it changes, at the next expiry and, for the case that nobody tells
 * it of changes, now and then; tells its listener what is new. Each look compares the whole state, so that a missed
 * notice costs time only.
 */
export class Watch implements StoreWatch {
  readonly #options: WatchOptions
  readonly #notices: DirectoryNotices
  readonly #trouble: Trouble
  readonly #configTrouble: Trouble
  #wake = new AbortController()
  #told: Told | undefined
  #closed = false
  #ended: Promise<void> = Promise.resolve()

  constructor(options: WatchOptions) {
    this.#options = options
    this.#notices = new DirectoryNotices(options.layout, () => this.#wake.abort())
    const logger = options.logger.child({ directory: options.layout.directory })
    this.#trouble = new Trouble(logger, 'store')
    this.#configTrouble = new Trouble(logger, 'network config in the store')
  }

  start(): void {
    this.#ended = this.#run()
  }

  close(): void {
    this.#closed = true
    this.#wake.abort()
    this.#notices.stop()
    this.#options.onClosed()
  }

  /** When the last look, if one was under way at `close`, is over. */
  get ended(): Promise<void> {
    return this.#ended
  }

  async #run(): Promise<void> {
    const { clock, pollMs } = this.#options
    while (!this.#closed) {
      this.#wake = new AbortController()
      let delayMs = pollMs
      try {
        // Before the look: what changes during it is noticed.
        this.#notices.start()
        delayMs = Math.min(pollMs, await this.#look())
        // The look may have made the directory.
        if (this.#notices.start()) delayMs = 0
        if (this.#trouble.end()) this.#deliver([{ kind: 'back' }])
      } catch (error) {
        if (!this.#closed && this.#trouble.begin(error)) {
          this.#deliver([{ kind: 'away', error: this.#options.unavailable(error) }])
        }
      }
      if (this.#closed || this.#wake.signal.aborted || delayMs === 0) continue
      await clock.sleep(delayMs, this.#wake.signal)
    }
    this.#notices.stop()
  }

  /** @returns ms until the next lease expires */
  async #look(): Promise<number> {
    const { clock, revision } = this.#options
    const snapshot = await this.#reaped(await this.#options.snapshot())
    const config = await this.#config()
    let before = this.#told ?? toldAt(revision, snapshot, config?.revision ?? 0)
    if (before === undefined) {
      this.#deliver([{ kind: 'gap', reason: `removals since revision ${revision} are forgotten` }])
      before = NOTHING_TOLD
    }
    const wallMs = clock.wallMs()
    const { events, told } = changesSince(before, snapshot, config, wallMs)
    this.#told = told
    this.#deliver(events)

    const remainingMs = [...snapshot.leases.values()]
      .map((stored) => endMs(stored) - wallMs)
      .filter((ms) => ms > 0)
    return Math.min(...remainingMs, Number.POSITIVE_INFINITY)
  }

  /** A config that cannot be read is no reason to miss leases. */
  async #config(): Promise<StoredConfig | undefined> {
    try {
      const config = await this.#options.config()
      this.#configTrouble.end()
      return config
    } catch (error) {
      if (!this.#closed) this.#configTrouble.begin(error)
      return undefined
    }
  }

  async #reaped(snapshot: Snapshot): Promise<Snapshot> {
    const wallMs = this.#options.clock.wallMs()
    const expired = [...snapshot.leases.values()].filter((stored) => isExpired(stored, wallMs))
    if (expired.length === 0) return snapshot
    try {
      await this.#options.reap(expired.map(({ key }) => key))
      return await this.#options.snapshot()
    } catch (error) {
      // On a disk that is full or read-only they stay; nobody takes them for leases anyway.
      this.#options.logger.debug('expired leases stay in the store', { error })
      return snapshot
    }
  }

  #deliver(events: readonly StoreEvent[]): void {
    for (const event of events) {
      if (this.#closed) return
      try {
        this.#options.listener(event)
      } catch (error) {
        this.#options.logger.error('a listener of the store failed', { event: event.kind, error })
      }
    }
  }
}
