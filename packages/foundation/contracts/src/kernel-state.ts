import type { IpAddress, Mac, Prefix } from '@trilane/ip'

/**
 * Kernel networking state as plain data.
 *
 * As a **wish**, an absent optional field means "not mine to say": it is neither written nor compared.
 * As a **reading** ({@link KernelSnapshot}), every field that the kernel reports is there.
 * Devices are named, never numbered: indexes change when a device is made again.
 */
export interface KernelState {
  readonly links: readonly Link[]
  readonly addresses: readonly InterfaceAddress[]
  readonly routes: readonly Route[]
  readonly neighbours: readonly Neighbour[]
  readonly fdb: readonly FdbEntry[]
  readonly sysctls: readonly Sysctl[]
}

/** Nothing wanted. */
export const EMPTY_KERNEL_STATE: KernelState = {
  links: [],
  addresses: [],
  routes: [],
  neighbours: [],
  fdb: [],
  sysctls: []
}

/** A network device. Key: `name`. */
export interface Link {
  readonly name: string
  readonly kind: LinkKind
  readonly mtuBytes?: number
  readonly mac?: Mac
  /** Administratively up. */
  readonly up?: boolean
  /** Name of the bridge it is a port of; `null` for none. */
  readonly master?: string | null
  /** Bridge port only: a frame may leave by the port it came in, so that a pod reaches itself through a service. */
  readonly hairpin?: boolean
  /** `ifalias`, up to 255 bytes: where our mark stands. */
  readonly alias?: string
  /**
   * How fast it may send: everything waits in one token bucket. Setting only, not in a creation. A reading has it of
   * devices that were asked for by name, and its burst as the kernel's clock of 64 ns has rounded it.
   */
  readonly sendLimit?: SendLimit
  /**
   * Creation only: path of the network namespace that the device is made in, under its final name.
   * Never read back.
   */
  readonly namespace?: string
}

/** A token bucket. */
export interface SendLimit {
  /** 1 or more */
  readonly bytesPerSecond: number
  /** What may be sent at once after a pause; below the device's longest frame, long frames never pass. */
  readonly burstBytes: number
}

/** What a device is, with the attributes that belong to its type; optional ones as in {@link KernelState}. */
export type LinkKind =
  | { readonly type: 'bridge' }
  | VethKind
  | VxlanKind
  | MacvlanKind
  | IpvlanKind
  | VlanKind
  /** Reading only: anything else, by the kernel's name (`''` for a physical device). */
  | { readonly type: 'other'; readonly kernelType: string }

export interface VethKind {
  readonly type: 'veth'
  /** Creation only: the other end. A reading does not have it. */
  readonly peer?: {
    readonly name: string
    /** Path of the namespace the other end is made in. Default: this one. */
    readonly namespace?: string
    readonly mtuBytes?: number
    readonly mac?: Mac
  }
}

export interface VxlanKind {
  readonly type: 'vxlan'
  /** VXLAN network identifier, 0 to 16777215. */
  readonly vni: number
  /** UDP destination port. Default of Linux: 8472 (IANA's is 4789). */
  readonly port?: number
  /** Device that the outer packets leave by. */
  readonly parent?: string
  /** Source of the outer packets; its family is the underlay's. */
  readonly local?: IpAddress
  readonly learning?: boolean
  /** Group Based Policy extension. */
  readonly gbp?: boolean
}

export interface MacvlanKind {
  readonly type: 'macvlan'
  readonly parent: string
  readonly mode?: 'bridge' | 'private' | 'vepa' | 'passthru'
}

export interface IpvlanKind {
  readonly type: 'ipvlan'
  readonly parent: string
  /** Belongs to the parent: all its children share the last mode that was set. */
  readonly mode?: 'l2' | 'l3' | 'l3s'
  readonly flag?: 'bridge' | 'private' | 'vepa'
}

export interface VlanKind {
  readonly type: 'vlan'
  readonly parent: string
  /** 802.1q tag, 1 to 4094. */
  readonly vlanId: number
}

/** An address on a device. Key: `device`, `address`, `prefixLength`. */
export interface InterfaceAddress {
  readonly device: string
  readonly address: IpAddress
  readonly prefixLength: number
  /** IPv6: use at once, without duplicate address detection. Creation only; a reading does not have it. */
  readonly skipDad?: boolean
}

