import type { IpAddress, Mac, PerFamily, Prefix } from '@trilane/ip'
import type { IpvlanKind, LinkKind, MacvlanKind } from './kernel-state.ts'
import type { NetworkConfig } from './network-config.ts'

/** What is true of this node right now. Immutable; when something changes, a new one is made. */
export interface NodeFacts {
  /** For people: the host name unless configured. */
  readonly name: string
  /** Identity that survives reboots and address changes: /etc/machine-id. */
  readonly machineId: string
  /** The network that these facts are for: {@link NetworkConfig.name}. */
  readonly network: NetworkConfig
  readonly uplink: Uplink
  /**
   * Addresses by which peers reach this node, published in its lease. Usually the uplink's own; with
   * `--public-ip` any other (behind NAT).
   */
  readonly publicAddresses: PerFamily<IpAddress>
  /** Name of the bridge that pods of routed networks are ports of. @default 'cni0', flannel's */
  readonly bridge: string
  /**
   * Linux runs with IPv6 here, whatever the network has: new devices take addresses and router advertisements by
   * themselves. @default false
   */
  readonly kernelHasIpv6?: boolean
  /**
   * MAC of the bridge as the daemon found it when it started: pods that are plugged in, by flannel perhaps, send to it.
   * Absent: there was none.
   */
  readonly bridgeMac?: Mac
  /**
   * The device whose children the pods' devices are: what the backend's options name ({@link Backend.parentDevice}), else
   * the uplink. Present for networks whose pods are on the nodes' own network.
   */
  readonly parent?: ParentDevice
  /** As far as {@link parent}. What changes of it alone is no news: it says what stays, when something else changes. */
  readonly pods?: PodsHere
}

/** What pods of one network on the nodes' own network have on this node, when the facts were read. */
export interface PodsHere {
  /** Reserved for pods, whatever slice or config they are of. */
  readonly addresses: readonly IpAddress[]
  /** The node's own among them, now: on its own device beside theirs. Those by which pods of a former slice know it, too. */
  readonly nodeAddresses: readonly IpAddress[]
  /** What the devices of those that are plugged in were made as, each kind once. */
  readonly kinds: readonly (MacvlanKind | IpvlanKind)[]
}

/** A device of the node that macvlan, ipvlan and 802.1q devices can stand on, as it is now. */
export interface ParentDevice {
  readonly name: string
  readonly index: number
  readonly mtuBytes: number
  readonly mac?: Mac
  /** As somebody set it: pods on it hear nobody, and Linux makes none more. */
  readonly isDown?: true
  /** An access point drops frames of MACs that have not joined: no macvlan. */
  readonly isWireless: boolean
  /** Its own addresses. */
  readonly addresses: readonly { readonly address: IpAddress; readonly prefixLength: number }[]
  /** What its segment holds, as {@link Uplink.onLink}. */
  readonly onLink: readonly Prefix[]
  /** Of the default routes by it. */
  readonly gateways: PerFamily<IpAddress>
  /**
   * What stands on it and on its VLANs in the node's own namespace, without what this network's daemon made there; those in
   * pods Linux does not show. An ipvlan's mode and flag are those of all ipvlans of its parent.
   */
  readonly children: readonly { readonly name: string; readonly kind: LinkKind; readonly alias?: string }[]
}

/** The device that leads to the other nodes. */
export interface Uplink {
  readonly name: string
  readonly index: number
  readonly mtuBytes: number
  readonly mac?: Mac
  /** The node's own address on it. */
  readonly addresses: PerFamily<{ readonly address: IpAddress; readonly prefixLength: number }>
  /** What its segment holds: the networks of its addresses and its routes without a gateway. */
  readonly onLink: readonly Prefix[]
}
