import type { FilterStep } from './syscalls.ts'

/** Programs of classic BPF (linux/filter.h), on whole Ethernet frames. */

const loadByte = (at: number): FilterStep => ({ code: 0x30, jt: 0, jf: 0, k: at })
const accept: FilterStep = { code: 0x06, jt: 0, jf: 0, k: 0xffff }
const refuse: FilterStep = { code: 0x06, jt: 0, jf: 0, k: 0 }
/** @param jt steps to leave out when it is so, @param jf when it is not */
const isEqual = (k: number, jt: number, jf: number): FilterStep => ({ code: 0x15, jt, jf, k })

/** Where IPv4 and IPv6 say what they carry, and where the first byte of that is in IPv6. */
const IPV4_PROTOCOL = 23
const IPV6_NEXT_HEADER = 20
const IPV6_PAYLOAD = 54

/** Neighbour solicitations and advertisements. */
export const DISCOVERY_ONLY: readonly FilterStep[] = [
  loadByte(IPV6_NEXT_HEADER),
  isEqual(58, 0, 4),
  loadByte(IPV6_PAYLOAD),
  isEqual(135, 1, 0),
  isEqual(136, 0, 1),
  accept,
  refuse
]

/** ICMP in IPv4. */
export const ICMP_ONLY: readonly FilterStep[] = [loadByte(IPV4_PROTOCOL), isEqual(1, 0, 1), accept, refuse]

/** ICMPv6 without extension headers. */
export const ICMPV6_ONLY: readonly FilterStep[] = [
  loadByte(IPV6_NEXT_HEADER),
  isEqual(58, 0, 1),
  accept,
  refuse
]

/** UDP to the port of DHCP clients. */
export const DHCP_ANSWERS_ONLY: readonly FilterStep[] = [
  loadByte(IPV4_PROTOCOL),
  isEqual(17, 0, 4),
  // The length of the IPv4 header, then the half word behind the UDP source port.
  { code: 0xb1, jt: 0, jf: 0, k: 14 },
  { code: 0x48, jt: 0, jf: 0, k: 16 },
  isEqual(68, 0, 1),
  accept,
  refuse
]
