import type { Announcement } from '@trilane/contracts'
import { arpRequest, neighbourAdvertisement } from './frames.ts'
import { PacketSocket } from './packet-socket.ts'

/**
 * The frame that tells a segment who has an address: in IPv4 an ARP announcement (RFC 5227, section 2.3: a request with
 * the address as sender and target), in IPv6 an unsolicited neighbour advertisement (RFC 4861, 7.2.6) with the
 * override flag.
 */
export function announcementFrame({ address, mac }: Announcement): Buffer {
  return address.family === 'v4' ? arpRequest(mac, address, address) : neighbourAdvertisement(mac, address)
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
  const socket = inNamespace(() => new PacketSocket())
  const failures: unknown[] = []
  for (const announcement of announcements) {
    const { device, address } = announcement
    try {
      socket.send(announcementFrame(announcement), indexOf(device), `announce ${address} on ${device}`)
    } catch (error) {
      failures.push(error)
    }
  }
  socket.close()
  if (failures.length > 0) throw failures[0]
}
