import { createHash } from 'node:crypto'

/**
 * A number from 0 (included) to 1 (excluded) that looks random but is always the same for the same seed: nodes of
 * different seeds spread out, and a run can be repeated.
 */
export function seededFraction(seed: string): number {
  return createHash('sha256').update(seed).digest().readUInt32BE(0) / 2 ** 32
}
