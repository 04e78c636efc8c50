import type { Announcement } from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'
import { kernelError } from './kernel-errors.ts'
import { closeSlowly } from './slow-close.ts'
import { lastErrno, O_CLOEXEC, sys } from './syscalls.ts'

const AF_PACKET = 17
const SOCK_RAW = 3

const ETHERTYPE = { ARP: 0x0806, IPV6: 0x86dd } as const
const BROADCAST = Mac.parse('ff:ff:ff:ff:ff:ff')
/** All nodes of the link, ff02::1, and its MAC (RFC 2464, section 7). */
const ALL_NODES = IpAddress.parse('ff02::1')
const ALL_NODES_MAC = Mac.parse('33:33:00:00:00:01')

/**
 * The frame that tells a segment who has an address: in IPv4 an ARP announcement (RFC 5227, section 2.3: a request with
 * the address as sender and target), in IPv6 an unsolicited neighbour advertisement (RFC 4861, 7.2.6) with the
 * override flag.
 */
export function announcementFrame({ address, mac }: Announcement): Buffer {
  return address.family === 'v4'
    ? Buffer.concat([ethernet(BROADCAST, mac, ETHERTYPE.ARP), arpAnnouncement(address, mac)])
    : Buffer.concat([ethernet(ALL_NODES_MAC, mac, ETHERTYPE.IPV6), neighbourAdvertisement(address, mac)])
}

function ethernet(to: Mac, from: Mac, type: number): Buffer {
  return Buffer.from([...to.toBytes(), ...from.toBytes(), type >> 8, type & 255])
}

function arpAnnouncement(address: IpAddress, mac: Mac): Buffer {
  const ethernetIpv4Request = [0, 1, 8, 0, 6, 4, 0, 1]
  const nobody = [0, 0, 0, 0, 0, 0]
  const ip = address.toBytes()
  return Buffer.from([...ethernetIpv4Request, ...mac.toBytes(), ...ip, ...nobody, ...ip])
}

function neighbourAdvertisement(address: IpAddress, mac: Mac): Buffer {
  const ICMPV6 = 58
  const icmp = Buffer.from([
    ...[136, 0, 0, 0],
    // Override; neither router nor solicited.
    ...[0x20, 0, 0, 0],
    ...address.toBytes(),
    // Target link-layer address, one unit of eight bytes.
    ...[2, 1, ...mac.toBytes()]
  ])
  const ends = [...address.toBytes(), ...ALL_NODES.toBytes()]
  const pseudoHeader = Buffer.from([...ends, 0, 0, 0, icmp.length, 0, 0, 0, ICMPV6])
  icmp.writeUInt16BE(checksum(Buffer.concat([pseudoHeader, icmp])), 2)
  // Hop limit 255: a receiver refuses what a router has forwarded.
  const header = Buffer.from([0x60, 0, 0, 0, 0, icmp.length, ICMPV6, 255, ...ends])
  return Buffer.concat([header, icmp])
}

/** RFC 1071, of an even number of bytes. */
function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/**
 * Sends all that can be sent; one that fails stops none of the others.
 *
 * @param indexOf throws `TRI_KERNEL_NOT_FOUND` for a device that is not there
 * @throws TrilaneError the first failure: `TRI_KERNEL_REFUSED` when a device is down, or what `indexOf` throws
 */
export function sendAnnouncements(
  announcements: readonly Announcement[],
  indexOf: (device: string) => number,
  inNamespace: <T>(act: () => T) => T
): void {
  // Protocol 0: it sends, and receives nothing.
  const fd = inNamespace(() => sys.socket(AF_PACKET, SOCK_RAW | O_CLOEXEC, 0))
  if (fd < 0) throw kernelError('socket(AF_PACKET)', { errno: lastErrno() })
  const failures: unknown[] = []
  for (const announcement of announcements) {
    try {
      send(fd, announcement, indexOf(announcement.device))
    } catch (error) {
      failures.push(error)
    }
  }
  closeSlowly(fd)
  if (failures.length > 0) throw failures[0]
}

function send(fd: number, announcement: Announcement, index: number): void {
  const frame = announcementFrame(announcement)
  // struct sockaddr_ll: u16 family, be16 protocol, i32 index, u16 hardware type, u8 packet type, u8 length, 8 bytes address.
  const to = Buffer.alloc(20)
  to.writeUInt16LE(AF_PACKET, 0)
  frame.copy(to, 2, 12, 14)
  to.writeInt32LE(index, 4)
  to[11] = 6
  frame.copy(to, 12, 0, 6)
  if (sys.sendto(fd, frame, frame.length, 0, to, to.length) >= 0) return
  const { device, address } = announcement
  throw kernelError(`announce ${address} on ${device}`, { errno: lastErrno() })
}
