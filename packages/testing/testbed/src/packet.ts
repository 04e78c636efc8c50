import { IpAddress, Mac } from '@trilane/ip'

/** What of a frame a test asks for; addresses as texts, `undefined` for what it does not have. */
export interface Frame {
  readonly ethernet: { readonly source: string; readonly destination: string; readonly etherType: number }
  /** 802.1q tags are left out of {@link Frame.ethernet} and counted here, the outermost first. */
  readonly vlanIds: readonly number[]
  /** Whole frame as it was on the wire, Ethernet header included. */
  readonly bytes: number
  readonly arp?: ArpPacket
  readonly ip?: IpHeader
  readonly udp?: { readonly sourcePort: number; readonly destinationPort: number }
  readonly icmp?: { readonly type: number; readonly code: number }
  readonly vxlan?: { readonly vni: number; readonly gbp: boolean }
  /** The frame inside of a VXLAN packet. */
  readonly inner?: Frame
}

export interface IpHeader {
  readonly family: 'v4' | 'v6'
  readonly source: string
  readonly destination: string
  /** Of what follows the IP headers: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6. */
  readonly protocol: number
  /** Hop limit in IPv6. */
  readonly ttl: number
  /** Whole packet, headers included. */
  readonly bytes: number
  /** IPv6 never fragments on the way. */
  readonly dontFragment: boolean
  /** It is a piece of a larger one; only the first has what follows. */
  readonly fragment: boolean
}

export interface ArpPacket {
  readonly operation: 'request' | 'reply'
  readonly sender: string
  readonly target: string
}

/** Linux's default port for VXLAN, and IANA's. */
export const VXLAN_PORTS: readonly number[] = [8472, 4789]

const VXLAN_HEADER_BYTES = 8

/**
 * Takes a frame apart as far as it is known; what is cut off or foreign is left out.
 *
 * @param vxlanPorts UDP destination ports whose content is VXLAN
 */
export function decodeFrame(
  frame: Buffer,
  wireBytes: number = frame.length,
  vxlanPorts: readonly number[] = VXLAN_PORTS
): Frame {
  if (frame.length < 14) throw new RangeError(`a frame has 14 bytes or more, not ${frame.length}`)
  const vlanIds: number[] = []
  let at = 12
  while (isTag(frame, at)) {
    vlanIds.push(frame.readUInt16BE(at + 2) & 0xfff)
    at += 4
  }
  const etherType = frame.readUInt16BE(at)
  return {
    ethernet: { destination: macAt(frame, 0), source: macAt(frame, 6), etherType },
    vlanIds,
    bytes: wireBytes,
    ...decodePayload(etherType, frame.subarray(at + 2), vxlanPorts)
  }
}

type Payload = Omit<Frame, 'ethernet' | 'vlanIds' | 'bytes'>

function decodePayload(etherType: number, payload: Buffer, vxlanPorts: readonly number[]): Payload {
  if (etherType === 0x0806 && payload.length >= 28) return { arp: decodeArp(payload) }
  const ip =
    etherType === 0x0800 && payload.length >= 20
      ? ipv4(payload)
      : etherType === 0x86dd && payload.length >= 40
        ? ipv6(payload)
        : undefined
  if (ip === undefined) return {}
  const { header, content } = ip
  if (content === undefined) return { ip: header }
  if ((header.protocol === 1 || header.protocol === 58) && content.length >= 2) {
    return { ip: header, icmp: { type: content.readUInt8(0), code: content.readUInt8(1) } }
  }
  if (header.protocol !== 17 || content.length < 8) return { ip: header }
  const udp = { sourcePort: content.readUInt16BE(0), destinationPort: content.readUInt16BE(2) }
  const vxlan = vxlanPorts.includes(udp.destinationPort)
    ? decodeVxlan(content.subarray(8), vxlanPorts)
    : undefined
  return { ip: header, udp, ...vxlan }
}

/** RFC 7348; bit G of draft-smith-vxlan-group-policy. */
function decodeVxlan(packet: Buffer, vxlanPorts: readonly number[]): Payload | undefined {
  if (packet.length < VXLAN_HEADER_BYTES + 14 || (packet.readUInt8(0) & 0x08) === 0) return undefined
  const inner = packet.subarray(VXLAN_HEADER_BYTES)
  return {
    vxlan: { vni: packet.readUIntBE(4, 3), gbp: (packet.readUInt8(0) & 0x80) !== 0 },
    inner: decodeFrame(inner, inner.length, vxlanPorts)
  }
}

interface Decoded {
  readonly header: IpHeader
  /** What follows; absent in a later fragment. */
  readonly content?: Buffer
}

function ipv4(packet: Buffer): Decoded {
  const flags = packet.readUInt16BE(6)
  const offset = flags & 0x1fff
  const bytes = packet.readUInt16BE(2)
  const header: IpHeader = {
    family: 'v4',
    source: addressAt(packet, 12, 4),
    destination: addressAt(packet, 16, 4),
    protocol: packet.readUInt8(9),
    ttl: packet.readUInt8(8),
    bytes,
    dontFragment: (flags & 0x4000) !== 0,
    fragment: offset > 0 || (flags & 0x2000) !== 0
  }
  if (offset > 0) return { header }
  return { header, content: packet.subarray((packet.readUInt8(0) & 0x0f) * 4, bytes) }
}

/** Hop-by-hop, routing, destination options: each says in its second byte how long it is, in units of 8 bytes. */
const SKIPPED: ReadonlySet<number> = new Set([0, 43, 60])
const FRAGMENT = 44

function ipv6(packet: Buffer): Decoded {
  let protocol = packet.readUInt8(6)
  let at = 40
  let fragment = false
  let isFirst = true
  while ((SKIPPED.has(protocol) || protocol === FRAGMENT) && packet.length >= at + 8) {
    const isFragment = protocol === FRAGMENT
    if (isFragment) {
      fragment = true
      isFirst = packet.readUInt16BE(at + 2) >> 3 === 0
    }
    protocol = packet.readUInt8(at)
    at += isFragment ? 8 : (packet.readUInt8(at + 1) + 1) * 8
  }
  const bytes = 40 + packet.readUInt16BE(4)
  const header: IpHeader = {
    family: 'v6',
    source: addressAt(packet, 8, 16),
    destination: addressAt(packet, 24, 16),
    protocol,
    ttl: packet.readUInt8(7),
    bytes,
    dontFragment: true,
    fragment
  }
  return isFirst ? { header, content: packet.subarray(at, bytes) } : { header }
}

function decodeArp(packet: Buffer): ArpPacket {
  return {
    operation: packet.readUInt16BE(6) === 1 ? 'request' : 'reply',
    sender: addressAt(packet, 14, 4),
    target: addressAt(packet, 24, 4)
  }
}

/** 802.1q, or 802.1ad's outer one. */
function isTag(frame: Buffer, at: number): boolean {
  const type = frame.length >= at + 6 ? frame.readUInt16BE(at) : 0
  return type === 0x8100 || type === 0x88a8
}

export function macAt(bytes: Buffer, at: number): string {
  return Mac.fromBytes(bytes.subarray(at, at + 6)).toString()
}

export function addressAt(bytes: Buffer, at: number, length: 4 | 16): string {
  return IpAddress.fromBytes(bytes.subarray(at, at + length)).toString()
}
