import {
  EMPTY_KERNEL_STATE,
  type KernelState,
  type Lease,
  type NodeFacts,
  type Route,
  TrilaneError,
  type Uplink
} from '@trilane/contracts'
import { type Family, familiesOf, type IpAddress, type Prefix, valuesOf } from '@trilane/ip'
import { ROUTE_PROTOCOL } from '@trilane/reconcile'

/**
 * One route per subnet of the peer: `ip route replace SUBNET via PEER dev UPLINK proto 133`. Without `onlink`, so that
 * the kernel too refuses a next hop that it has no direct way to.
 *
 * Families that this network does not have are left alone: the peer may be a step ahead in a change of the config.
 */
export function peerState(node: NodeFacts, peer: Lease): KernelState {
  const families = familiesOf(node.network.families).filter((family) => peer.subnets[family] !== undefined)
  if (families.length === 0) throw invalid(peer, `it has no subnet of a family of ${node.network.name}`)
  return { ...EMPTY_KERNEL_STATE, routes: families.flatMap((family) => routeTo(node, peer, family)) }
}

function routeTo(node: NodeFacts, peer: Lease, family: Family): Route[] {
  const { uplink, network } = node
  const destination = peer.subnets[family]
  const whole = network.families[family]?.network
  if (destination === undefined || whole === undefined) return []
  // A lease for somebody else's addresses must not draw their packets away: 0.0.0.0/0 would be the default route.
  if (!whole.contains(destination)) throw invalid(peer, `${destination} is outside ${whole}`)
  return [
    { destination, gateway: nextHop(node, peer, destination), device: uplink.name, protocol: ROUTE_PROTOCOL }
  ]
}

function nextHop(node: NodeFacts, peer: Lease, subnet: Prefix): IpAddress {
  const { uplink } = node
  const { family } = subnet
  const gateway = peer.publicAddresses[family]
  if (gateway === undefined) {
    const values = { peer: nameOf(peer), subnet, family: family === 'v4' ? 'IPv4' : 'IPv6' }
    throw TrilaneError.of('TRI_PEER_FAMILY_MISSING', values)
  }
  if (subnet.contains(gateway))
    throw invalid(peer, `its address ${gateway} is inside its own subnet ${subnet}`)
  const ours = [
    ...valuesOf(uplink.addresses).map(({ address }) => address),
    ...valuesOf(node.publicAddresses)
  ]
  if (ours.some((address) => address.equals(gateway))) {
    throw notOnLink(
      uplink,
      peer,
      gateway,
      `${gateway} is this node's own address: another node publishes it too`
    )
  }
  if (!isOnLink(uplink, gateway)) throw notOnLink(uplink, peer, gateway)
  return gateway
}

/** IPv6 link-local addresses are on every link; those of IPv4 only where the link has a route for them. */
function isOnLink(uplink: Uplink, address: IpAddress): boolean {
  if (address.family === 'v6' && address.isLinkLocal) return true
  return uplink.onLink.some((prefix) => prefix.contains(address))
}

function notOnLink(uplink: Uplink, peer: Lease, peerAddress: IpAddress, details?: string): TrilaneError {
  const own = uplink.addresses[peerAddress.family]
  const localAddress =
    own === undefined ? 'without an address of that family' : `${own.address}/${own.prefixLength}`
  const values = { peer: nameOf(peer), peerAddress, device: uplink.name, localAddress }
  return TrilaneError.of('TRI_PEER_NOT_ON_LINK', values, details === undefined ? {} : { details })
}

function invalid(peer: Lease, problem: string): TrilaneError {
  return TrilaneError.of('TRI_LEASE_INVALID', { key: valuesOf(peer.subnets).join(' & '), problem })
}

/** Leases of flanneld name no node. */
function nameOf(peer: Lease): string {
  return peer.node?.name ?? `the holder of ${valuesOf(peer.subnets).join(' & ')}`
}
