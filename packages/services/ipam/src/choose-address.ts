import type { PoolRange } from '@trilane/contracts'
import { type IpAddress, Range } from '@trilane/ip'

/**
 * Every address that a pod may get, each once, in the order to try them: round robin after the one that was
 * reserved last, so that an address rests as long as possible before it is used again.
 *
 * @param last a pointer outside the ranges (of a former lease, say) counts as none: from the first address on
 * @param ranges parts of the pool, in the order in which they are used up
 */
export function* candidateAddresses(
  pool: PoolRange,
  last: IpAddress | undefined,
  ranges: readonly Range[] = [pool.range]
): Generator<IpAddress> {
  for (const address of roundRobin(ranges, last)) {
    if (!isExcluded(pool, address)) yield address
  }
}

/** Begins behind `last` when a range has it; that range’s addresses up to it come at the end. */
function* roundRobin(ranges: readonly Range[], last: IpAddress | undefined): Generator<IpAddress> {
  const at = last === undefined ? -1 : ranges.findIndex((range) => range.contains(last))
  const begun = ranges[at]
  if (last === undefined || begun === undefined) {
    for (const range of ranges) yield* range.addresses()
    return
  }
  const next = last.plus(1)
  if (next !== undefined && begun.contains(next)) yield* Range.of(next, begun.last).addresses()
  for (const range of [...ranges.slice(at + 1), ...ranges.slice(0, at)]) yield* range.addresses()
  yield* Range.of(begun.first, last).addresses()
}

/** Why no pod can have an address of `range`; `undefined` when one can, if it is free. */
export function rangeNotAllowed(pool: PoolRange, range: Range): string | undefined {
  if (!pool.range.contains(range.first) || !pool.range.contains(range.last)) {
    return 'it reaches beyond the range of this node'
  }
  for (const address of range.addresses()) if (!isExcluded(pool, address)) return undefined
  return 'it has nothing but the gateway, or what is excluded'
}

/** Why a pod cannot have `address` whatever is free; `undefined` when it can. */
export function notAllowed(pool: PoolRange, address: IpAddress): string | undefined {
  if (!pool.range.contains(address)) return 'it is outside the range of this node'
  if (isExcluded(pool, address)) return 'it is the gateway, or excluded'
  return undefined
}

function isExcluded(pool: PoolRange, address: IpAddress): boolean {
  return pool.excluded.some((excluded) => excluded.equals(address))
}
