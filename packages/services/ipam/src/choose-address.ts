import type { PoolRange } from '@trilane/contracts'
import type { IpAddress } from '@trilane/ip'

/**
 * Every address that a pod may get, each once, in the order to try them: round robin after the one that was
 * reserved last, so that an address rests as long as possible before it is used again.
 *
 * @param last a pointer outside the range (of a former lease, say) counts as none: from the first address on
 */
export function* candidateAddresses(pool: PoolRange, last: IpAddress | undefined): Generator<IpAddress> {
  for (const address of pool.range.addresses(startAfter(pool, last))) {
    if (!isExcluded(pool, address)) yield address
  }
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
  return pool.excluded.some((excluded) => excluded.equals(address))
}
