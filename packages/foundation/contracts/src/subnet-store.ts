import type { TrilaneError } from './errors.ts'
import type { Lease, StoredLease } from './lease.ts'

/**
 * Where the cluster keeps its network config and its leases: the port to etcd or to a directory.
 *
 * Writes are compare-and-set: they say what they expect and do nothing when it is otherwise. Reads may
 * be repeated freely. A store may repeat events, skip some (then it says `gap`) or stall; whoever
 * follows it lists again and compares.
 *
 * Every method throws `TRI_STORE_UNAVAILABLE` when the store cannot be reached in time.
 */
export interface SubnetStore {
  /** For messages: `etcd http://10.0.0.1:2379`, `file /var/lib/trilane/store`. */
  readonly description: string

  /** The network config as text (YAML or JSON), or `undefined` if there is none yet. */
  readConfig(): Promise<StoredConfig | undefined>

  /** Writes the config; `expectedRevision` 0 means "there is none". @throws `TRI_LEASE_CONFLICT` with key `config` */
  writeConfig(text: string, expectedRevision: number): Promise<StoredConfig>

  /** All leases at one revision. A key that cannot be read is in `rejected` and harms no other. */
  list(): Promise<LeaseList>

  /**
   * Creates the lease under its key unless that key exists.
   *
   * @param ttlMs how long it lives without being renewed; `undefined`: for ever (a reservation)
   * @returns with the end of its life as a number; `undefined` when somebody else has the key: the race is lost, choose
   *   another subnet
   */
  create(lease: Lease, ttlMs: number | undefined): Promise<StoredLease | undefined>

  /**
   * Replaces the lease under `expected.key` and starts its life anew, if its revision is still
   * `expected.revision`. The subnets of `lease` are those of the key.
   *
   * @returns the new state, or `undefined` when it was changed, removed or expired meanwhile
   */
  update(expected: StoredLease, lease: Lease, ttlMs: number | undefined): Promise<StoredLease | undefined>

  /** Removes it, if its revision is still the expected one. @returns whether it did */
  remove(expected: StoredLease): Promise<boolean>

  /**
   * Follows config and leases from just after `revision`, which an earlier {@link list} gave, in order.
   * Expiry is an event like a removal. The watch reconnects by itself until it is closed.
   */
  watch(revision: number, listener: (event: StoreEvent) => void): StoreWatch

  /** Ends watches and connections. Leases stay. Repeating it is free. */
  close(): Promise<void>
}

export interface StoredConfig {
  readonly text: string
  readonly revision: number
}

export interface LeaseList {
  readonly leases: readonly StoredLease[]
  /** Keys that are no lease, each with `TRI_LEASE_INVALID`. */
  readonly rejected: readonly TrilaneError[]
  /** Of the whole store: where {@link SubnetStore.watch} goes on. */
  readonly revision: number
}

export type StoreEvent =
  | { readonly kind: 'put'; readonly stored: StoredLease }
  /** Removed or expired. */
  | { readonly kind: 'gone'; readonly key: string; readonly revision: number }
  /** A key that is no lease was written. `TRI_LEASE_INVALID`, with the key in its values. */
  | { readonly kind: 'rejected'; readonly key: string; readonly error: TrilaneError }
  | { readonly kind: 'config'; readonly config: StoredConfig }
  /** Events were missed (compaction, a broken connection): list again. */
  | { readonly kind: 'gap'; readonly reason: string }
  /** The watch cannot be kept now, `TRI_STORE_UNAVAILABLE`; it goes on by itself. Perhaps repeated with another error. */
  | { readonly kind: 'away'; readonly error: TrilaneError }
  /** It can again; what happened meanwhile comes as events, or as a gap. */
  | { readonly kind: 'back' }

export interface StoreWatch {
  /** No listener call after this returns. Repeating it is free. */
  close(): void
}
