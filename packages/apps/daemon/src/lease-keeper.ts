import {
  type Clock,
  type Lease,
  type LeaseClaim,
  type Logger,
  type StoredLease,
  type SubnetManager,
  TrilaneError
} from '@trilane/contracts'
import type { IpAddress, PerFamily, Prefix } from '@trilane/ip'
import type { Health } from './health.ts'
import type { Patience } from './patience.ts'

/** A renewal that failed for another reason than a lost lease is tried again after this, as flannel does. */
const RENEW_RETRY_MS = 60_000

/** A timer may sleep as long as the machine did, and a lease may change hands: look at least so often. */
const RENEW_LOOK_MS = 60_000

/** A lease that is lost again within this is not acquired again at once: somebody goes on taking it. */
const PEACE_MS = 60_000
const FIRST_PAUSE_MS = 500

interface LeaseKeeperParts {
  readonly subnets: SubnetManager
  readonly health: Health
  readonly patience: Patience
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  /** From `subnet.env`: taken again by a node whose lease is gone. */
  readonly previousSubnets: PerFamily<Prefix>
  /** @throws TrilaneError while they are not known */
  readonly publicAddresses: () => PerFamily<IpAddress>
  /**
   * Before a lease is written: makes ready for what peers will do when they read it.
   *
   * @param former what they know of this node
   */
  readonly prepare: (former: Lease | undefined) => Promise<LeaseClaim>
  /** What a renewal says; `undefined` while there is nothing to say. */
  readonly claim: () => LeaseClaim | undefined
  /** Another lease than before, or the first one. */
  readonly onAcquired: () => Promise<void>
}

interface Renewal {
  readonly outcome: 'renewed' | 'failed' | 'lost'
  readonly reason: string
}

/** Keeps this node's lease of one network alive, and gets one again when it is lost. */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts
  #stored: StoredLease | undefined
  #recovering: Promise<void> | undefined
  /** Under way. */
  #renewal: Promise<Renewal> | undefined
  #recoveredAtMs = Number.NEGATIVE_INFINITY
  #pauseMs = FIRST_PAUSE_MS

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts
  }

  get stored(): StoredLease | undefined {
    return this.#stored
  }

  /** @returns with a lease; with the remembered one when the store is away at the start */
  async acquire(): Promise<void> {
    const { subnets, patience, logger, publicAddresses, prepare, onAcquired } = this.#parts
    await patience.run('lease', async () => {
      const addresses = publicAddresses()
      try {
        const former = await subnets.former(addresses)
        const claim = await prepare(former?.lease ?? this.#stored?.lease)
        const previousSubnets = this.#stored?.lease.subnets ?? this.#parts.previousSubnets
        this.#stored = await subnets.acquire({ ...claim, previousSubnets })
        logger.info('lease acquired', { key: this.#stored.key })
      } catch (error) {
        if (this.#stored !== undefined || !TrilaneError.is(error, 'TRI_STORE_UNAVAILABLE')) throw error
        const remembered = await subnets.recall(addresses)
        if (remembered === undefined) throw error
        await prepare(remembered.lease)
        this.#stored = remembered
        logger.warn('lease of a former life is used: the store is away', { key: remembered.key, error })
      }
    })
    await onAcquired()
  }

  /** Until `signal` is aborted. */
  async renewForever(): Promise<void> {
    const { clock, subnets, signal } = this.#parts
    let renewed = true
    for (;;) {
      const dueMs = Math.min(subnets.renewDelayMs() ?? RENEW_LOOK_MS, RENEW_LOOK_MS)
      await clock.sleep(renewed ? dueMs : RENEW_RETRY_MS, signal)
      if (signal.aborted) return
      // Without one, a recovery has failed.
      if (subnets.own === undefined || subnets.renewDelayMs() === 0) renewed = await this.renew()
    }
  }

  /** @returns whether this node holds a lease with its claim in it now */
  async renew(): Promise<boolean> {
    const { outcome, reason } = await this.#tryToRenew()
    if (outcome === 'failed') return false
    if (outcome === 'lost') await this.recover(reason)
    this.#parts.health.clear('renewal')
    return this.#parts.subnets.own !== undefined
  }

  /**
   * Before a pod is given an address: a machine that slept may not know yet that its lease has ended and is another's.
   * A store that is known to be away is not asked; then what was the case goes on.
   *
   * @returns whether the lease may be used; at once, but for one that is due
   */
  async confirm(): Promise<boolean> {
    const { subnets } = this.#parts
    const isDue = subnets.renewDelayMs() === 0 && subnets.outage() === undefined
    if (isDue && this.#recovering === undefined) {
      const { outcome, reason } = await (this.#renewal ?? this.#tryToRenew())
      if (outcome === 'lost') void this.recover(reason)
    }
    return this.#recovering === undefined && subnets.own !== undefined
  }

  #tryToRenew(): Promise<Renewal> {
    const renewal = this.#renewOnce().finally(() => {
      if (this.#renewal === renewal) this.#renewal = undefined
    })
    this.#renewal = renewal
    return renewal
  }

  async #renewOnce(): Promise<Renewal> {
    const { subnets, health, logger, claim } = this.#parts
    const wanted = claim()
    if (wanted === undefined) return { outcome: 'failed', reason: 'there is nothing to say yet' }
    try {
      this.#stored = await subnets.renew(wanted)
      return { outcome: 'renewed', reason: '' }
    } catch (error) {
      const problem = TrilaneError.from(error)
      if (problem.code === 'TRI_LEASE_LOST') return { outcome: 'lost', reason: String(problem.values.reason) }
      health.raise('renewal', 'medium', problem)
      logger.warn('lease not renewed', { error: problem })
      return { outcome: 'failed', reason: problem.message }
    }
  }

  /** Our lease is not ours any more: say so, get one again, and only then change what pods stand on. Never rejects. */
  recover(reason: string): Promise<void> {
    this.#recovering ??= this.#reacquire(reason).finally(() => {
      this.#recovering = undefined
    })
    return this.#recovering
  }

  async #reacquire(reason: string): Promise<void> {
    const { clock, health, logger, signal } = this.#parts
    const former = this.#stored
    if (former === undefined || signal.aborted) return
    const problem = TrilaneError.of('TRI_LEASE_LOST', { subnet: former.key, reason })
    health.raise('lost', 'high', problem)
    logger.error('lease lost', { error: problem })
    try {
      await this.#pause()
      await this.acquire()
      this.#recoveredAtMs = clock.monotonicMs()
      health.clear('lost')
    } catch (error) {
      if (!signal.aborted) logger.error('no lease acquired', { error: TrilaneError.from(error) })
    }
  }

  async #pause(): Promise<void> {
    const { clock, signal } = this.#parts
    if (clock.monotonicMs() - this.#recoveredAtMs > PEACE_MS) {
      this.#pauseMs = FIRST_PAUSE_MS
      return
    }
    await clock.sleep(this.#pauseMs, signal)
    this.#pauseMs = Math.min(this.#pauseMs * 2, PEACE_MS / 2)
  }
}
