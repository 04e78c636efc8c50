import type { Family, IpAddress, Prefix } from '@trilane/ip'

/** What one place – a network namespace: a pod, a node, a switch, a router – has in its kernel's tables, as plain data. */
export interface PlaceTables {
  /** `node1/pod1`, `node1`, `segment`. Unique. */
  readonly name: string
  readonly kind: 'pod' | 'node' | 'switch' | 'router' | 'host'
  readonly links: readonly LinkRow[]
  readonly addresses: readonly AddressRow[]
  readonly routes: readonly RouteRow[]
  /** In the order in which they are asked. */
  readonly rules: readonly RuleRow[]
  readonly neighbours: readonly NeighbourRow[]
  readonly fdb: readonly FdbRow[]
  /** By the name that `sysctl` gives them: `net.ipv4.conf.flannel/1.forwarding`. */
  readonly sysctls: ReadonlyMap<string, string>
  readonly filters: readonly FilterRow[]
}

/** A device, of this place or of another. */
export interface DeviceAt {
  readonly place: string
  readonly device: string
}

export interface LinkRow {
  readonly device: string
  /** `veth`, `bridge`, `vxlan`, `macvlan`, `ipvlan`, `vlan`, `loopback`; empty for a card. */
  readonly kind: string
  readonly isUp: boolean
  readonly hasCarrier: boolean
  readonly mac: string
  readonly mtuBytes: number
  /** It neither asks for neighbours nor is asked. */
  readonly noArp: boolean
  /** Bridge that it is a port of. */
  readonly master?: string
  /** As a port: a frame may leave by the port that it came by. */
  readonly hairpin?: boolean
  /** The other end of a veth; absent when nobody here knows it. */
  readonly peer?: DeviceAt
  /** What a macvlan, an ipvlan or a VLAN stands on. */
  readonly parent?: DeviceAt
  /** Of a macvlan or an ipvlan: `bridge`, `private`, `vepa`, `l2`, `l3`, `l3s`. */
  readonly mode?: string
  readonly vlanId?: number
  readonly vxlan?: VxlanRow
}

export interface VxlanRow {
  readonly vni: number
  readonly port: number
  readonly local?: IpAddress
  /** Device of the outer packets, when it is bound to one. */
  readonly parent?: string
  /** Of the outer packets; 0: as any packet of the node. */
  readonly ttl: number
}

export interface AddressRow {
  readonly device: string
  readonly address: IpAddress
}

export interface RouteRow {
  readonly table: string
  /** `unicast`, `local`, `broadcast`, `multicast`, `anycast`, `unreachable`, `blackhole`, `prohibit`, `throw`. */
  readonly type: string
  readonly prefix: Prefix
  readonly device?: string
  readonly gateway?: IpAddress
  readonly source?: IpAddress
  readonly metric: number
  /** Of the route alone. */
  readonly mtuBytes?: number
  readonly isDead: boolean
  /** As `ip route` prints it. */
  readonly text: string
}

/** Whoever is asked: `from`, `to` and `iif` are all that is understood. */
export interface RuleRow {
  readonly family: Family
  readonly table: string
  readonly from?: Prefix
  readonly to?: Prefix
  readonly iif?: string
  /** It asks for something else as well, such as a mark, and is passed over. */
  readonly isForeign: boolean
  readonly text: string
}

export interface NeighbourRow {
  readonly device: string
  readonly address: IpAddress
  readonly mac?: string
  /** `REACHABLE`, `STALE`, `PERMANENT`, `FAILED`, … */
  readonly state: string
  readonly text: string
}

export interface FdbRow {
  /** A bridge's port, or the tunnel. */
  readonly device: string
  readonly mac: string
  /** Of a tunnel's row: where frames are sent. */
  readonly remote?: IpAddress
  /** Of a bridge's row. */
  readonly bridge?: string
  /** The bridge's own MAC, or a port's: taken in, not passed on. */
  readonly isLocal: boolean
  readonly text: string
}

/** A rule of the packet filter. Matches that are absent match everything. */
export interface FilterRow {
  /** Table and chain: in each chain the first rule that a packet meets decides, and one drop is enough. */
  readonly chain: string
  /** `bridge`: while a switch passes frames on. */
  readonly hook: 'forward' | 'input' | 'output' | 'bridge'
  readonly family?: Family
  readonly from?: Prefix
  readonly to?: Prefix
  readonly iif?: string
  readonly oif?: string
  /** `icmp`, `icmpv6`, `tcp`, `udp` */
  readonly protocol?: string
  readonly destinationPort?: number
  readonly verdict: 'accept' | 'drop'
  readonly text: string
}
