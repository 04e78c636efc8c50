import { type Clock, type Logger, TrilaneError } from '@trilane/contracts'
import { backOffMs } from './back-off.ts'
import { type Client, openClient, type WatchStream } from './client.ts'
import { type Failure, failureOf, isAnswer, storeUnavailable } from './failures.ts'
import { Slots } from './slots.ts'
import { readTlsFiles, type TlsFiles } from './tls-files.ts'

export interface ConnectionOptions {
  /** At least one; all `http://` or all `https://`. */
  readonly endpoints: readonly string[]
  readonly tls: TlsFiles
  readonly credentials: { readonly username: string; readonly password: string } | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly attemptTimeoutMs: number
  /** After so long no further attempt begins. */
  readonly callTimeoutMs: number
}

const CALLS_AT_ONCE = 64
const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 1_000

/**
 * Calls to a cluster of etcd: to one endpoint as long as it answers, then to the next. The order begins at random, so
 * that a cluster's nodes spread over its etcd.
 */
export class Connection {
  readonly description: string
  readonly #options: ConnectionOptions
  readonly #slots = new Slots(CALLS_AT_ONCE)
  readonly #clients = new Map<string, Promise<Client>>()
  readonly #closing = new AbortController()
  #turn: number
  /** Credentials may be configured before the operator turns authentication on. */
  #loginIsRefused = false

  constructor(options: ConnectionOptions) {
    this.description = `etcd ${options.endpoints.join(',')}`
    this.#options = options
    this.#turn = Math.floor(Math.random() * options.endpoints.length)
  }

  /** Aborted by {@link close}: for whoever sleeps. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /**
   * Sends until somebody answers, twice at least. What fails may have been done all the same: `attempt`, from 0, tells
   * whether this is the first time.
   *
   * @throws TrilaneError `TRI_STORE_UNAVAILABLE`; what {@link isAnswer} as it is
   */
  async call<T>(send: (client: Client, attempt: number) => Promise<T>): Promise<T> {
    const { clock, callTimeoutMs } = this.#options
    return this.#slots.run(async () => {
      const startedMs = clock.monotonicMs()
      let reason: unknown
      for (let attempt = 0; ; attempt++) {
        const endpoint = this.#endpoint()
        try {
          return await send(await this.#client(endpoint), attempt)
        } catch (error) {
          if (isAnswer(error)) throw error
          const { passing, isVague } = this.#note(endpoint, error)
          if (reason === undefined || isVague !== true) reason = error
          // One attempt may only find that a former connection has broken.
          const isOver = attempt > 0 && clock.monotonicMs() - startedMs > callTimeoutMs
          if (!passing || isOver) throw this.#unavailable(endpoint, reason)
        }
        await clock.sleep(backOffMs(attempt, FIRST_WAIT_MS, LONGEST_WAIT_MS), this.closing)
      }
    })
  }

  /** A stream whose end the caller reports as {@link WatchConnection.failed}. */
  async watch(): Promise<WatchConnection> {
    const endpoint = this.#endpoint()
    const failed = (error: unknown): TrilaneError => {
      this.#note(endpoint, error)
      return this.#unavailable(endpoint, error)
    }
    try {
      return { stream: await (await this.#client(endpoint)).openWatch(), failed }
    } catch (error) {
      throw failed(error)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const endpoint of [...this.#clients.keys()]) await this.#drop(endpoint)
  }

  #endpoint(): string {
    const { endpoints } = this.#options
    const endpoint = endpoints[this.#turn % endpoints.length]
    if (endpoint === undefined || this.closing.aborted) {
      throw TrilaneError.of('TRI_STORE_UNAVAILABLE', { store: this.description, problem: 'it was closed' })
    }
    return endpoint
  }

  /** Decides where the next attempt goes. */
  #note(endpoint: string, error: unknown): Failure {
    const { endpoints, tls, credentials, logger } = this.#options
    const failure = failureOf(error)
    if (credentials !== undefined && failure.login !== undefined) {
      const isRefused = failure.login === 'refused'
      if (isRefused !== this.#loginIsRefused) {
        this.#loginIsRefused = isRefused
        logger.info(isRefused ? 'etcd has authentication turned off' : 'etcd has authentication turned on', {
          endpoint
        })
        for (const known of [...this.#clients.keys()]) void this.#drop(known)
        return { ...failure, passing: true }
      }
    }
    if (endpoints[this.#turn % endpoints.length] === endpoint) this.#turn++
    // The files may have been renewed: the next client reads them again.
    if (!failure.passing && Object.keys(tls).length > 0) void this.#drop(endpoint)
    return failure
  }

  #client(endpoint: string): Promise<Client> {
    const known = this.#clients.get(endpoint)
    if (known !== undefined) return known
    const opening = this.#open(endpoint)
    this.#clients.set(endpoint, opening)
    opening.catch(() => this.#clients.delete(endpoint))
    return opening
  }

  async #open(endpoint: string): Promise<Client> {
    const { tls, credentials, attemptTimeoutMs } = this.#options
    const client = await openClient({
      endpoint,
      attemptTimeoutMs,
      ...(Object.keys(tls).length === 0 ? {} : { tls: await readTlsFiles(tls) }),
      ...(credentials === undefined || this.#loginIsRefused ? {} : { credentials })
    })
    if (this.closing.aborted) client.close()
    return client
  }

  async #drop(endpoint: string): Promise<void> {
    const client = this.#clients.get(endpoint)
    this.#clients.delete(endpoint)
    await client?.then(
      (opened) => opened.close(),
      () => {}
    )
  }

  #unavailable(endpoint: string, error: unknown): TrilaneError {
    const { endpoints } = this.#options
    return storeUnavailable(
      endpoints.length === 1 ? this.description : `${this.description} at ${endpoint}`,
      error
    )
  }
}

export interface WatchConnection {
  readonly stream: WatchStream
  /** @returns the error to report */
  readonly failed: (error: unknown) => TrilaneError
}
