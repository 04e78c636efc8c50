import {
  type Clock,
  type Firewall,
  type FirewallTable,
  type FirewallWatch,
  type FirewallWish,
  type Logger,
  nftTextOf,
  TrilaneError
} from '@trilane/contracts'
import { firewallTable } from './firewall-table.ts'
import { forwardAccepts } from './forward-accepts.ts'

/** A transaction of somebody else's may have others behind it: one check answers them all. */
const GATHER_MS = 20

/** Between two checks there is at least this many times what the last one took, so that they cost at most a sixth. */
const PAUSE_FACTOR = 5
/** But what was flushed is back within a second. */
const LONGEST_PAUSE_MS = 500

/** After a failed write the next check comes after this, doubling up to the timer's own period. */
const FIRST_RETRY_MS = 250

/** The firewall as the last check left it. */
export interface FirewallStatus {
  /** Our table is exactly as wished, or none is wished for and none is there. */
  readonly standing: boolean
  /** Why it is not. */
  readonly problem?: TrilaneError
  /** What others refuse, and what could not be done about them. */
  readonly warnings: readonly TrilaneError[]
  /** Transactions, since the start. */
  readonly writes: number
  /** Those that undid what somebody had done to our table or to our accepts. */
  readonly repairs: number
}

/**
 * Keeps the packet filter as wished: at once for a new wish, {@link GATHER_MS} after any change of nft's tables, and
 * every `resyncMs` whatever happened, since the old iptables tells nobody. Each check is the same: our table, then our
 * accepts in chains of others, and when all of that stands, what flannel left is removed.
 *
 * Until the first wish nothing is touched. {@link stop} leaves everything as it is.
 */
export class FirewallLoop {
  readonly #firewall: Firewall
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #resyncMs: number
  readonly #onCheck: (status: FirewallStatus) => void
  readonly #stop = new AbortController()
  #wish: FirewallWish | undefined
  /** The wish that stood after an earlier check: another state of the kernel is somebody else's doing. */
  #kept: FirewallWish | undefined
  #watch: FirewallWatch | undefined
  #checkDue: Promise<FirewallStatus> | undefined
  /** Ends the wait before the check that is due. */
  #hurry = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #pauseUntilMs = 0
  #retryMs = FIRST_RETRY_MS
  #retryPending = false
  #status: FirewallStatus = { standing: false, warnings: [], writes: 0, repairs: 0 }

  constructor(parts: {
    readonly firewall: Firewall
    readonly clock: Clock
    readonly logger: Logger
    readonly resyncMs: number
    /** Called after each check. */
    readonly onCheck?: (status: FirewallStatus) => void
  }) {
    this.#firewall = parts.firewall
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#resyncMs = parts.resyncMs
    this.#onCheck = parts.onCheck ?? (() => {})
  }

  get status(): FirewallStatus {
    return this.#status
  }

  start(): void {
    this.#follow()
    void this.#everyPeriod()
  }

  /** Replaces the wish. @returns the status after the check that follows; never rejects */
  wish(wish: FirewallWish): Promise<FirewallStatus> {
    this.#wish = wish
    const checked = this.checkSoon(0)
    // A pod waits for its host ports: not for the pause after somebody's transaction too.
    this.#hurry.abort()
    return checked
  }

  /** A check after `delayMs`, or the one that is due already. Never rejects. */
  checkSoon(delayMs: number): Promise<FirewallStatus> {
    if (this.#checkDue !== undefined) return this.#checkDue
    this.#hurry = new AbortController()
    if (this.#stop.signal.aborted) this.#hurry.abort()
    this.#checkDue = this.#clock.sleep(delayMs, this.#hurry.signal).then(() => {
      this.#checkDue = undefined
      const checked = this.#running.then(() => this.#check())
      this.#running = checked
      return checked
    })
    return this.#checkDue
  }

  /** Ends the loop; rules stay. */
  stop(): void {
    this.#stop.abort()
    this.#hurry.abort()
    this.#watch?.close()
    this.#watch = undefined
  }

