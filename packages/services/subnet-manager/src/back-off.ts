import { seededFraction } from './seeded-fraction.ts'

/** flannel's numbers for its own watch. */
const FIRST_MS = 100
const LONGEST_MS = 5_000

/**
 * How long to wait before trying for the `attempt`-th time again (from 0): 100 ms, doubling up to 5 s, each between
 * half and all of that. Each seed has its own sequence, so that nodes which failed together do not come back together.
 */
export function backOffMs(attempt: number, seed: string): number {
  const fullMs = Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS)
  return fullMs * (0.5 + seededFraction(`${seed} back-off ${attempt}`) / 2)
}
