import type { IpAddress, PerFamily, Prefix, Range } from '@trilane/ip'

/**
 * One network of the cluster, as every node reads it: flannel's `net-conf.json`, checked, with defaults filled in.
 * Made by `@trilane/config` only.
 */
export interface NetworkConfig {
  /** Not in the text: the name under which this node serves it. @default 'default' */
  readonly name: string
  /** A family that is absent is disabled. At least one is there. */
  readonly families: PerFamily<FamilyConfig>
  readonly backend: {
    /** Lower case: `host-gw`. flannel's default without a `Backend` object is `udp`. */
    readonly type: string
    /** The rest of the `Backend` object as it was written; the backend parses it. */
    readonly options: Readonly<Record<string, unknown>>
    /** Which backends may carry a peer, the preferred first; `type` is among them. @default `type` alone */
    readonly lanes?: readonly LaneConfig[]
  }
  /** flannel's key: write firewall rules with nftables. Trilane always does; kept for compatibility. */
  readonly enableNftables: boolean
}

/** A backend that may carry peers of a network, and its options as they were written. */
export interface LaneConfig {
  /** Lower case, as in `backend.type`. */
  readonly type: string
  readonly options: Readonly<Record<string, unknown>>
}

export interface FamilyConfig {
  /** All pods of all nodes, host bits zero. */
  readonly network: Prefix
  /** Prefix length of each node's subnet. */
  readonly subnetLength: number
  /** Network address of the first subnet that may be leased. */
  readonly subnetMin: IpAddress
  /** Network address of the last subnet that may be leased. */
  readonly subnetMax: IpAddress
  /**
   * `Exclude`: addresses that no pod ever gets. A subnet that holds no others is not leased. Sorted, not overlapping.
   * @default none
   */
  readonly excluded?: readonly Range[]
}
