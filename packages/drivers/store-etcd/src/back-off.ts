/**
 * How long to wait before trying for the `attempt`-th time again (from 0): doubling from `firstMs` to `longestMs`,
 * each between half and all of that, so that nodes which lost one etcd together do not come back together.
 */
export function backOffMs(attempt: number, firstMs: number, longestMs: number): number {
  return Math.min(firstMs * 2 ** attempt, longestMs) * (0.5 + Math.random() / 2)
}
