import { type Lease, type NodeFacts, TrilaneError } from '@trilane/contracts'
import { familiesOf, type IpAddress, type Prefix } from '@trilane/ip'
import { peerName } from './peer-addresses.ts'

/** A device and what is on its link. */
export interface Segment {
  readonly device: string
  /** Networks of its addresses and of its routes without a gateway. */
  readonly onLink: readonly Prefix[]
  /** Its own. */
  readonly addresses: readonly { readonly address: IpAddress; readonly prefixLength: number }[]
}

/**
 * The peer must be on the segment by every public address of a family of the network; one that publishes none cannot be
 * told.
 *
 * @param type of the backend that asks, for the message
 * @throws TrilaneError `TRI_PEER_NOT_ON_LINK`
 */
export function requireSharedSegment(node: NodeFacts, peer: Lease, segment: Segment, type: string): void {
  for (const family of familiesOf(node.network.families)) {
    const address = peer.publicAddresses[family]
    if (address !== undefined) requireOnLink(peer, address, segment, type)
  }
}

/** @throws TrilaneError `TRI_PEER_NOT_ON_LINK` */
export function requireOnLink(peer: Lease, peerAddress: IpAddress, segment: Segment, type: string): void {
  if (isOnLink(segment, peerAddress)) return
  const own = segment.addresses.find(({ address }) => address.family === peerAddress.family)
  const localAddress =
    own === undefined ? 'without an address of that family' : `${own.address}/${own.prefixLength}`
  const values = { type, peer: peerName(peer), peerAddress, device: segment.device, localAddress }
  throw TrilaneError.of('TRI_PEER_NOT_ON_LINK', values)
}

/** IPv6 link-local addresses are on every link; those of IPv4 only where the link has a route for them. */
function isOnLink({ onLink }: Segment, address: IpAddress): boolean {
  if (address.family === 'v6' && address.isLinkLocal) return true
  return onLink.some((prefix) => prefix.contains(address))
}
