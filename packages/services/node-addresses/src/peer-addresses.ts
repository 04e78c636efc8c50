import { type Lease, type NodeFacts, TrilaneError } from '@trilane/contracts'
import { type Family, familiesOf, type IpAddress, type Prefix, valuesOf } from '@trilane/ip'
import { FAMILY_TEXT } from './uplink-address.ts'

/** One subnet of a peer, and where packets for it are sent. */
export interface PeerAddress {
  readonly family: Family
  readonly subnet: Prefix
  /** The peer's public address of that family. */
  readonly address: IpAddress
}

/**
 * What a peer serves and by which addresses, one entry per family that the network and the peer have.
 *
 * Families that this network does not have are left alone: the peer may be a step ahead in a change of the config.
 *
 * @throws TrilaneError `TRI_PEER_FAMILY_MISSING` for a subnet without a public address of its family;
 *   `TRI_LEASE_INVALID` for a lease whose packets must not be sent anywhere: for the whole peer, as half of one would
 *   hide the fault
 */
export function peerAddresses(node: NodeFacts, peer: Lease): PeerAddress[] {
  const { families, name } = node.network
  const found = familiesOf(families).flatMap((family) => {
    const subnet = peer.subnets[family]
    return subnet === undefined ? [] : [{ family, subnet, address: addressFor(node, peer, subnet) }]
  })
  if (found.length === 0) throw invalidLease(peer, `it has no subnet of a family of ${name}`)
  return found
}

function addressFor(node: NodeFacts, peer: Lease, subnet: Prefix): IpAddress {
  const { family } = subnet
  // A lease for somebody else's addresses must not draw their packets away: 0.0.0.0/0 would be the default route.
  const whole = node.network.families[family]?.network
  if (whole?.contains(subnet) !== true) throw invalidLease(peer, `${subnet} is outside ${whole}`)
  const address = peer.publicAddresses[family]
  if (address === undefined) {
    const values = { peer: peerName(peer), subnet, family: FAMILY_TEXT[family] }
    throw TrilaneError.of('TRI_PEER_FAMILY_MISSING', values)
  }
  if (subnet.contains(address)) {
    throw invalidLease(peer, `its address ${address} is inside its own subnet ${subnet}`)
  }
  const ours = [
    ...valuesOf(node.uplink.addresses).map((own) => own.address),
    ...valuesOf(node.publicAddresses)
  ]
  if (ours.some((own) => own.equals(address))) {
    throw invalidLease(peer, `${address} is this node's own address: another node publishes it too`)
  }
  return address
}

/** Leases of flanneld name no node. */
export function peerName(peer: Lease): string {
  return peer.node?.name ?? `the holder of ${subnetsOf(peer)}`
}

export function invalidLease(peer: Lease, problem: string): TrilaneError {
  return TrilaneError.of('TRI_LEASE_INVALID', { key: subnetsOf(peer), problem })
}

function subnetsOf(peer: Lease): string {
  return valuesOf(peer.subnets).join(' & ')
}
