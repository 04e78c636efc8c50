import { IpAddress, Mac } from '@trilane/ip'

export const ETHERTYPE = { IPV4: 0x0800, ARP: 0x0806, IPV6: 0x86dd } as const

export const BROADCAST = Mac.parse('ff:ff:ff:ff:ff:ff')
/** All nodes of the link, ff02::1, and its MAC (RFC 2464, section 7). */
export const ALL_NODES = IpAddress.parse('ff02::1')
export const ALL_NODES_MAC = Mac.parse('33:33:00:00:00:01')

const ICMPV6 = 58
/** Neighbour discovery (RFC 4861, 4.3 and 4.4). */
const SOLICITATION = 135
const ADVERTISEMENT = 136

/** Bytes in front of what an Ethernet frame carries. */
export const ETHERNET_BYTES = 14
const IPV6_BYTES = 40

export function ethernet(to: Mac, from: Mac, type: number): Buffer {
  return Buffer.from([...to.toBytes(), ...from.toBytes(), type >> 8, type & 255])
}

/** An ARP request, as a broadcast: `sender` asks for the MAC of `target`. */
export function arpRequest(mac: Mac, sender: IpAddress, target: IpAddress): Buffer {
  const ethernetIpv4Request = [0, 1, 8, 0, 6, 4, 0, 1]
  const nobody = [0, 0, 0, 0, 0, 0]
  const packet = [...mac.toBytes(), ...sender.toBytes(), ...nobody, ...target.toBytes()]
  return Buffer.concat([
    ethernet(BROADCAST, mac, ETHERTYPE.ARP),
    Buffer.from([...ethernetIpv4Request, ...packet])
  ])
}

/** An unsolicited neighbour advertisement to all nodes (RFC 4861, 7.2.6): override; neither router nor solicited. */
export function neighbourAdvertisement(mac: Mac, address: IpAddress): Buffer {
  // Target link-layer address, one unit of eight bytes.
  const body = [0x20, 0, 0, 0, ...address.toBytes(), 2, 1, ...mac.toBytes()]
  return discovery(ADVERTISEMENT, body, mac, address, ALL_NODES, ALL_NODES_MAC)
}

/**
 * A neighbour solicitation to the solicited-node group of `target`. From `::` it is that of duplicate address detection
 * (RFC 4862, 5.4.2), without the link-layer address of who asks.
 */
export function neighbourSolicitation(mac: Mac, source: IpAddress, target: IpAddress): Buffer {
  const last = target.toBytes().slice(13)
  const group = IpAddress.fromBytes(Uint8Array.from([...SOLICITED_NODE, ...last]))
  const groupMac = Mac.fromBytes(Uint8Array.from([0x33, 0x33, 0xff, ...last]))
  const own = source.equals(UNSPECIFIED.v6) ? [] : [1, 1, ...mac.toBytes()]
  return discovery(SOLICITATION, [0, 0, 0, 0, ...target.toBytes(), ...own], mac, source, group, groupMac)
}

export const UNSPECIFIED = { v4: IpAddress.parse('0.0.0.0'), v6: IpAddress.parse('::') } as const

/** ff02::1:ff00:0/104. */
const SOLICITED_NODE = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]

function discovery(
  type: number,
  body: readonly number[],
  mac: Mac,
  source: IpAddress,
  destination: IpAddress,
  destinationMac: Mac
): Buffer {
  const icmp = Buffer.from([type, 0, 0, 0, ...body])
  const ends = [...source.toBytes(), ...destination.toBytes()]
  const pseudoHeader = Buffer.from([...ends, 0, 0, 0, icmp.length, 0, 0, 0, ICMPV6])
  icmp.writeUInt16BE(checksum(Buffer.concat([pseudoHeader, icmp])), 2)
  // Hop limit 255: a receiver refuses what a router has forwarded.
  const header = Buffer.from([0x60, 0, 0, 0, 0, icmp.length, ICMPV6, 255, ...ends])
  return Buffer.concat([ethernet(destinationMac, mac, ETHERTYPE.IPV6), header, icmp])
}

