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
  for (const range of roundRobin(ranges, last)) {
    for (const part of freeParts(range, pool.excluded)) yield* part.addresses()
  }
}

/** Begins behind `last` when a range has it; that range’s addresses up to it come at the end. */
function* roundRobin(ranges: readonly Range[], last: IpAddress | undefined): Generator<Range> {
  const at = last === undefined ? -1 : ranges.findIndex((range) => range.contains(last))
  const begun = ranges[at]
  if (last === undefined || begun === undefined) {
    yield* ranges
    return
  }
  const next = last.plus(1)
  if (next !== undefined && begun.contains(next)) yield Range.of(next, begun.last)
  yield* [...ranges.slice(at + 1), ...ranges.slice(0, at)]
  yield Range.of(begun.first, last)
}

/** What is left of a range, in order. An exclusion costs the same whatever its size. */
function freeParts(range: Range, excluded: readonly Range[]): Range[] {
  const parts: Range[] = []
  let from: IpAddress | undefined = range.first
  const others = excluded.filter((one) => one.overlaps(range)).sort((a, b) => a.first.compare(b.first))
  for (const { first, last } of others) {
    if (from === undefined) return parts
    const before: IpAddress | undefined = first.plus(-1)
    if (before !== undefined && first.compare(from) > 0) parts.push(Range.of(from, before))
    if (last.compare(from) >= 0) from = last.compare(range.last) >= 0 ? undefined : last.plus(1)
  }
  if (from !== undefined) parts.push(Range.of(from, range.last))
  return parts
}

/** Why no pod can have an address of `range`; `undefined` when one can, if it is free. */
export function rangeNotAllowed(pool: PoolRange, range: Range): string | undefined {
  if (!pool.range.contains(range.first) || !pool.range.contains(range.last)) {
    return 'it reaches beyond the range of this node'
  }
  if (freeParts(range, pool.excluded).length > 0) return undefined
  return 'it has nothing but the gateway, or what is excluded'
}

/** Why a pod cannot have `address` whatever is free; `undefined` when it can. */
export function notAllowed(pool: PoolRange, address: IpAddress): string | undefined {
  if (!pool.range.contains(address)) return 'it is outside the range of this node'
  if (isExcluded(pool, address)) return 'it is the gateway, or excluded'
  return undefined
}

function isExcluded(pool: PoolRange, address: IpAddress): boolean {
  return pool.excluded.some((excluded) => excluded.contains(address))
}
