import {
  type Clock,
  type LeaseList,
  type Logger,
  type StoredConfig,
  type StoreEvent,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'
import { backOffMs } from './back-off.ts'

export interface StoreFollowerOptions {
  readonly store: SubnetStore
  readonly clock: Clock
  readonly logger: Logger
  /** Decides the jitter: the machine id. */
  readonly seed: string
  /** How long a watch is trusted before everything is listed again, also when it reports nothing wrong. */
  readonly relistMs: number
  /** Complete: takes the place of everything known. What happens after it is told when that is done. */
  onList(list: LeaseList, config: StoredConfig | undefined): Promise<void>
  onEvent(event: Exclude<StoreEvent, { kind: 'gap' }>): void
  /** After each attempt that failed; a list ends it. */
  onOutage(problem: TrilaneError): Promise<void>
}

/** A watch that lasted so long was healthy: the next failure begins with the shortest wait. */
const HEALTHY_MS = 5_000

/** Lists, watches, and begins anew after a gap, an outage or `relistMs`, until it is closed. */
export class StoreFollower {
  readonly #options: StoreFollowerOptions
  /** Ends the present wait. */
  #wake = new AbortController()
  #closed = false

  constructor(options: StoreFollowerOptions) {
    this.#options = options
  }

  /** Returns only when closed. */
  async run(): Promise<void> {
    const { clock, store, logger, seed } = this.#options
    let attempt = 0
    let outage = false
    while (!this.#closed) {
      const startedMs = clock.monotonicMs()
      try {
        const [list, config] = await Promise.all([store.list(), store.readConfig()])
        if (this.#closed) return
        if (outage) logger.info('the store answers again', { store: store.description })
        outage = false
        await this.#options.onList(list, config)
        if (this.#closed) return
        await this.#watch(list.revision)
      } catch (error) {
        const problem = TrilaneError.from(error)
        if (!outage) logger.warn('the store does not answer', { error: problem })
        outage = true
        if (!this.#closed) await this.#options.onOutage(problem)
      }
      if (this.#closed) return
      attempt = !outage && clock.monotonicMs() - startedMs >= HEALTHY_MS ? 0 : attempt + 1
      if (attempt > 0) await this.#sleep(backOffMs(attempt - 1, seed))
    }
  }

  /** Ends {@link run}; an event may still be delivered until it has ended. */
  close(): void {
    this.#closed = true
    this.#wake.abort()
  }

  /** Until a gap, `relistMs` or {@link close}. */
  async #watch(revision: number): Promise<void> {
    const { store, logger, relistMs } = this.#options
    const wake = new AbortController()
    this.#wake = wake
    const watch = store.watch(revision, (event) => {
      if (event.kind !== 'gap') {
        this.#options.onEvent(event)
        return
      }
      logger.info('events of the store were missed', { reason: event.reason })
      wake.abort()
    })
    try {
      await this.#options.clock.sleep(relistMs, wake.signal)
    } finally {
      wake.abort()
      watch.close()
    }
  }

  async #sleep(ms: number): Promise<void> {
    this.#wake = new AbortController()
    await this.#options.clock.sleep(ms, this.#wake.signal)
  }
}
