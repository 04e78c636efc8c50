import type { PoolRange } from '@trilane/contracts'
import { type IpAddress, Range } from '@trilane/ip'

/**
 * Every address that a pod may get, each once, in the order to try them: round robin after the one that was
 * reserved last, so that an address rests as long as possible before it is used again.
 *
 * @param last a pointer outside the range (of a former lease, say) counts as none: from the first address on
 */
export function* candidateAddresses(pool: PoolRange, last: IpAddress | undefined): Generator<IpAddress> {
  const start = startAfter(pool, last)
  const free = freeParts(pool)
  for (const part of free) {
    if (part.last.compare(start) < 0) continue
    yield* part.contains(start) ? Range.of(start, part.last).addresses() : part.addresses()
  }
  for (const part of free) {
    if (part.first.compare(start) >= 0) return
    yield* part.contains(start) && !part.first.equals(start)
      ? Range.of(part.first, start.plus(-1) ?? part.first).addresses()
      : part.addresses()
  }
}

/** What is left of the range, in order. An exclusion costs the same whatever its size. */
function freeParts({ range, excluded }: PoolRange): Range[] {
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

/** Why a pod cannot have `address` whatever is free; `undefined` when it can. */
export function notAllowed(pool: PoolRange, address: IpAddress): string | undefined {
  if (!pool.range.contains(address)) return 'it is outside the range of this node'
  if (isExcluded(pool, address)) return 'it is the gateway, or excluded'
  return undefined
}

function startAfter(pool: PoolRange, last: IpAddress | undefined): IpAddress {
  const next = last?.plus(1)
  return next !== undefined && pool.range.contains(next) ? next : pool.range.first
}

function isExcluded(pool: PoolRange, address: IpAddress): boolean {
  return pool.excluded.some((excluded) => excluded.contains(address))
}
