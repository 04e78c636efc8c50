import type { PingTarget } from '@trilane/contracts'
import type { IpAddress, Mac } from '@trilane/ip'
import { checksum, ETHERNET_BYTES, ETHERTYPE, ethernet } from './frames.ts'

const ICMP = { REQUEST: 8, REPLY: 0, PROTOCOL: 1, HEADER_BYTES: 20 } as const
const ICMPV6 = { REQUEST: 128, REPLY: 129, PROTOCOL: 58, HEADER_BYTES: 40 } as const

/** Type, code, checksum, identifier, sequence number. */
const ECHO_BYTES = 8

/** An echo request in one packet of exactly that size, that no router may cut. */
export function echoRequest(mac: Mac, source: IpAddress, to: PingTarget, identifier: number): Buffer {
  const isV4 = source.family === 'v4'
  const kind = isV4 ? ICMP : ICMPV6
  const echo = Buffer.alloc(Math.max(ECHO_BYTES, to.sizeBytes - kind.HEADER_BYTES))
  echo[0] = kind.REQUEST
  echo.writeUInt16BE(identifier, 4)
  echo.writeUInt16BE(1, 6)
  const ends = [...source.toBytes(), ...to.address.toBytes()]
  if (isV4) {
    echo.writeUInt16BE(checksum(echo), 2)
  } else {
    const size = [0, 0, echo.length >> 8, echo.length & 255]
    const pseudoHeader = Buffer.from([...ends, ...size, 0, 0, 0, ICMPV6.PROTOCOL])
    echo.writeUInt16BE(checksum(Buffer.concat([pseudoHeader, echo])), 2)
  }
  const header = isV4 ? ipv4Header(ends, echo.length, ICMP.PROTOCOL) : ipv6Header(ends, echo.length)
  return Buffer.concat([ethernet(to.mac, mac, isV4 ? ETHERTYPE.IPV4 : ETHERTYPE.IPV6), header, echo])
}

/** 20 bytes, "don't fragment", a lifetime of 64. */
export function ipv4Header(ends: readonly number[], payloadBytes: number, protocol: number): Buffer {
  const length = 20 + payloadBytes
  const header = Buffer.from([0x45, 0, length >> 8, length & 255, 0, 0, 0x40, 0, 64, protocol, 0, 0, ...ends])
  header.writeUInt16BE(checksum(header), 10)
  return header
}

function ipv6Header(ends: readonly number[], payloadBytes: number): Buffer {
  return Buffer.from([0x60, 0, 0, 0, payloadBytes >> 8, payloadBytes & 255, ICMPV6.PROTOCOL, 64, ...ends])
}

/** The identifier of an echo reply; `undefined` for anything else. */
export function readEchoReply(frame: Buffer): number | undefined {
  const isV4 = frame.length > ETHERNET_BYTES && frame.readUInt16BE(12) === ETHERTYPE.IPV4
  const kind = isV4 ? ICMP : ICMPV6
  const headerBytes = isV4 ? ((frame[ETHERNET_BYTES] ?? 0) & 15) * 4 : ICMPV6.HEADER_BYTES
  const echo = frame.subarray(ETHERNET_BYTES + headerBytes)
  const protocol = frame[ETHERNET_BYTES + (isV4 ? 9 : 6)]
  if (echo.length < ECHO_BYTES || protocol !== kind.PROTOCOL || echo[0] !== kind.REPLY) return undefined
  return echo.readUInt16BE(4)
}
