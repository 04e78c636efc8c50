import { type NodeFacts, TrilaneError } from '@trilane/contracts'
import { type Family, type IpAddress, valuesOf } from '@trilane/ip'
import type { Segment } from './shared-segment.ts'

/** For messages. */
export const FAMILY_TEXT: Readonly<Record<Family, string>> = { v4: 'IPv4', v6: 'IPv6' }

/**
 * The address by which this node sends to peers of a family of the network.
 *
 * @throws TrilaneError `TRI_UPLINK_NOT_FOUND` when the uplink has none
 */
export function uplinkAddress({ uplink, network }: NodeFacts, family: Family): IpAddress {
  const own = uplink.addresses[family]?.address
  if (own !== undefined) return own
  const text = FAMILY_TEXT[family]
  const reason = `${uplink.name} has no ${text} address, and network "${network.name}" has ${text}`
  throw TrilaneError.of('TRI_UPLINK_NOT_FOUND', { reason })
}

/** Where peers are that share the uplink's link. */
export function uplinkSegment({ uplink: { name, onLink, addresses } }: NodeFacts): Segment {
  return { device: name, onLink, addresses: valuesOf(addresses) }
}
