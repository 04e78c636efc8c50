import type { Category } from '@trilane/contracts'
import type { Family } from '@trilane/ip'
import type { Topology } from '../topology.ts'
import type { Measurements } from './measurements.ts'
import type { WalkReport } from './walk-report.ts'

/**
 * What `trilane compare --json` prints: one object, nothing else on stdout. The HTML report and the terminal's tables are
 * made of it and of nothing else. docs/compare.schema.json describes it.
 */
export interface CompareReport {
  readonly schema: 'trilane-compare/1'
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly elapsedMs: number
  readonly quick: boolean
  readonly conditions: Conditions
  /** In the order in which they were asked for, baselines first. */
  readonly modes: readonly ModeReport[]
  /** Absent when the topology is not `flat`: figures are taken on one segment. */
  readonly measurements?: Measurements
  /** One for each mode, topology and family that was tried. */
  readonly matrices: readonly MatrixReport[]
  /** One for each mode, family and packet. */
  readonly walks: readonly WalkReport[]
  /** What was asked for and could not be done, and why: sentences. */
  readonly leftOut: readonly string[]
}

/** Where the figures are from: another machine has others. */
export interface Conditions {
  readonly trilane: string
  /** `uname -sr` */
  readonly kernel: string
  readonly cpu: string
  readonly cpus: number
  /** CPU that both ends of the request/response tests are pinned to, and the two of the streams. */
  readonly pinnedTo: { readonly requests: number; readonly streams: readonly number[] }
  /** Load of the machine (1 minute) before the first measurement. */
  readonly load: number
  /** Of the nodes' uplinks while measuring, as `ethtool -k` names them: `tcp-segmentation-offload: on`. */
  readonly offloads: readonly string[]
  /** Per mode: nft rules and queueing disciplines other than `noqueue` that its packets pass, each as its tool prints it. */
  readonly rules: readonly { readonly mode: string; readonly text: string }[]
  /** Handicaps that were asked for, as sentences. */
  readonly handicaps: readonly string[]
}

export { TOPOLOGIES, type Topology } from '../topology.ts'

/** A way of networking that is compared, or one run of it: `host-gw` asked for twice is `host-gw` and `host-gw#2`. */
export interface ModeReport {
  /** Unique in the report: `vxlan`, `vxlan-direct`, `host-gw`, `macvlan`, `ipvlan-l2`, `ipvlan-l3`, `node`, `veth`. */
  readonly id: string
  /** For people: `vxlan with DirectRouting`. */
  readonly title: string
  /** Absent for a baseline. */
  readonly category?: Category
  /** `node`: node to node, no pods. `veth`: two namespaces and one pair of devices, no node. */
  readonly baseline: boolean
  /** `measured` here; `function`: it works, in a guest kernel, whose speed says nothing; `absent`: see {@link absence}. */
  readonly ran: 'measured' | 'function' | 'absent'
  /** Why it did not run. */
  readonly absence?: string
  /** Bytes that a packet has on the wire beyond the pods' own, by the family of the pods: as observed; absent when it was not. */
  readonly addedBytes: Readonly<Partial<Record<Family, number>>>
  /** What the backend's traits promise. Absent for a baseline. */
  readonly promisedBytes?: Readonly<Record<Family, number>>
  /** MTU of the pods with one family (v4) and, where tried, with both. */
  readonly mtuBytes?: { readonly single: number; readonly dual?: number }
  /** Counted in a node's kernel: what one more peer, and one more pod, brings. Absent for a baseline. */
  readonly objects?: { readonly perPeer: ObjectCounts; readonly perPod: ObjectCounts }
}

/** Kernel objects by kind. */
export interface ObjectCounts {
  readonly links: number
  readonly addresses: number
  readonly routes: number
  readonly neighbours: number
  readonly fdb: number
}

/** Who reaches whom in one mode. */
export interface MatrixReport {
  readonly mode: string
  readonly topology: Topology
  readonly family: Family
  readonly cells: readonly MatrixCell[]
  /** Lanes in use between nodes, as the status names them: `node1 → node3: vxlan – in place of host-gw: …`; or `none – …`. */
  readonly lanes: readonly string[]
}

/** The questions of the matrix, in the order in which they are shown. */
export const WAYS = [
  'pod → pod, same node',
  'pod → pod, other node',
  'pod → pod, behind the router',
  'node → own pod',
  'pod → own node',
  'node → remote pod',
  'pod → outside, its own address',
  'pod → outside, masqueraded',
  'outside → pod'
] as const

export type WayName = (typeof WAYS)[number]

export interface MatrixCell {
  readonly way: WayName
  /** `not-applicable`: the topology or the config has no such thing, as {@link reason} says. */
  readonly answer: 'yes' | 'no' | 'not-applicable'
  /** Of a no: a sentence of the product's status or doctor, or of a daemon that did not start. */
  readonly reason?: string
  /** Where the reason is from. */
  readonly reasonFrom?: 'status' | 'doctor' | 'daemon' | 'config' | 'unexplained'
  /** `192.0.2.1 → 192.0.2.2` */
  readonly packet: string
}
