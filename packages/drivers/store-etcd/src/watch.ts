import type { Clock, Logger, StoreEvent, StoreWatch } from '@trilane/contracts'
import type { IEvent } from 'etcd3'
import { backOffMs } from './back-off.ts'
import type { Connection } from './connection.ts'
import type { EtcdLeases } from './etcd-leases.ts'
import { storeUnavailable } from './failures.ts'
import type { Keys } from './keys.ts'
import { configEvent, leaseEvent } from './lease-record.ts'
import { type Followed, followStream } from './watch-stream.ts'
import { askFor, type Witness, witnessOf } from './witness.ts'

export interface WatchOptions {
  readonly connection: Connection
  readonly keys: Keys
  readonly leases: EtcdLeases
  readonly clock: Clock
  readonly logger: Logger
  readonly silenceMs: number
  readonly revision: number
  /** What the list at {@link revision} had, if it had any. */
  readonly newest: Witness | undefined
  readonly listener: (event: StoreEvent) => void
  readonly onClosed: () => void
}

/** An etcd that is back is followed again within 5 s. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 3_000

/** A stream that lasted so long was healthy: the next failure begins with the shortest wait. */
const HEALTHY_MS = 5_000

/** Follows config and leases on a stream of its own; when that ends, on the next one from where it was. */
export class Watch implements StoreWatch {
  readonly #options: WatchOptions
  readonly #ranges: readonly Followed[]
  readonly #closing = new AbortController()
  #witness: Witness | undefined
  /** The last stream was given up for its silence. */
  #wasSilent = false
  /** Text of the trouble that was logged and lasts. */
  #trouble: string | undefined
  #ended: Promise<void> = Promise.resolve()

  constructor(options: WatchOptions) {
    const { keys, leases, revision } = options
    this.#options = options
    this.#witness = options.newest
    const next = revision + 1
    this.#ranges = [
      { id: 1, key: keys.config, next, onEvent: (event) => this.#deliver(configEvent(event)) },
      {
        id: 2,
        key: keys.subnets,
        end: keys.subnetsEnd,
        next,
        onEvent: (event) => {
          this.#remember(event)
          this.#deliver(leaseEvent(event, keys, leases))
        }
      }
    ]
  }

  start(): void {
    this.#ended = this.#run()
  }

  close(): void {
    this.#closing.abort()
    this.#options.onClosed()
  }

  /** When the stream, if there was one at `close`, is given up. */
  get ended(): Promise<void> {
    return this.#ended
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#closing
    for (let attempt = 0, first = true; !signal.aborted; first = false) {
      const startedMs = clock.monotonicMs()
      const before = this.#cursors()
      try {
        await this.#checkHistory(first)
        const gap = await this.#follow()
        if (gap !== undefined) this.#deliver({ kind: 'gap', reason: gap })
      } catch (error) {
        if (!signal.aborted) this.#begin(error)
      }
      if (signal.aborted) return
      const wentWell = clock.monotonicMs() - startedMs >= HEALTHY_MS && this.#trouble === undefined
      attempt = wentWell || this.#cursors() !== before ? 0 : attempt + 1
      await clock.sleep(backOffMs(attempt, FIRST_WAIT_MS, LONGEST_WAIT_MS), signal)
    }
  }

  /**
   * etcd lets a watch wait for a revision of the future: on a store that was wiped it would wait in silence. And where
   * calls are answered but watches are not, whoever follows would know nothing new for as long as that lasts.
   */
  async #checkHistory(first: boolean): Promise<void> {
    const { connection, keys } = this.#options
    const { isSame, revision } = await askFor(connection, keys.config, this.#witness)
    const next = Math.max(...this.#ranges.map((range) => range.next))
    const isUntold = this.#wasSilent && revision >= next
    this.#wasSilent = false
    if (isSame && !isUntold) return
    // Whoever has just listed an empty store has no witness, and has missed nothing.
    if (first && this.#witness === undefined && revision >= next - 1) return
    for (const range of this.#ranges) range.next = revision + 1
    this.#witness = undefined
    const reason = isSame
      ? `the watch does not tell what came before revision ${revision}`
      : `the store may have been made anew before revision ${revision}`
    this.#deliver({ kind: 'gap', reason })
  }

  async #follow(): Promise<string | undefined> {
    const { connection, clock, silenceMs } = this.#options
    const { stream, failed } = await connection.watch()
    try {
      return await followStream({
        stream,
        ranges: this.#ranges,
        clock,
        silenceMs,
        signal: this.#closing.signal,
        onCreated: () => this.#end(),
        onSilent: () => {
          this.#wasSilent = true
        }
      })
    } catch (error) {
      throw failed(error)
    }
  }

  #cursors(): string {
    return this.#ranges.map(({ next }) => next).join(' ')
  }

  #remember({ type, kv }: IEvent): void {
    if (type === 'Put') this.#witness = witnessOf(kv)
  }

  #deliver(event: StoreEvent | undefined): void {
    if (event === undefined || this.#closing.signal.aborted) return
    try {
      this.#options.listener(event)
    } catch (error) {
      this.#options.logger.error('a listener of the store failed', { event: event.kind, error })
    }
  }

  /** Logged when it begins, changes and ends, however often it is met. */
  #begin(error: unknown): void {
    const problem = storeUnavailable(this.#options.connection.description, error)
    const text = `${problem.values.problem}`
    if (text === this.#trouble) return
    this.#trouble = text
    this.#options.logger.warn('store cannot be followed', { error: problem })
    this.#deliver({ kind: 'away', error: problem })
  }

  #end(): void {
    if (this.#trouble === undefined) return
    this.#trouble = undefined
    this.#options.logger.info('store is followed again')
    this.#deliver({ kind: 'back' })
  }
}
