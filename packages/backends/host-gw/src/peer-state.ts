import {
  EMPTY_KERNEL_STATE,
  type KernelState,
  type Lease,
  type NodeFacts,
  TrilaneError,
  type Uplink
} from '@trilane/contracts'
import type { IpAddress } from '@trilane/ip'
import { peerAddresses, peerName } from '@trilane/node-addresses'
import { ROUTE_PROTOCOL } from '@trilane/reconcile'

/**
 * One route per subnet of the peer: `ip route replace SUBNET via PEER dev UPLINK proto 133`. Without `onlink`, so that
 * the kernel too refuses a next hop that it has no direct way to.
 */
export function peerState(node: NodeFacts, peer: Lease): KernelState {
  const { uplink } = node
  const routes = peerAddresses(node, peer).map(({ subnet, address }) => {
    if (!isOnLink(uplink, address)) throw notOnLink(uplink, peer, address)
    return { destination: subnet, gateway: address, device: uplink.name, protocol: ROUTE_PROTOCOL }
  })
  return { ...EMPTY_KERNEL_STATE, routes }
}

/** IPv6 link-local addresses are on every link; those of IPv4 only where the link has a route for them. */
function isOnLink(uplink: Uplink, address: IpAddress): boolean {
  if (address.family === 'v6' && address.isLinkLocal) return true
  return uplink.onLink.some((prefix) => prefix.contains(address))
}

function notOnLink(uplink: Uplink, peer: Lease, peerAddress: IpAddress): TrilaneError {
  const own = uplink.addresses[peerAddress.family]
  const localAddress =
    own === undefined ? 'without an address of that family' : `${own.address}/${own.prefixLength}`
  const values = { peer: peerName(peer), peerAddress, device: uplink.name, localAddress }
  return TrilaneError.of('TRI_PEER_NOT_ON_LINK', values)
}
