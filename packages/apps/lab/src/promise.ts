import { ipvlan } from '@trilane/backend-ipvlan'
import { macvlan } from '@trilane/backend-macvlan'
import { vxlan } from '@trilane/backend-vxlan'
import type { NetworkConfig } from '@trilane/contracts'
import type { IpAddress, PerFamily } from '@trilane/ip'
import type { LinkType } from '@trilane/testbed'

/** What a network config promises of the lab's one segment. */
export interface NetworkPromise {
  /** Backend that carries every peer. */
  readonly lane: string
  /** What the packets ride in; absent for plain ones. */
  readonly vxlan?: { readonly vni: number; readonly port: number }
  /** Whose MACs plain packets have on the segment. */
  readonly macs: 'nodes' | 'pods'
  /** Present when pods are on the nodes' own network. */
  readonly underlay?: UnderlayPromise
  /** What the kernel must be able to make. */
  readonly linkTypes: readonly LinkType[]
}

export interface UnderlayPromise {
  /** Tag of the network that pods are on; absent: the nodes' own. */
  readonly vlanId?: number
  /** As configured. */
  readonly gateways: PerFamily<IpAddress>
  readonly nodeReachesOwnPods: boolean
  readonly podsOfOneNodeMeet: boolean
  /** Nodes route for their pods, and machines that are no nodes have to be told. */
  readonly isRouted: boolean
}

/** On the lab's one segment every lane works, so the preferred one carries all. */
export function promiseOf({ backend }: NetworkConfig): NetworkPromise {
  const { type, options } = backend.lanes?.[0] ?? backend
  switch (type) {
    case vxlan.type: {
      const { vni, port } = vxlan.parseOptions(options)
      return { lane: type, vxlan: { vni, port }, macs: 'nodes', linkTypes: ['vxlan'] }
    }
    case macvlan.type: {
      const { mode, ...parsed } = macvlan.parseOptions(options)
      const underlay = underlayOf(parsed, mode === 'bridge', false)
      return { lane: type, macs: 'pods', underlay, linkTypes: ['macvlan', ...vlanType(parsed)] }
    }
    case ipvlan.type: {
      const { mode, flag, ...parsed } = ipvlan.parseOptions(options)
      const underlay = underlayOf(parsed, flag === 'bridge', mode !== 'l2')
      return { lane: type, macs: 'nodes', underlay, linkTypes: ['ipvlan', ...vlanType(parsed)] }
    }
    default:
      return { lane: type, macs: 'nodes', linkTypes: [] }
  }
}

interface ParentOptions {
  readonly vlanId?: number
  readonly gateways: PerFamily<IpAddress>
  readonly hostAccess: boolean
}

function underlayOf(
  { vlanId, gateways, hostAccess }: ParentOptions,
  podsOfOneNodeMeet: boolean,
  isRouted: boolean
): UnderlayPromise {
  const vlan = vlanId === undefined ? {} : { vlanId }
  return { ...vlan, gateways, nodeReachesOwnPods: hostAccess, podsOfOneNodeMeet, isRouted }
}

function vlanType({ vlanId }: ParentOptions): LinkType[] {
  return vlanId === undefined ? [] : ['vlan']
}
