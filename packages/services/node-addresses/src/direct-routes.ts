import { EMPTY_KERNEL_STATE, type KernelState, type Lease, type NodeFacts } from '@trilane/contracts'
import { ROUTE_PROTOCOL } from '@trilane/reconcile'
import { peerAddresses } from './peer-addresses.ts'
import { requireOnLink, type Segment } from './shared-segment.ts'

/**
 * One route per subnet of the peer, straight to the peer: `ip route replace SUBNET via PEER dev DEVICE proto 133`.
 * Without `onlink`, so that the kernel too refuses a next hop that it has no direct way to.
 *
 * @param type of the backend that asks, for messages
 * @throws TrilaneError `TRI_PEER_NOT_ON_LINK`, `TRI_PEER_FAMILY_MISSING`, `TRI_LEASE_INVALID`
 */
export function directRoutes(node: NodeFacts, peer: Lease, segment: Segment, type: string): KernelState {
  const { device } = segment
  const routes = peerAddresses(node, peer).map(({ subnet, address }) => {
    requireOnLink(peer, address, segment, type)
    return { destination: subnet, gateway: address, device, protocol: ROUTE_PROTOCOL }
  })
  return { ...EMPTY_KERNEL_STATE, routes }
}
