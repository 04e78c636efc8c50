export interface RenewSchedule {
  /** Of the lease; `undefined` for a reservation. Wall clock, ms since 1970. */
  readonly expiresAtMs: number | undefined
  /** Now. */
  readonly wallMs: number
  readonly leaseTtlMs: number
  /** How long before its end a lease is renewed. At most half of its life counts. */
  readonly renewMarginMs: number
  /** From 0 to 1, different for each node: brings the moment forward by up to a tenth of the wait, so that nodes which started together do not renew together. */
  readonly jitter: number
}

/**
 * How long to wait until the lease is to be renewed; 0 when it is due, `undefined` when it never ends.
 *
 * Never longer than a fresh lease would wait, whatever the wall clock says.
 */
export function renewDelayMs(schedule: RenewSchedule): number | undefined {
  const { expiresAtMs, wallMs, leaseTtlMs, renewMarginMs, jitter } = schedule
  if (expiresAtMs === undefined) return undefined
  const marginMs = Math.min(renewMarginMs, leaseTtlMs / 2)
  const longestMs = leaseTtlMs - marginMs
  const untilDueMs = Math.min(Math.max(expiresAtMs - marginMs - wallMs, 0), longestMs)
  return Math.round(untilDueMs * (1 - jitter / 10))
}
