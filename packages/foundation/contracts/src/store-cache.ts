import type { LeaseList, StoredConfig, StoreEvent } from './subnet-store.ts'

/**
 * What a store said last, on this node's own disk: a daemon that starts while the store is away goes on from there.
 *
 * It is of one store; what another one said is not read. Whatever cannot be read counts as nothing.
 */
export interface StoreCache {
  /** The last complete list with all that was noted since. Never throws. */
  read(): Promise<RememberedStore | undefined>

  /** After each complete list. O(leases), but nothing when the cache says the same already. @throws TrilaneError `TRI_FILE` */
  replace(list: LeaseList, config: StoredConfig | undefined): Promise<void>

  /** After each event: O(1). Does nothing before the first {@link replace}. @throws TrilaneError `TRI_FILE` */
  note(event: RememberedEvent): Promise<void>
}

export interface RememberedStore {
  readonly config?: StoredConfig
  /** Without what was rejected. */
  readonly list: LeaseList
  /** When the list was complete; wall clock, ms since 1970. */
  readonly listedAtMs: number
}

export type RememberedEvent = Exclude<StoreEvent, { readonly kind: 'gap' | 'rejected' | 'away' | 'back' }>
