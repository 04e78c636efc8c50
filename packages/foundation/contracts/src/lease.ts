import type { IpAddress, PerFamily, Prefix } from '@trilane/ip'

/** What JSON can hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** A node's claim to one subnet per family, with what its peers must know. */
export interface Lease {
  /** At least one family. Together they are the lease's identity in the store. */
  readonly subnets: PerFamily<Prefix>
  /** Where peers send packets for these subnets. flannel's `PublicIP` and `PublicIPv6`. */
  readonly publicAddresses: PerFamily<IpAddress>
  /** Exact and case-sensitive, as flannel compares it: `host-gw`. Empty when the lease names none. */
  readonly backendType: string
  /** flannel's `BackendData` and `BackendV6Data`; what is in it only the backend knows. */
  readonly backendData: PerFamily<JsonValue>
  /** Our extra key `Trilane`, which flanneld ignores. Absent in leases of flanneld. */
  readonly node?: LeaseNode
}

/** Facts of our own about the holder of a lease. */
export interface LeaseNode {
  /** Who holds it, whatever its addresses are. */
  readonly machineId: string
  readonly name: string
  /**
   * Lanes that this node can be reached by besides its `backendType`, by backend type, each with that backend's lease
   * data. Absent: none. A peer reads them with {@link leaseOnLane}.
   */
  readonly lanes?: Readonly<Record<string, PerFamily<JsonValue>>>
}

/**
 * A lease as the backend of one lane reads it: with that lane's type and data.
 *
 * @returns `undefined` when the holder publishes nothing for that lane
 */
export function leaseOnLane(lease: Lease, type: string): Lease | undefined {
  if (lease.backendType === type) return lease
  const lanes = lease.node?.lanes
  const backendData = lanes !== undefined && Object.hasOwn(lanes, type) ? lanes[type] : undefined
  return backendData === undefined ? undefined : { ...lease, backendType: type, backendData }
}

/** A lease as the store holds it. */
export interface StoredLease {
  /** flannel's key below `subnets/`: `10.5.71.0-24`, `10.5.50.0-24&fd00:5:0:15::-64`. */
  readonly key: string
  readonly lease: Lease
  /** Grows with each write of this key: what compare-and-set compares. */
  readonly revision: number
  /**
   * Wall clock, ms since 1970. Absent for a reservation, which never expires. `unknown` for a lease that somebody else
   * keeps alive, in a store where asking for each one's end would cost a round trip each.
   */
  readonly expiresAtMs?: number | 'unknown'
}
