import { EMPTY_KERNEL_STATE, type KernelState, type Lease, type NodeFacts } from '@trilane/contracts'
import { directRoutes, requireSharedSegment, uplinkSegment } from '@trilane/node-addresses'
import { standOn } from '@trilane/parent-device'
import { type IpvlanOptions, isRouted } from './options.ts'

/**
 * In mode `l2` nothing, as the switch leads to a peer's pods. In `l3` and `l3s` a route per subnet of the peer by the
 * parent, where what pods send is routed: Linux looks no further than at that device.
 *
 * @throws TrilaneError `TRI_PEER_NOT_ON_LINK`, in `l2` only where pods are on the nodes' own segment, the uplink's; in
 *   `l3` and `l3s` also `TRI_PEER_FAMILY_MISSING`, `TRI_LEASE_INVALID`
 */
export function peerState(node: NodeFacts, peer: Lease, options: IpvlanOptions): KernelState {
  const { device, parent } = standOn(node, options)
  if (isRouted(options)) {
    const { onLink, addresses } = parent
    return directRoutes(node, peer, { device, onLink, addresses }, 'ipvlan')
  }
  if (device === node.uplink.name) requireSharedSegment(node, peer, uplinkSegment(node), 'ipvlan')
  return EMPTY_KERNEL_STATE
}
