import type { AddressHolder, DhcpOffer, ParentDevice } from '@trilane/contracts'
import type { Family, IpAddress, PerFamily, Range } from '@trilane/ip'

/** Link types that a backend may need, in the order of the report. */
export const LINK_TYPES = ['vxlan', 'macvlan', 'ipvlan', 'vlan'] as const
export type TriedLinkType = (typeof LINK_TYPES)[number]

/** What shall be looked at. */
export interface Question {
  /** The device whose network is asked. */
  readonly parent: ParentDevice
  readonly isUp: boolean
  /** Machines that should answer, the best first: routers, then neighbours. */
  readonly targets: readonly IpAddress[]
  /** Addresses of the segment that nobody should have, and pods may get; nothing is asked of a family without. */
  readonly spare: PerFamily<SpareAddresses>
  /** Nothing is tried that a strict switch may answer by closing the port: another MAC, another address. */
  readonly isGentle: boolean
}

export interface SpareAddresses {
  readonly range: Range
  readonly excluded: readonly Range[]
}

/** Something that could not be tried, and why, as half a sentence: `nobody answers on eth0`. */
export interface NotTried {
  readonly notTried: string
}

/** What was found, as data. */
export interface Evidence {
  readonly question: Question
  /** Why one cannot be made; `undefined`: it can. */
  readonly linkTypes: Readonly<Record<TriedLinkType, string | undefined>>
  /** Who answers the device itself. */
  readonly holders: readonly AddressHolder[]
  readonly secondMac: SecondMac | NotTried
  readonly unknownSource: PerFamily<UnknownSource | NotTried>
  readonly size: PerFamily<LongPacket | NotTried>
  /** `undefined`: no offer came. */
  readonly dhcp: DhcpOffer | undefined | NotTried
}

/** Asked by a device on the parent with a MAC of its own. */
export interface SecondMac {
  /** Who answers the parent. */
  readonly asked: IpAddress
  readonly isAnswered: boolean
  /** Is it when the card is told to hear everything? Asked only if it is not else. */
  readonly isAnsweredPromiscuous?: boolean
  /** The card takes frames of other MACs only by hearing everything. */
  readonly needsPromiscuous: boolean
}

/** Asked with an address that is not the node's, and nobody's. */
export interface UnknownSource {
  readonly source: IpAddress
  readonly asked: IpAddress
  /** Is it answered to, when it asks for the MAC, and when it pings? */
  readonly unknown: Reached
  /** The same with an address of the node's; absent: it has none of the family. */
  readonly own?: Reached
}

export interface Reached {
  readonly resolved: boolean
  readonly pinged: boolean
}

/** A packet of the device's whole MTU, from the node's own address. */
export interface LongPacket {
  readonly asked: IpAddress
  readonly sizeBytes: number
  readonly passes: boolean
}

export const NOT_ASKED_FOR: NotTried = { notTried: 'left out by --gently' }

/** A machine that merely was heard says nothing about the way to it: a router asks for neighbours all the time. */
export function hasAnswered({ isOverheard }: AddressHolder): boolean {
  return isOverheard !== true
}

export function isNotTried<T extends object>(found: T | NotTried | undefined): found is NotTried {
  return found !== undefined && 'notTried' in found
}

/** As people say it. */
export const FAMILY_NAMES: Readonly<Record<Family, string>> = { v4: 'IPv4', v6: 'IPv6' }
