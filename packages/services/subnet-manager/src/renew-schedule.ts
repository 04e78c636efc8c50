import type { StoredLease } from '@trilane/contracts'

export interface RenewSchedule {
  /** Of the lease; `undefined` for a reservation. Wall clock, ms since 1970. */
  readonly expiresAtMs: StoredLease['expiresAtMs']
  /** Now. */
  readonly wallMs: number
  readonly leaseTtlMs: number
  /** How long before its end a lease is renewed. At most half of its life counts. */
  readonly renewMarginMs: number
  /** From 0 to 1, another one on each node: what started together renews up to a tenth of a life apart, never later. */
  readonly jitter: number
}

/**
 * How long to wait until the lease is to be renewed; 0 when it is due or nobody knows, `undefined` when it never ends.
 *
 * Never longer than a fresh lease would wait, whatever the wall clock says.
 */
export function renewDelayMs(schedule: RenewSchedule): number | undefined {
  const { expiresAtMs, wallMs, leaseTtlMs, renewMarginMs, jitter } = schedule
  if (expiresAtMs === undefined) return undefined
  if (expiresAtMs === 'unknown') return 0
  const marginMs = Math.min(renewMarginMs, leaseTtlMs / 2)
  const longestMs = (leaseTtlMs - marginMs) * (1 - jitter / 10)
  const dueAtMs = expiresAtMs - leaseTtlMs + longestMs
  return Math.round(Math.min(Math.max(dueAtMs - wallMs, 0), longestMs))
}
