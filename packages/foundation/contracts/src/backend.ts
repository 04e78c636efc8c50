import type { PerFamily } from '@trilane/ip'
import type { IpvlanKind, KernelState, MacvlanKind } from './kernel-state.ts'
import type { JsonValue, Lease } from './lease.ts'
import type { NodeFacts } from './node-facts.ts'
import type { PodLinkSpec } from './pod-link.ts'

/** overlay: rides on the nodes' network · route: is routed by it · underlay: is part of it. */
export type Category = 'overlay' | 'route' | 'underlay'

/**
 * A way of carrying pod packets between nodes: a pure function from facts to kernel state.
 *
 * No method does I/O, keeps memory, reads a clock or waits. Equal arguments give equal results, so
 * that a second pass writes nothing. Addresses of both families go through the same code.
 *
 * The union of `nodeState` and of `peerState` of every peer is what this node's kernel should hold;
 * making it so, repairing it and removing it is the reconciler's work, never the backend's.
 *
 * @typeParam Options what `parseOptions` returns
 * @typeParam LeaseData what one node tells the others about itself, per family
 */
export interface Backend<Options = unknown, LeaseData extends JsonValue = JsonValue> {
  /** As in `Backend.Type`, in leases and in logs: `vxlan`. Lower case. */
  readonly type: string

  readonly category: Category

  /** One line for lists: when to choose it. */
  readonly summary: string

  readonly traits: BackendTraits

  /**
   * The options below `Backend` of the network config. Keys are matched without regard to case; unknown
   * keys are ignored as flannel ignores them (`trilane config check` names them).
   *
   * @param raw the `Backend` object without `Type`
   * @throws TrilaneError `TRI_CONFIG_INVALID` with the path of the wrong field and what is allowed
   */
  parseOptions(raw: Readonly<Record<string, unknown>>): Options

  /** The keys that {@link parseOptions} knows, as documented: for "nearest good name" and for the docs. */
  readonly optionNames: readonly string[]

  /** Those of {@link optionNames} that may change while pods talk and other nodes have the former value. @default none */
  readonly liveOptionNames?: readonly string[]

  /**
   * What this node publishes in its lease for the peers. An absent family has no data of its own.
   * Goes into flannel's `BackendData` and `BackendV6Data`, byte for byte.
   *
   * @param former this node's lease as its peers know it now, perhaps written by flanneld: what they would have to
   *   learn anew, while packets are lost, stays as it is there. Absent: they know none.
   */
  leaseData(node: NodeFacts, options: Options, former?: Lease): PerFamily<LeaseData>

  /**
   * What this node needs to carry packets to and from other nodes, whoever they are: a tunnel device, its address,
   * sysctls. Nothing that pods stand on ({@link Backend.podState}): a backend may carry only some peers of a network
   * whose pods another one plugs in.
   *
   * @param lease with what {@link Backend.leaseData} returned, as the backend's own data or on its lane
   */
  nodeState(node: NodeFacts, lease: Lease, options: Options): KernelState

  /**
   * What makes one peer's subnets reachable from this node.
   *
   * @throws TrilaneError when this backend cannot carry that peer (`TRI_PEER_NOT_ON_LINK`,
   *   `TRI_PEER_FAMILY_MISSING`, `TRI_LEASE_INVALID`). Families that can be carried are carried
   *   only if all can: half a peer would hide the fault.
   */
  peerState(node: NodeFacts, peer: Lease, options: Options): KernelState

  /**
   * The device whose children the pods' devices are, when the options name one; else it is the uplink. Only of backends
   * whose {@link BackendTraits.podsOnNodeNetwork} is true; the daemon looks it up as {@link NodeFacts.parent}.
   */
  parentDevice?(options: Options): string | undefined

  /** As what pods' devices are made on `device`. Of the same backends as {@link parentDevice}. */
  podKind?(options: Options, device: string): MacvlanKind | IpvlanKind

  /**
   * Devices whose names follow from the options alone: of two networks of a node only one can have them.
   *
   * @default none
   */
  deviceNames?(options: Options): readonly string[]

  /**
   * Who of one node does not reach whom by these options, and why: not a fault, and to be said before somebody looks for one.
   *
   * @default none
   */
  separations?(options: Options): readonly Separation[]

  /** How this node's pods are plugged in, were this backend to carry every peer. */
  podLink(node: NodeFacts, lease: Lease, options: Options): PodLinkSpec

  /**
   * What pods that are plugged in by `link` stand on in this node: their bridge, gateway addresses, forwarding.
   *
   * @param link what {@link Backend.podLink} returned, its MTU perhaps lowered to that of the network's other lanes
   */
  podState(node: NodeFacts, lease: Lease, link: PodLinkSpec): KernelState
}

export interface Separation {
  readonly between: 'node and own pods' | 'pods of one node'
  /** Half a sentence: `in mode l3 nothing passes from a node to its own pods`. */
  readonly reason: string
}

/** What the agent, the compliance suite, the docs and the comparison may rely on. */
export interface BackendTraits {
  /**
   * Bytes added to every packet on the wire, by the family of the nodes' network. Pod MTU = uplink MTU − this.
   * vxlan over IPv4: 50 = 14 inner Ethernet + 8 VXLAN + 8 UDP + 20 IPv4.
   */
  readonly overheadBytes: Readonly<Record<'v4' | 'v6', number>>
  /** Peers must share the uplink's L2 segment. If true, `peerState` refuses others with `TRI_PEER_NOT_ON_LINK`. */
  readonly needsSharedLink: boolean
  /**
   * A peer can be sent to without publishing anything for it: every node that forwards for its pods receives so.
   * If false, only peers whose leases carry this backend's data are.
   */
  readonly servesEveryPeer: boolean
  /** The node itself reaches its own pods without further options. If false, health checks must run elsewhere. */
  readonly hostReachesPods: boolean
  /** The nodes' network sees one MAC per pod. If true, a switch port that accepts one MAC carries no pods. */
  readonly podsHaveOwnMac: boolean
  /** Pods are addressed out of the nodes' own network: leases are slices of it, and the physical router is their gateway. */
  readonly podsOnNodeNetwork: boolean
}