  async #check(): Promise<FirewallStatus> {
    const wish = this.#wish
    if (wish === undefined || this.#stop.signal.aborted) return this.#status
    const startedMs = this.#clock.monotonicMs()
    this.#follow()
    const problem = await this.#attempt(() => this.#keepTable(wish))
    const failures: TrilaneError[] = []
    const warnings: TrilaneError[] = []
    const stands = problem === undefined
    const failed = await this.#attempt(() => this.#keepOthers(wish, stands, failures, warnings))
    if (failed !== undefined && failed.message !== problem?.message) failures.push(failed)
    this.#tellNews(problem, [...failures, ...warnings])
    this.#status = {
      ...this.#counted(),
      standing: stands,
      ...(problem === undefined ? {} : { problem }),
      warnings: [...failures, ...warnings]
    }
    if (stands) this.#kept = wish
    this.#paused(startedMs)
    if (stands && failures.length === 0) this.#retryMs = FIRST_RETRY_MS
    else void this.#retry()
    this.#onCheck(this.#status)
    return this.#status
  }

  async #keepTable(wish: FirewallWish): Promise<void> {
    const table = firewallTable(wish)
    if (await this.#firewall.holds(table)) return
    if (table === undefined) await this.#firewall.remove()
    else await this.#firewall.replace(table)
    const repaired = sameTable(table, this.#kept)
    this.#count(repaired)
    if (repaired) this.#logger.warn('firewall table was changed by somebody and is restored')
    else this.#logger.info(table === undefined ? 'firewall table removed' : 'firewall table written')
  }

  /** @param tableStands what flannel left goes only then */
  async #keepOthers(
    wish: FirewallWish,
    tableStands: boolean,
    failures: TrilaneError[],
    warnings: TrilaneError[]
  ): Promise<void> {
    const { forwardChains, leftovers, problems } = await this.#firewall.surroundings()
    failures.push(...problems)
    const plan = forwardAccepts(wish, forwardChains)
    for (const { chain, accepts } of plan.changes) {
      const failed = await this.#attempt(() => this.#firewall.setAccepts(chain, accepts))
      if (failed !== undefined) {
        failures.push(failed)
        continue
      }
      this.#count(this.#kept === wish)
      const { tool, family, table, entry } = chain
      this.#logger.info('accepts set in a chain of another firewall', {
        tool,
        chain: `${family} ${table} ${entry}`,
        accepts: accepts.length
      })
    }
    warnings.push(...plan.problems)
    if (leftovers.length === 0 || !tableStands) return
    const failed = await this.#attempt(() => this.#firewall.removeLeftovers(leftovers))
    if (failed !== undefined) failures.push(failed)
    else this.#logger.info("flannel's rules removed", { leftovers: leftovers.length })
  }

  /** Listens; where that is not possible yet, the next check tries again. */
  #follow(): void {
    if (this.#watch !== undefined) return
    try {
      this.#watch = this.#firewall.watch(() => void this.checkSoon(this.#delayMs()))
    } catch (error) {
      this.#logger.debug('changes of the firewall are not heard of', { error })
    }
  }

  #delayMs(): number {
    return Math.max(GATHER_MS, this.#pauseUntilMs - this.#clock.monotonicMs())
  }

  #paused(startedMs: number): void {
    const now = this.#clock.monotonicMs()
    this.#pauseUntilMs = now + Math.min(LONGEST_PAUSE_MS, (now - startedMs) * PAUSE_FACTOR)
  }

  async #attempt(act: () => Promise<void>): Promise<TrilaneError | undefined> {
    try {
      await act()
      return undefined
    } catch (error) {
      return TrilaneError.from(error)
    }
  }

  #count(repair: boolean): void {
    const { writes, repairs } = this.#status
    this.#status = { ...this.#status, writes: writes + 1, repairs: repairs + (repair ? 1 : 0) }
  }

  #counted(): Pick<FirewallStatus, 'writes' | 'repairs'> {
    const { writes, repairs } = this.#status
    return { writes, repairs }
  }

  /** Each trouble is logged when it begins, not at each check. */
  #tellNews(problem: TrilaneError | undefined, warnings: readonly TrilaneError[]): void {
    const { problem: formerProblem, warnings: former } = this.#status
    if (problem !== undefined && problem.message !== formerProblem?.message) {
      this.#logger.error('firewall cannot be kept', { error: problem })
    }
    const known = new Set(former.map(({ message }) => message))
    for (const error of warnings.filter(({ message }) => !known.has(message))) {
      this.#logger.warn('another firewall stands in the way', { error })
    }
  }

  async #retry(): Promise<void> {
    if (this.#retryPending) return
    this.#retryPending = true
    const delayMs = this.#retryMs
    this.#retryMs = Math.min(this.#retryMs * 2, this.#resyncMs)
    await this.#clock.sleep(delayMs, this.#stop.signal)
    this.#retryPending = false
    await this.checkSoon(0)
  }

  async #everyPeriod(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#clock.sleep(this.#resyncMs, this.#stop.signal)
      await this.checkSoon(0)
    }
  }
}

/** Was this table there already, by a wish that was fulfilled? */
function sameTable(table: FirewallTable | undefined, kept: FirewallWish | undefined): boolean {
  if (kept === undefined) return false
  const former = firewallTable(kept)
  if (table === undefined || former === undefined) return table === former
  return nftTextOf(table) === nftTextOf(former)
}
