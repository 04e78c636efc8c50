import type { IpAddress, Mac, PerFamily, Prefix } from '@trilane/ip'
import type { AttachmentKey } from './address-pool.ts'
import type { IpvlanKind, MacvlanKind, Route, SendLimit } from './kernel-state.ts'

/** How pods of a network are plugged in, computed by its backend. */
export type PodLinkSpec = BridgedPodLink | ChildPodLink

/** A veth pair: one end in the pod, the other a port of the node's bridge. */
export interface BridgedPodLink {
  readonly type: 'bridge'
  readonly bridge: string
  readonly mtuBytes: number
  /** Lets a pod reach itself through a service address. */
  readonly hairpin: boolean
  /** Per family: the pod's gateway and the network whose length its address gets. */
  readonly families: PerFamily<PodNetwork>
}

/** A macvlan or ipvlan of a device of the node, made in the pod under its final name: nothing of it is on the node. */
export interface ChildPodLink {
  readonly type: 'child'
  /** With its mode, and in ipvlan its flag, which belong to the parent: a parent whose children have others is refused. */
  readonly kind: MacvlanKind | IpvlanKind
  readonly mtuBytes: number
  /** So long the segment is asked whether somebody has an address already before a pod gets it; 0: it is not asked. */
  readonly probeMs: number
  readonly families: PerFamily<ChildNetwork>
}

export interface ChildNetwork {
  /** The segment's network. The pod's address gets this prefix's length. */
  readonly onLink: Prefix
  /** Inside the node's slice, never given to a pod: the node's own address among its pods, the gateway, nodes. */
  readonly reserved: readonly IpAddress[]
  /** In this order: the default route, if the segment leads out; the node's own addresses. */
  readonly routes: readonly PodRoute[]
}

export interface PodNetwork {
  /** The pod's address gets this prefix's length. */
  readonly onLink: Prefix
  readonly gateway: IpAddress
  /**
   * All pods of all nodes: led to by the gateway even where another interface of the pod has its default route. Absent:
   * by the default route alone.
   */
  readonly network?: Prefix
}

/** A route in a pod's namespace, by its interface. */
export interface PodRoute extends Pick<Route, 'metric' | 'table' | 'scope'> {
  readonly destination: Prefix
  /** Absent: straight on the link. */
  readonly gateway?: IpAddress
}

/** An address that another plugin has given. */
export interface GivenAddress {
  readonly address: IpAddress
  readonly prefixLength: number
  readonly gateway?: IpAddress
}

/** What another plugin has given a pod interface (`ipam.type`): it is written as it stands. */
export interface GivenAddressing {
  /** At least one. */
  readonly addresses: readonly GivenAddress[]
  readonly routes: readonly PodRoute[]
  /** The bridge is to have the gateways' addresses; else they are somebody else's. */
  readonly bridgeIsGateway: boolean
}

/** How fast a pod may receive (`ingress`) and send (`egress`); absent: as fast as it can. */
export interface Bandwidth {
  readonly ingress?: SendLimit
  readonly egress?: SendLimit
}

/** One pod interface to plug in. */
export interface PodLinkRequest {
  readonly key: AttachmentKey
  /** Path of the pod's network namespace. */
  readonly namespace: string
  readonly addresses: PerFamily<IpAddress>
  /** Instead of what follows from {@link addresses} and the node's subnets. */
  readonly given?: GivenAddressing
  /** Instead of the one derived from network, container id and interface. */
  readonly mac?: Mac
  readonly bandwidth?: Bandwidth
}

/** A pod interface as it was plugged in. */
export interface PluggedLink {
  /** Device on the node's side; absent for a child of a parent device, which is in the pod alone. */
  readonly hostDevice?: string
  readonly hostMac?: Mac
  /** In ipvlan the parent's. */
  readonly podMac: Mac
  readonly mtuBytes: number
  /** What the host device is a port of. */
  readonly bridge?: string
  /** Of a child: what it is, and of which parent. */
  readonly child?: MacvlanKind | IpvlanKind
  /** What limits it, bursts already long enough for its longest frame. */
  readonly bandwidth?: Bandwidth
  readonly addresses: PerFamily<{
    readonly address: IpAddress
    readonly prefixLength: number
    /** Absent where no router leads out. */
    readonly gateway?: IpAddress
  }>
  /** Present when another plugin gave the addresses; {@link addresses} are the first of each family then. */
  readonly given?: GivenAddressing
  /** Its routes, unless they are {@link given}. Absent in records of former versions: a default route by each gateway. */
  readonly routes?: readonly PodRoute[]
}

/** A pod interface to look at. */
export interface PluggedPod {
  readonly key: AttachmentKey
  /** Where it should be, which another spelling of the path at `plug` may name. */
  readonly namespace: string
  /** As it was plugged in. */
  readonly link: PluggedLink
  /** Other MACs that it may have: another program was asked to change it. */
  readonly otherMacs?: readonly Mac[]
}

/**
 * Plugs pods in and out.
 */
export interface PodLinks {
  /**
   * All or nothing: after an error nothing of it is left in either namespace.
   *
   * @throws TrilaneError `TRI_NAMESPACE_INVALID`, `TRI_POD_INTERFACE_EXISTS`, `TRI_ADDRESS_IN_USE` when another machine
   *   of the segment has one of the addresses, `TRI_PARENT_BUSY`, `TRI_KERNEL_…`
   */
  plug(spec: PodLinkSpec, request: PodLinkRequest): Promise<PluggedLink>
  /**
   * Succeeds when there is nothing to remove, also when the pod's namespace is gone.
   *
   * @param namespace where it was plugged in, as far as anybody knows: a child of a parent device is nowhere else. What is
   *   there and has not this key's mark is left alone.
   */
  unplug(key: AttachmentKey, namespace?: string): Promise<void>
  /**
   * What is not as `plug` left it, one sentence for each, in the pod and in what it stands on in the node; nothing when
   * packets can flow. Changes nothing. What others added does not count.
   */
  inspect(pod: PluggedPod): Promise<readonly string[]>
  /**
   * Is anything left of it? If not, nobody uses its addresses: a namespace that ends takes its links with it.
   *
   * @param namespace as in {@link PodLinks.unplug}
   */
  isPlugged(key: AttachmentKey, namespace?: string): Promise<boolean>
}
