import type { Clock, Kernel, KernelEvent, KernelState, KernelWatch, Logger } from '@trilane/contracts'
import type { PassReport, Reconciler, SweepScope } from '@trilane/reconcile'
import { Alarm } from './alarm.ts'

/** Events come in flocks (a link that goes down says so several times): one pass answers them all. */
const GATHER_MS = 20

/** After a pass with failures the next one comes after this, doubling up to the timer's own period. */
const FIRST_RETRY_MS = 250

/**
 * Told about each turn of work when it is over. Without a report the kernel could not be read, and nothing was done.
 */
export type LoopObserver = (kind: 'pass' | 'flush', report: PassReport | undefined) => void

/**
 * Decides when the one reconciler works: at once for a changed wish, {@link GATHER_MS} after a kernel event that
 * disturbs the wish, with a growing delay after a failure, and every `fullPassMs` whatever happened.
 */
export class ReconcileLoop {
  readonly reconciler: Reconciler
  readonly #kernel: Kernel
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #fullPassMs: number
  readonly #sweepScope: () => SweepScope | undefined
  readonly #onEvent: (event: KernelEvent) => void
  readonly #onWork: LoopObserver
  readonly #stop = new AbortController()
  #watch: KernelWatch | undefined
  #passDue: Promise<PassReport> | undefined
  #flushDue: Promise<void> | undefined
  readonly #retry: Alarm
  #retryMs = FIRST_RETRY_MS
  #lastPass: { readonly atMs: number; readonly report: PassReport } | undefined

  /**
   * @param sweepScope what may be swept; `undefined` until every network has its first complete list of leases
   * @param onEvent sees every kernel event, after the reconciler
   * @param onWork sees every pass and flush
   */
  constructor(parts: {
    readonly reconciler: Reconciler
    readonly kernel: Kernel
    readonly clock: Clock
    readonly logger: Logger
    readonly fullPassMs: number
    readonly sweepScope: () => SweepScope | undefined
    readonly onEvent: (event: KernelEvent) => void
    readonly onWork?: LoopObserver
  }) {
    this.reconciler = parts.reconciler
    this.#kernel = parts.kernel
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#fullPassMs = parts.fullPassMs
    this.#sweepScope = parts.sweepScope
    this.#onEvent = parts.onEvent
    this.#onWork = parts.onWork ?? (() => {})
    this.#retry = new Alarm(parts.clock, () => void this.#passSafely(0))
  }

  /** The last full pass and when it ended, by the wall clock. */
  get lastPass(): { readonly atMs: number; readonly report: PassReport } | undefined {
    return this.#lastPass
  }

  start(): void {
    this.#watch = this.#kernel.watch((event) => {
      if (this.reconciler.disturbs(event)) void this.#passSafely(GATHER_MS)
      this.#onEvent(event)
    })
    void this.#everyPeriod()
  }

  /** Replaces wishes; they are written in the same turn of the event loop's next round, all together. */
  wish(slots: ReadonlyMap<string, KernelState | undefined>): void {
    this.reconciler.wish(slots)
    this.#flushDue ??= this.#flushSoon()
  }

  /** A full pass after `delayMs`, or the one that is due already. */
  passSoon(delayMs: number): Promise<PassReport> {
    this.#passDue ??= this.#clock.sleep(delayMs, this.#stop.signal).then(() => {
      this.#passDue = undefined
      return this.#pass()
    })
    return this.#passDue
  }

  /** Ends the loop and leaves the kernel as it is. */
  stop(): void {
    this.#stop.abort()
    this.#retry.stop()
    this.#watch?.close()
  }

  async #flushSoon(): Promise<void> {
    await Promise.resolve()
    this.#flushDue = undefined
    if (this.#lastPass === undefined || this.#stop.signal.aborted) return
    const report = await this.#observed('flush', this.reconciler.flush())
    // What has just failed does not wait as long as what fails for ever.
    if (report.failures.length > 0) this.#retry.set(FIRST_RETRY_MS)
  }

  async #pass(): Promise<PassReport> {
    if (this.#stop.signal.aborted) return { writes: 0, outcomes: [], failures: [], durationMs: 0 }
    const sweep = this.#sweepScope()
    const work = this.reconciler.pass(sweep === undefined ? {} : { sweep })
    const report = await this.#observed('pass', work)
    // Wishes that came while the first pass was writing have waited for it.
    if (this.#lastPass === undefined) this.#flushDue ??= this.#flushSoon()
    this.#lastPass = { atMs: this.#clock.wallMs(), report }
    this.#logger.debug('full pass done', { writes: report.writes, durationMs: Math.round(report.durationMs) })
    if (report.failures.length === 0) {
      this.#retryMs = FIRST_RETRY_MS
    } else {
      this.#retry.set(this.#retryMs)
      this.#retryMs = Math.min(this.#retryMs * 2, this.#fullPassMs)
    }
    return report
  }

  async #observed(kind: 'pass' | 'flush', work: Promise<PassReport>): Promise<PassReport> {
    let report: PassReport | undefined
    try {
      report = await work
      return report
    } finally {
      this.#onWork(kind, report)
    }
  }

  async #everyPeriod(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#clock.sleep(this.#fullPassMs, this.#stop.signal)
      await this.#passSafely(0)
    }
  }

  /** A reading that stays unstable is no reason to end: the next one comes. */
  async #passSafely(delayMs: number): Promise<void> {
    try {
      await this.passSoon(delayMs)
    } catch (error) {
      this.#logger.error('full pass failed', { error })
    }
  }
}