/** RFC 1071; an odd byte at the end counts as if a zero followed. */
export function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  if (bytes.length % 2 === 1) sum += (bytes.at(-1) ?? 0) << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** What a frame says about who has an address, or is about to take it. */
export interface Claim {
  readonly address: IpAddress
  readonly mac: Mac
}

/**
 * The claim that a frame makes: an ARP packet of a sender with an address, and who probes for one (RFC 5227, 2.1.1); a neighbour
 * advertisement, and the solicitation of duplicate address detection (RFC 4862, 5.4.3). `undefined` for anything else.
 */
export function readClaim(frame: Buffer): Claim | undefined {
  if (frame.length < ETHERNET_BYTES) return undefined
  const type = frame.readUInt16BE(12)
  if (type === ETHERTYPE.ARP) return readArp(frame.subarray(ETHERNET_BYTES))
  if (type === ETHERTYPE.IPV6) return readDiscovery(frame)
  return undefined
}

export function sourceOf(frame: Buffer): Mac {
  return Mac.fromBytes(frame.subarray(6, 12))
}

/**
 * Does a claim answer a probe of this MAC? ARP replies go to who asked. Who has an IPv6 address advertises it to all, as the
 * one who probes has no address; such a frame cannot be told from an announcement.
 */
export function isAnswerTo(mac: Mac, frame: Buffer): boolean {
  if (frame.readUInt16BE(12) === ETHERTYPE.ARP) return mac.equals(Mac.fromBytes(frame.subarray(0, 6)))
  return frame[ETHERNET_BYTES + IPV6_BYTES] === ADVERTISEMENT
}

function readArp(arp: Buffer): Claim | undefined {
  const isEthernetIpv4 = arp.length >= 28 && arp.readUIntBE(0, 6) === 0x0001_0800_0604
  if (!isEthernetIpv4) return undefined
  const mac = Mac.fromBytes(arp.subarray(8, 14))
  const sender = IpAddress.fromBytes(arp.subarray(14, 18))
  const target = IpAddress.fromBytes(arp.subarray(24, 28))
  return sender.equals(UNSPECIFIED.v4) ? { address: target, mac } : { address: sender, mac }
}

function readDiscovery(frame: Buffer): Claim | undefined {
  const packet = frame.subarray(ETHERNET_BYTES)
  if (packet.length < IPV6_BYTES + 24 || packet[6] !== ICMPV6 || packet[7] !== 255) return undefined
  const icmp = packet.subarray(IPV6_BYTES)
  const source = IpAddress.fromBytes(packet.subarray(8, 24))
  const address = IpAddress.fromBytes(icmp.subarray(8, 24))
  const isProbe = icmp[0] === SOLICITATION && source.equals(UNSPECIFIED.v6)
  if (icmp[0] !== ADVERTISEMENT && !isProbe) return undefined
  // Its option, the target link-layer address, is the first one there is.
  const hasMac = icmp[0] === ADVERTISEMENT && icmp[24] === 2 && icmp[25] === 1 && icmp.length >= 32
  return { address, mac: hasMac ? Mac.fromBytes(icmp.subarray(26, 32)) : sourceOf(frame) }
}

/** The address that a frame asks for, of an ARP request or a neighbour solicitation. `undefined` for anything else. */
export function readSought(frame: Buffer): IpAddress | undefined {
  if (frame.length < ETHERNET_BYTES + 28) return undefined
  const type = frame.readUInt16BE(12)
  const packet = frame.subarray(ETHERNET_BYTES)
  if (type === ETHERTYPE.ARP) {
    return packet.readUInt16BE(6) === 1 ? IpAddress.fromBytes(packet.subarray(24, 28)) : undefined
  }
  const icmp = packet.subarray(IPV6_BYTES)
  const isAsking =
    type === ETHERTYPE.IPV6 && packet[6] === ICMPV6 && icmp.length >= 24 && icmp[0] === SOLICITATION
  return isAsking ? IpAddress.fromBytes(icmp.subarray(8, 24)) : undefined
}
