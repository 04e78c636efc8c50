import type { Family } from '@trilane/ip'

/** One packet's way from a pod to another node's pod, as predicted and as captured. */
export interface WalkReport {
  readonly mode: string
  readonly family: Family
  readonly packet: 'ping' | 'tcp'
  readonly from: string
  readonly to: string
  readonly source: string
  readonly destination: string
  readonly hops: readonly WalkHop[]
  /** Every hop was predicted and observed, and they are equal. */
  readonly equal: boolean
  /** The largest frame on the way less the frame that the pod sent. */
  readonly addedBytes: number
  /** Where the prediction says that it ends, and why, when it does not arrive. */
  readonly broken?: string
}

/** A device that the frame passes. */
export interface WalkHop {
  /** `node1/pod1`, `node1`, `segment`, `router`, `node2` */
  readonly place: string
  /** As it is called there: `eth0`, `cni0`, `flannel.1`. */
  readonly device: string
  readonly role: HopRole
  readonly direction: 'out' | 'in'
  /** The rows that decide what is done here. */
  readonly rows: readonly TableRow[]
  /** As predicted; absent when it was not predicted. */
  readonly predicted?: WalkFrame
  /** As captured; absent when nothing was seen. */
  readonly observed?: WalkFrame
  /** ns since the first hop, by the kernel's clock. */
  readonly afterNs?: number
  /** Of fields in {@link WalkFrame.layers} that differ from the hop before: `ipv4.ttl`. */
  readonly changed: readonly string[]
  /** Against the hop before; negative where a header is taken off. */
  readonly addedBytes: number
  readonly equal: boolean
}

export type HopRole = 'pod' | 'host end' | 'bridge' | 'tunnel' | 'uplink' | 'switch' | 'router'

/** A row of a kernel table, as its tool prints it. */
export interface TableRow {
  readonly table: 'route' | 'rule' | 'neighbour' | 'fdb' | 'link' | 'address' | 'sysctl' | 'filter'
  readonly text: string
  /** That shows it: `ip -n … route get …`. */
  readonly command: string
}

/** A frame, outermost header first: with VXLAN ethernet, ipv4, udp, vxlan, ethernet, ipv4, icmp. */
export interface WalkFrame {
  /** Whole frame with its Ethernet header, without preamble and check sum. */
  readonly bytes: number
  readonly layers: readonly Layer[]
}

export interface Layer {
  readonly name: 'ethernet' | 'vlan' | 'arp' | 'ipv4' | 'ipv6' | 'udp' | 'tcp' | 'icmp' | 'icmpv6' | 'vxlan'
  /** Of this header alone. */
  readonly bytes: number
  /** As texts, in the order of the header: `source`, `destination`, `ttl`. A prediction leaves out what the sender chooses. */
  readonly fields: Readonly<Record<string, string>>
}
