/** Numbers of linux/rtnetlink.h, linux/if_link.h and their like: the parts that Trilane speaks. */

export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWQDISC: 36,
  GETQDISC: 38
} as const

/** Multicast groups; forwarding entries come in that of neighbours. */
export const RTNLGRP = {
  LINK: 1,
  NEIGH: 3,
  IPV4_IFADDR: 5,
  IPV4_ROUTE: 7,
  IPV6_IFADDR: 9,
  IPV6_ROUTE: 11
} as const

export const AF = { UNSPEC: 0, INET: 2, BRIDGE: 7, INET6: 10 } as const

/** Address families of `Family`. */
export const AF_OF = { v4: AF.INET, v6: AF.INET6 } as const

export const IFF = { UP: 1, LOOPBACK: 8, RUNNING: 0x40, NOARP: 0x80, LOWER_UP: 0x10000 } as const

export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  QDISC: 6,
  MASTER: 10,
  LINKINFO: 18,
  IFALIAS: 20,
  GROUP: 27,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  PROMISCUITY: 30,
  LINK_NETNSID: 37
} as const

export const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const

/** `IFLA_BRPORT_MODE`: hairpin. */
export const IFLA_BRPORT_MODE = 4

/** Counters are most of a link's message, and nobody here reads them. */
export const RTEXT_FILTER_SKIP_STATS = 8

export const SCOPES = new Map([
  [0, 'global'],
  [200, 'site'],
  [253, 'link'],
  [254, 'host'],
  [255, 'nowhere']
] as const)

export type Scope = 'global' | 'site' | 'link' | 'host' | 'nowhere'

/** The key of a value in one of these maps. */
export function keyOfValue<Key, Value>(map: ReadonlyMap<Key, Value>, value: Value): Key {
  for (const [key, candidate] of map) if (candidate === value) return key
  throw new RangeError(`${String(value)} has no number in rtnetlink`)
}
