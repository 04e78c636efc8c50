import { randomBytes } from 'node:crypto'
import type { Clock, Logger } from '@trilane/contracts'
import type { Client } from './client.ts'
import type { Connection } from './connection.ts'
import { isLeaseThere } from './failures.ts'

/** An etcd lease of this process. */
export interface EtcdLease {
  readonly id: string
  /** Whole seconds, as etcd counts. */
  readonly ttlS: number
  /** Wall clock, ms since 1970; never later than etcd's own idea. */
  readonly expiresAtMs: number
}

/** What a key without a life is attached to. */
export const NO_LEASE = '0'

/**
 * The etcd leases that keys are attached to: what makes a key vanish when nobody renews it. None is left behind: one
 * that holds no key any more is revoked, and what a crash leaves ends by itself.
 */
export class EtcdLeases {
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #known = new Map<string, EtcdLease>()
  readonly #retiring = new Set<Promise<void>>()

  constructor(connection: Connection, clock: Clock, logger: Logger) {
    this.#connection = connection
    this.#clock = clock
    this.#logger = logger
  }

  /** For {@link StoredLease.expiresAtMs}, without asking anybody. */
  endOf(id: string): number | 'unknown' | undefined {
    return id === NO_LEASE ? undefined : (this.#known.get(id)?.expiresAtMs ?? 'unknown')
  }

  /**
   * A new one. etcd rounds up to seconds and to its own least life. The id is ours to choose, so that an attempt that
   * nobody answered leaves nothing behind: the next one finds its lease.
   */
  async grant(ttlMs: number): Promise<EtcdLease> {
    const ttlS = wholeSeconds(ttlMs)
    const id = String(randomBytes(8).readBigUInt64BE() >> 1n)
    const nowMs = this.#clock.wallMs()
    const grantedS = await this.#connection.call(({ leaseClient }, attempt) =>
      leaseClient.leaseGrant({ ID: id, TTL: ttlS }).then(
        ({ TTL }) => Number(TTL),
        (error: unknown) => {
          if (attempt > 0 && isLeaseThere(error)) return ttlS
          throw error
        }
      )
    )
    return this.#know({ id, ttlS, expiresAtMs: nowMs + grantedS * 1_000 })
  }

  /**
   * The one that the key had, its life begun anew, when it is ours and as long as wanted; else a new one. So a renewal
   * that was cut off and is tried again leaves nothing behind.
   */
  async extend(formerId: string | undefined, ttlMs: number): Promise<EtcdLease> {
    const former = formerId === undefined ? undefined : this.#known.get(formerId)
    if (former === undefined || former.ttlS !== wholeSeconds(ttlMs)) return this.grant(ttlMs)
    const nowMs = this.#clock.wallMs()
    const ttlS = await this.#connection.call((client) => keepAlive(client, former.id))
    if (ttlS > 0) return this.#know({ ...former, expiresAtMs: nowMs + ttlS * 1_000 })
    this.#known.delete(former.id)
    return this.grant(ttlMs)
  }

  /** Ends it in the background, unless keys are attached to it: another program may have used it for several. */
  retire(id: string | undefined): void {
    if (id === undefined || id === NO_LEASE) return
    const retiring = this.#revokeIfUnused(id)
      .catch((error: unknown) => this.#logger.debug('an unused etcd lease is left to its end', { id, error }))
      .finally(() => this.#retiring.delete(retiring))
    this.#retiring.add(retiring)
  }

  /** When all that {@link retire} began is done. */
  async settled(): Promise<void> {
    await Promise.all(this.#retiring)
  }

  async #revokeIfUnused(id: string): Promise<void> {
    const { keys, TTL } = await this.#connection.call(({ leaseClient }) =>
      leaseClient.leaseTimeToLive({ ID: id, keys: true })
    )
    if (keys.length > 0) return
    this.#known.delete(id)
    if (Number(TTL) > 0) await this.#connection.call(({ leaseClient }) => leaseClient.leaseRevoke({ ID: id }))
  }

  #know(lease: EtcdLease): EtcdLease {
    const nowMs = this.#clock.wallMs()
    for (const [id, { expiresAtMs }] of this.#known) if (expiresAtMs < nowMs) this.#known.delete(id)
    this.#known.set(lease.id, lease)
    return lease
  }
}

function wholeSeconds(ttlMs: number): number {
  return Math.max(1, Math.ceil(ttlMs / 1_000))
}

/** One beat. @returns the life that it has now, in seconds; 0 when it has ended */
async function keepAlive(client: Client, id: string): Promise<number> {
  const stream = await client.leaseClient.leaseKeepAlive({ deadline: Date.now() + client.attemptTimeoutMs })
  try {
    return await new Promise<number>((resolve, reject) => {
      stream.on('data', ({ TTL }) => resolve(Number(TTL)))
      stream.on('error', reject)
      stream.on('end', () => reject(new Error('UNAVAILABLE: the stream has ended')))
      stream.write({ ID: id })
    })
  } finally {
    // Not `cancel`, which `etcd3` takes for a broken connection.
    stream.end()
  }
}