/** Where and how packets to `destination` go. Key: `table`, `destination`, `metric`. */
export interface Route {
  readonly destination: Prefix
  /** @default 'unicast' */
  readonly type?:
    | 'unicast'
    | 'blackhole'
    | 'unreachable'
    | 'prohibit'
    | 'local'
    | 'broadcast'
    | 'anycast'
    | 'multicast'
  readonly gateway?: IpAddress
  readonly device?: string
  /** The gateway is taken to be on-link even if no address of the device covers it. */
  readonly onlink?: boolean
  /** Preferred source. */
  readonly source?: IpAddress
  /** Lower wins. Default of Linux: 0 for IPv4, 1024 for IPv6; a reading always has it. */
  readonly metric?: number
  /** @default 254, the main table */
  readonly table?: number
  /** Who installed it (rtnetlink(7), `rtm_protocol`). Ours is 133; `kernel` is 2, `boot` 3, `static` 4. */
  readonly protocol?: number
  /** @default 'link' without a gateway, else 'global' */
  readonly scope?: 'global' | 'site' | 'link' | 'host' | 'nowhere'
  /** Reading only: a route with several next hops; `gateway` and `device` are absent then. */
  readonly nextHops?: readonly {
    readonly gateway?: IpAddress
    readonly device?: string
    readonly weight: number
  }[]
}

/** Which MAC an address on a device's segment has. Key: `device`, `address`. */
export interface Neighbour {
  readonly device: string
  readonly address: IpAddress
  /** Absent in a reading of an incomplete or failed entry. */
  readonly mac?: Mac
  /** @default 'permanent' */
  readonly state?: 'permanent' | 'noarp' | 'reachable' | 'stale' | 'delay' | 'probe' | 'incomplete' | 'failed'
}

/**
 * Where a VXLAN device sends frames for a MAC. Key: `device`, `mac`; also `destination` for a group MAC and for
 * 00:00:00:00:00:00, which alone may have several.
 */
export interface FdbEntry {
  readonly device: string
  readonly mac: Mac
  /** Outer destination. */
  readonly destination: IpAddress
}

/** A kernel parameter. Key: `key`. Never removed: there is no former value to go back to. */
export interface Sysctl {
  /** Below /proc/sys, with slashes, as a device name may have dots: `net/ipv4/conf/eth0.100/forwarding`. */
  readonly key: string
  readonly value: string
}

/** The objects of a {@link KernelState} by kind. */
export interface KernelObjects {
  readonly link: Link
  readonly address: InterfaceAddress
  readonly route: Route
  readonly neighbour: Neighbour
  readonly fdb: FdbEntry
  readonly sysctl: Sysctl
}

export type KernelObjectKind = keyof KernelObjects

/** One object with its kind beside it. */
export type KernelObject = {
  readonly [Kind in KernelObjectKind]: { readonly kind: Kind; readonly value: KernelObjects[Kind] }
}[KernelObjectKind]

/** A device as the kernel has it. */
export interface LinkReading extends Link {
  readonly index: number
  readonly mtuBytes: number
  readonly up: boolean
  /** A cable is plugged in, the other end is up. False while the device is down. */
  readonly carrier: boolean
  /**
   * The kernel has done what follows from the carrier (RFC 2863 operational state): a bridge port forwards from now on.
   * Comes a moment after `carrier`, from a work queue.
   */
  readonly operational: boolean
  readonly master: string | null
  /** Absent for devices without hardware addresses (tunnels of layer 3). */
  readonly mac?: Mac
  readonly loopback: boolean
  /** It is an 802.11 station. Absent: it is not, or that cannot be told in this namespace. */
  readonly wireless?: true
}

/** An address as the kernel has it. */
export interface InterfaceAddressReading extends InterfaceAddress {
  readonly scope: 'global' | 'site' | 'link' | 'host' | 'nowhere'
  /** Not from DHCP or router advertisements. */
  readonly permanent: boolean
  /** IPv6: not usable yet (duplicate address detection runs), or refused by it. */
  readonly tentative: boolean
  readonly deprecated: boolean
  /** IPv6 privacy address; in IPv4 a secondary address. */
  readonly temporary: boolean
}

/** What was read. Only what the {@link ReadScope} asked for is filled; the rest is empty. */
export interface KernelSnapshot extends KernelState {
  readonly links: readonly LinkReading[]
  readonly addresses: readonly InterfaceAddressReading[]
}
