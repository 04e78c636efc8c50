import type { IpAddress, PerFamily, Prefix } from '@trilane/ip'
import type { Backend } from './backend.ts'
import type { TrilaneError } from './errors.ts'
import type { JsonValue, Lease, LeaseNode, StoredLease } from './lease.ts'
import type { NetworkConfig } from './network-config.ts'

/**
 * This node's lease and the set of its peers, for one network.
 *
 * Life: `acquire`, then `follow` and, when due, `renew`; `close` leaves the lease in the store, so
 * that a restart finds it again. `release` gives it back.
 */
export interface SubnetManager {
  /**
   * The lease that {@link acquire} would find now, perhaps written by flanneld: what peers know of this node. A claim
   * that is made from it ({@link Backend.leaseData}) leaves as it is what they act on.
   *
   * @throws TrilaneError `TRI_STORE_UNAVAILABLE`
   */
  former(publicAddresses: PerFamily<IpAddress>): Promise<StoredLease | undefined>

  /**
   * This node's lease: its former one by machine id (or by public address, as flannel finds it), else
   * the subnets it had before if they are free, else free ones. Loses no race: it tries the next.
   *
   * @throws TrilaneError `TRI_SUBNETS_EXHAUSTED`, `TRI_STORE_UNAVAILABLE`
   */
  acquire(claim: LeaseClaim): Promise<StoredLease>

  /**
   * This node's lease as it was when the store was seen last, for a start without it: may be used, and is renewed or
   * lost as soon as the store answers ({@link renewDelayMs} is 0).
   *
   * @returns `undefined` when nothing is remembered that could be used
   */
  recall(publicAddresses: PerFamily<IpAddress>): Promise<StoredLease | undefined>

  /**
   * Starts the lease's life anew, with new contents if `claim` differs from what it holds, by compare-and-set.
   *
   * @throws TrilaneError `TRI_LEASE_LOST` when it is no longer ours: stop announcing it, then acquire again
   */
  renew(claim: LeaseClaim): Promise<StoredLease>

  /** Until the next `renew` is due, jitter included; 0 when it is, `undefined` without a lease or with one that never ends. */
  renewDelayMs(): number | undefined

  /** The lease that `acquire` or `renew` returned last. */
  readonly own: StoredLease | undefined

  /**
   * Lists, then follows the store. The listener gets what changed since its last call; each peer set is
   * complete and level-triggered: a missed or doubled event in the store cannot show. When only
   * {@link problems} or {@link outage} changed, it gets an empty change.
   *
   * @returns when the first complete list has been delivered; when the store is away, the one that is remembered, if any
   */
  follow(listener: (change: PeerChange) => void): Promise<void>

  /** All leases of others, as of the last list or event. */
  peers(): ReadonlyMap<string, StoredLease>

  /** Keys in the store that are no lease, and leases that cannot be used: each is skipped alone. */
  problems(): readonly TrilaneError[]

  /** Why the store cannot be followed now. Everything known is kept meanwhile. */
  outage(): TrilaneError | undefined

  /** From now on the network's config is this one: as the former, but for where leases are taken from and for its backend. */
  configure(network: NetworkConfig): void

  /** Keeps subnets for a node that is not there yet. @throws `TRI_LEASE_CONFLICT` if they are taken or overlap */
  reserve(lease: Lease): Promise<StoredLease>

  /** Removes this node's lease from the store. */
  release(): Promise<void>

  close(): Promise<void>
}

/** What this node wants in its lease. */
export interface LeaseClaim {
  readonly publicAddresses: PerFamily<IpAddress>
  readonly backendType: string
  readonly backendData: PerFamily<JsonValue>
  /** Of the other lanes that this node can be reached by: {@link LeaseNode.lanes}. */
  readonly lanes?: NonNullable<LeaseNode['lanes']>
  /** Subnets of a former life, from `subnet.env`; taken again when nobody holds them. */
  readonly previousSubnets?: PerFamily<Prefix>
}

/** What happened to the peer set. Applying it to the former set gives the new one. */
export interface PeerChange {
  /** New or changed, by key. */
  readonly put: ReadonlyMap<string, StoredLease>
  readonly gone: ReadonlySet<string>
  /** The set is the one that was remembered; the store has not answered yet. What is not in it may still be there. */
  readonly remembered?: true
  /** Our own lease was changed or removed by somebody else; the daemon decides what follows. */
  readonly own?: 'changed' | 'lost'
  /** A new network config was written. */
  readonly configText?: string
}
