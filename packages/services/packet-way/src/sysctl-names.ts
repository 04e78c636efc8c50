import type { Family } from '@trilane/ip'

/** What decides whether a packet that came in by a device is passed on: in IPv6 the whole machine's. */
export function forwardingName(family: Family, device: string): string {
  return family === 'v4' ? `net.ipv4.conf.${partOf(device)}.forwarding` : 'net.ipv6.conf.all.forwarding'
}

/** IPv4 alone has it. */
export function reversePathName(device: string): string {
  return `net.ipv4.conf.${partOf(device)}.rp_filter`
}

/** A dot parts the name, and a slash stands for the dot of a device's. */
function partOf(device: string): string {
  return device.replaceAll('.', '/')
}
