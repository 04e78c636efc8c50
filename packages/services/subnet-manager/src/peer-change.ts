import type { StoredLease } from '@trilane/contracts'
import { sameLease } from './lease-equality.ts'

/** What leads from one peer set to the other. A lease that was only renewed is no change. */
export function diffPeers(
  before: ReadonlyMap<string, StoredLease>,
  after: ReadonlyMap<string, StoredLease>
): { readonly put: ReadonlyMap<string, StoredLease>; readonly gone: ReadonlySet<string> } {
  const put = new Map<string, StoredLease>()
  for (const [key, stored] of after) {
    const former = before.get(key)
    if (former === undefined || !sameLease(former.lease, stored.lease)) put.set(key, stored)
  }
  const gone = new Set<string>()
  for (const key of before.keys()) if (!after.has(key)) gone.add(key)
  return { put, gone }
}
