import { IpAddress } from '@trilane/ip'
import { addAddress, addressesOn, connect, dropAddressesOf } from './addresses.ts'
import type { Device } from './device.ts'
import { dropNeighboursOf } from './neighbours.ts'
import { dropRoutesOf } from './routes.ts'
import { readSysctl } from './sysctls.ts'

/** `ip link set up`: addresses that were put on it before get their connected routes now. */
export function bringUp(device: Device): void {
  if (device.up) return
  const carriers = carriersAround(device)
  device.up = true
  device.namespace.tell(device)
  if (device.loopback) {
    addAddress(device, IpAddress.parse('127.0.0.1'), 8)
    addAddress(device, IpAddress.parse('::1'), 128)
  }
  for (const stored of addressesOn(device)) connect(stored)
  for (const [other, had] of carriers) carrierChanged(other, had)
  for (const child of device.children) if (child.kind.type === 'vlan') bringUp(child)
}

/**
 * `ip link set down`: routes by it, its neighbours and its IPv6 addresses go; IPv4 addresses stay.
 * Linux says nothing about the IPv4 routes that it drops.
 */
export function bringDown(device: Device): void {
  if (!device.up) return
  device.up = false
  device.namespace.tell(device)
  dropNeighboursOf(device)
  dropRoutesOf(device)
  dropAddressesOf(device, 'v6')
  // A VLAN goes down with its device, and comes up with it.
  for (const child of device.children) if (child.kind.type === 'vlan') bringDown(child)
}

/** With its first carrier a device gets its IPv6 link-local address. */
export function carrierChanged(device: Device, had: boolean): void {
  if (had || !device.carrier || device.loopback || device.mac === undefined) return
  if (device.master !== undefined || !speaksIpv6(device)) return
  if (
    addressesOn(device).some(({ reading }) => reading.address.isLinkLocal && reading.address.family === 'v6')
  )
    return
  addAddress(device, linkLocalOf(device.mac.toBytes()), 64)
}

export function speaksIpv6(device: Device): boolean {
  return readSysctl(device.namespace, `net/ipv6/conf/${device.name}/disable_ipv6`) !== '1'
}

function carriersAround(device: Device, found = new Map<Device, boolean>()): Map<Device, boolean> {
  if (found.has(device)) return found
  found.set(device, device.carrier)
  for (const follower of device.followers()) carriersAround(follower, found)
  return found
}

/** fe80::/64 and the modified EUI-64 of the MAC (RFC 4291, appendix A). */
function linkLocalOf(mac: Uint8Array): IpAddress {
  const bytes = new Uint8Array(16)
  bytes.set([0xfe, 0x80])
  bytes.set([(mac[0] ?? 0) ^ 2, mac[1] ?? 0, mac[2] ?? 0, 0xff, 0xfe], 8)
  bytes.set(mac.subarray(3), 13)
  return IpAddress.fromBytes(bytes)
}
