export interface RenewSchedule {
  /** Since the lease's life began anew. */
  readonly ageMs: number
  readonly leaseTtlMs: number
  /** How long before its end a lease is renewed. At most half of its life counts. */
  readonly renewMarginMs: number
  /** From 0 to 1, another one on each node: what started together renews up to a tenth of a life apart, never later. */
  readonly jitter: number
}

/** How long to wait until the lease is to be renewed; 0 when it is due. */
export function renewDelayMs({ ageMs, leaseTtlMs, renewMarginMs, jitter }: RenewSchedule): number {
  const marginMs = Math.min(renewMarginMs, leaseTtlMs / 2)
  const dueMs = (leaseTtlMs - marginMs) * (1 - jitter / 10)
  return Math.round(Math.max(dueMs - ageMs, 0))
}
