import type { Clock, LeaseNode, Logger, NetworkConfig, StoreCache, SubnetStore } from '@trilane/contracts'

export interface LeaseManagerOptions {
  readonly store: SubnetStore
  readonly clock: Clock
  readonly logger: Logger
  readonly network: NetworkConfig
  /** What makes a lease ours in every later life of this node. */
  readonly identity: LeaseNode
  /** flannel's is a day. */
  readonly leaseTtlMs: number
  readonly renewMarginMs: number
  /** Revision of the stored config that `network` was read from: a later one is reported by `follow`. @default the one found by the first list */
  readonly configRevision?: number
  /** Everything is listed again after so long, also when the watch reports nothing wrong. @default ten minutes */
  readonly relistMs?: number
  /** What is remembered of the store, for a start without it. @default nothing */
  readonly cache?: Pick<StoreCache, 'read'>
  /** Resolves after the event loop has had a turn; without it long lists are gone through in one go. */
  readonly breathe?: () => Promise<void>
}
