import type { Family } from '@trilane/ip'
import type { HopRole, TableRow, WalkFrame } from '@trilane/packet-way'

export type { HopRole, Layer, TableRow, WalkFrame } from '@trilane/packet-way'

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
