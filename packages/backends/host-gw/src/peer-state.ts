import type { KernelState, Lease, NodeFacts } from '@trilane/contracts'
import { directRoutes, uplinkSegment } from '@trilane/node-addresses'

/** One route per subnet of the peer, by the uplink. */
export function peerState(node: NodeFacts, peer: Lease): KernelState {
  return directRoutes(node, peer, uplinkSegment(node), 'host-gw')
}
