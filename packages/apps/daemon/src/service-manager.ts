import type { Clock, Logger } from '@trilane/contracts'
import { TrilaneError } from '@trilane/contracts'

/** What systemd tells a service about itself: sd_notify(3), sd_watchdog_enabled(3). */
export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined
  /** µs */
  readonly WATCHDOG_USEC?: string | undefined
  /** Of the process that is watched; ours unless it is given. */
  readonly WATCHDOG_PID?: string | undefined
}

/**
 * systemd's view of the daemon. Without a socket to tell it says nothing; a manager that does not listen is logged once
 * and harms nobody.
 */
export class ServiceManager {
  readonly #socket: string | undefined
  readonly #watchdogMs: number | undefined
  readonly #send: (socket: string, text: string) => void
  readonly #clock: Clock
  readonly #logger: Logger
  #status = ''
  #failed = false

  constructor(parts: {
    readonly environment: ServiceEnvironment
    readonly pid: number
    /** Sends one datagram. */
    readonly send: (socket: string, text: string) => void
    readonly clock: Clock
    readonly logger: Logger
  }) {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = parts.environment
    this.#socket = NOTIFY_SOCKET === '' ? undefined : NOTIFY_SOCKET
    const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === '' || WATCHDOG_PID === String(parts.pid)
    const watchdogMs =
      /^\d{4,15}$/.test(WATCHDOG_USEC ?? '') && isOurs ? Number(WATCHDOG_USEC) / 1_000 : undefined
    this.#watchdogMs = watchdogMs
    this.#send = parts.send
    this.#clock = parts.clock
    this.#logger = parts.logger
  }

  ready(): void {
    this.#tell('READY=1')
  }

  /** One line, as `systemctl status` shows it; said again only when it is another. */
  status(text: string): void {
    if (text === this.#status) return
    this.#status = text
    this.#tell(`STATUS=${text.replaceAll('\n', ' ')}`)
  }

  stopping(): void {
    this.#tell('STOPPING=1')
  }

  /**
   * Twice in each period that systemd watches by, as long as `isAlive`: a daemon whose event loop or reconciler hangs is
   * started again. Ends with `signal`; at once when nobody watches.
   */
  async keepWatched(isAlive: () => boolean, signal: AbortSignal): Promise<void> {
    const periodMs = this.#watchdogMs
    if (periodMs === undefined || this.#socket === undefined) return
    while (!signal.aborted) {
      if (isAlive()) this.#tell('WATCHDOG=1')
      else this.#logger.error('reconciler hangs: the service manager is not told that all is well', {})
      await this.#clock.sleep(periodMs / 2, signal)
    }
  }

  #tell(text: string): void {
    if (this.#socket === undefined) return
    try {
      this.#send(this.#socket, text)
      this.#failed = false
    } catch (error) {
      if (!this.#failed) this.#logger.warn('service manager not told', { error: TrilaneError.from(error) })
      this.#failed = true
    }
  }
}
