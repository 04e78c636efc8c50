import type { NodeConfig } from '@trilane/config'
import type { Clock, FileLocks, Logger, StoreCache, SubnetStore } from '@trilane/contracts'
import { FileStoreCache } from '@trilane/state-files'
import { rememberingStore } from '@trilane/subnet-manager'
import { countedStore } from './counted-store.ts'
import type { Metrics } from './metrics.ts'
import { openStore } from './open-store.ts'

/** Where one network's config and leases are, and what this node remembers of them. */
export interface NetworkStore {
  /** The node's config as it is for this network. */
  readonly place: NodeConfig
  readonly store: SubnetStore
  readonly cache: StoreCache
}

/** Nothing is touched before the first call. */
export function networkStore(
  place: NodeConfig,
  parts: {
    readonly locks: FileLocks
    readonly clock: Clock
    readonly logger: Logger
    readonly metrics: Pick<Metrics, 'storeFailed'>
  }
): NetworkStore {
  const { clock, logger, metrics } = parts
  const outer = countedStore(openStore(place, parts), () => metrics.storeFailed())
  const cache = new FileStoreCache({ path: place.storeCacheDirectory, store: outer.description, clock })
  return { place, store: rememberingStore(outer, cache, logger), cache }
}
