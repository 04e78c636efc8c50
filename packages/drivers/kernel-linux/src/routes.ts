import { MAIN_TABLE, metricOf, type Route, type RouteLookup } from '@trilane/contracts'
import { ADDRESS_BITS, type Family, IpAddress, Prefix } from '@trilane/ip'
import type { DeviceIndexes, DeviceNames } from './devices.ts'
import { type MessageWriter, NLM_F, type Request } from './message.ts'
import { type Attributes, attributesOf } from './reader.ts'
import { AF_OF, keyOfValue, RTM, SCOPES } from './rtnetlink.ts'

/** `struct rtmsg`: u8 family, destination length, source length, tos, table, protocol, scope, type, u32 flags. */
const RTMSG_BYTES = 12
/** `struct rtnexthop`: u16 length, u8 flags, u8 weight - 1, i32 index. */
const RTNEXTHOP_BYTES = 8

const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, MULTIPATH: 9, TABLE: 15, VIA: 18 } as const

const RTNH_F_ONLINK = 4
/** An entry of the kernel's own cache. */
const RTM_F_CLONED = 0x200
const RTM_F_FIB_MATCH = 0x2000
/** rtmsg's table is a byte; a larger number stands in RTA_TABLE beside this. */
const RT_TABLE_COMPAT = 252

/** What `ip route` writes when nobody says: `RTPROT_BOOT`. */
const DEFAULT_PROTOCOL = 3

const TYPES = new Map<number, NonNullable<Route['type']>>([
  [1, 'unicast'],
  [2, 'local'],
  [3, 'broadcast'],
  [4, 'anycast'],
  [5, 'multicast'],
  [6, 'blackhole'],
  [7, 'unreachable'],
  [8, 'prohibit']
])

/** Types whose device is the kernel's own business: in IPv6 a blackhole is read back with `lo`. */
const WITHOUT_DEVICE: ReadonlySet<Route['type']> = new Set(['blackhole', 'unreachable', 'prohibit'])

const FLAGS = { create: NLM_F.CREATE | NLM_F.EXCL, set: NLM_F.CREATE | NLM_F.REPLACE, remove: 0 } as const

/** `ip route add|replace|del …`. A removal names what is given, and the kernel compares it. */
export function writeRoute(
  action: 'create' | 'set' | 'remove',
  route: Route,
  devices: DeviceIndexes
): Request {
  const index = route.device === undefined ? undefined : devices.indexOf(route.device)
  const { family } = route.destination
  const table = route.table ?? MAIN_TABLE
  return {
    type: action === 'remove' ? RTM.DELROUTE : RTM.NEWROUTE,
    flags: FLAGS[action],
    write: (writer) => {
      writer.fixed(RTMSG_BYTES, (view, at) => {
        view[at] = AF_OF[family]
        view[at + 1] = route.destination.length
        view.writeUInt8(table > 255 ? RT_TABLE_COMPAT : table, at + 4)
        // 0 in a removal: whoever installed it.
        view.writeUInt8(route.protocol ?? (action === 'remove' ? 0 : DEFAULT_PROTOCOL), at + 5)
        view[at + 6] = scopeOf(action, route)
        view[at + 7] =
          action === 'remove' && route.type === undefined ? 0 : keyOfValue(TYPES, route.type ?? 'unicast')
        view.writeUInt32LE(route.onlink === true && action !== 'remove' ? RTNH_F_ONLINK : 0, at + 8)
      })
      if (route.destination.length > 0) writer.attribute(RTA.DST, route.destination.address.toBytes())
      if (table > 255) writer.u32(RTA.TABLE, table)
      if (route.gateway !== undefined) writeGateway(writer, family, route.gateway)
      if (index !== undefined) writer.u32(RTA.OIF, index)
      if (route.source !== undefined) writer.attribute(RTA.PREFSRC, bytesOf(family, route.source))
      // Written in a removal too: without it the kernel takes the first route of that destination.
      const metric = action === 'remove' ? metricOf(route) : (route.metric ?? 0)
      if (metric !== 0) writer.u32(RTA.PRIORITY, metric)
    }
  }
}

/** A gateway of the other family has an attribute of its own, which Linux takes for IPv4 routes only. */
function writeGateway(writer: MessageWriter, family: Family, gateway: IpAddress): void {
  if (gateway.family === family) {
    writer.attribute(RTA.GATEWAY, gateway.toBytes())
    return
  }
  const via = Buffer.alloc(2 + ADDRESS_BITS[gateway.family] / 8)
  via.writeUInt16LE(AF_OF[gateway.family], 0)
  via.set(gateway.toBytes(), 2)
  writer.attribute(RTA.VIA, via)
}

/** @throws RangeError for the other family: of an address that is too long Linux takes the beginning */
function bytesOf(family: Family, address: IpAddress): Uint8Array {
  if (address.family !== family) throw new RangeError(`${address} is of another family`)
  return address.toBytes()
}

/** As `ip route` chooses: link without a gateway, global with one; `nowhere` in a removal is "any". IPv6 has none. */
function scopeOf(action: 'create' | 'set' | 'remove', route: Route): number {
  if (route.destination.family === 'v6') return 0
  if (route.scope !== undefined) return keyOfValue(SCOPES, route.scope)
  if (action === 'remove') return keyOfValue(SCOPES, 'nowhere')
  if (route.type === 'local') return keyOfValue(SCOPES, 'host')
  const direct = route.gateway === undefined && !WITHOUT_DEVICE.has(route.type)
  return keyOfValue(SCOPES, direct ? 'link' : 'global')
}

/** `ip route show table … [proto …]`; the kernel filters. Table 0 is every table, protocol 0 every protocol. */
export function dumpRoutes(
  family: Family,
  filter: { readonly table: number; readonly protocol: number }
): Request {
  return {
    type: RTM.GETROUTE,
    flags: 0,
    write: (writer) => {
      writer.fixed(RTMSG_BYTES, (view, at) => {
        view[at] = AF_OF[family]
        view[at + 5] = filter.protocol
      })
      if (filter.table !== 0) writer.u32(RTA.TABLE, filter.table)
    }
  }
}

/** `ip route get ADDRESS`. */
export function getRoute(destination: IpAddress): Request {
  return lookup(destination, 0)
}

/** `ip route get fibmatch ADDRESS`: the entry that decides, instead of the decision. */
export function matchRoute(destination: IpAddress): Request {
  return lookup(destination, RTM_F_FIB_MATCH)
}

function lookup(destination: IpAddress, flags: number): Request {
  return {
    type: RTM.GETROUTE,
    flags: 0,
    write: (writer) => {
      writer.fixed(RTMSG_BYTES, (view, at) => {
        view[at] = AF_OF[destination.family]
        view[at + 1] = ADDRESS_BITS[destination.family]
        view.writeUInt32LE(flags, at + 8)
      })
      writer.attribute(RTA.DST, destination.toBytes())
    }
  }
}

/** `undefined` for an entry of the kernel's cache and for families that are not ours. */
export function readRoute(body: Buffer, names: DeviceNames): Route | undefined {
  const family = body[0] === AF_OF.v4 ? 'v4' : body[0] === AF_OF.v6 ? 'v6' : undefined
  const flags = body.readUInt32LE(8)
  if (family === undefined || (flags & RTM_F_CLONED) !== 0) return undefined
  const attributes = attributesOf(body, RTMSG_BYTES)
  const type = TYPES.get(body[7] ?? 0) ?? 'unicast'
  const address = attributes.address(RTA.DST) ?? IpAddress.fromBits(family, 0n)
  const source = attributes.address(RTA.PREFSRC)
  return {
    destination: Prefix.of(address, body[1] ?? 0),
    type,
    ...(WITHOUT_DEVICE.has(type) ? {} : readHops(attributes, names)),
    ...((flags & RTNH_F_ONLINK) === 0 ? {} : { onlink: true }),
    ...(source === undefined ? {} : { source }),
    metric: attributes.u32(RTA.PRIORITY) ?? 0,
    table: attributes.u32(RTA.TABLE) ?? body[4] ?? MAIN_TABLE,
    protocol: body[5] ?? 0,
    scope: SCOPES.get((body[6] ?? 0) as 0) ?? 'global'
  }
}

function readHops(attributes: Attributes, names: DeviceNames): Partial<Route> {
  const multipath = attributes.get(RTA.MULTIPATH)
  if (multipath === undefined) return readHop(attributes, attributes.u32(RTA.OIF), names)
  const nextHops: NonNullable<Route['nextHops']>[number][] = []
  for (let at = 0; at + RTNEXTHOP_BYTES <= multipath.length; ) {
    const bytes = multipath.readUInt16LE(at)
    if (bytes < RTNEXTHOP_BYTES) break
    const own = attributesOf(multipath.subarray(at, at + bytes), RTNEXTHOP_BYTES)
    nextHops.push({
      ...readHop(own, multipath.readInt32LE(at + 4), names),
      weight: (multipath[at + 3] ?? 0) + 1
    })
    at += (bytes + 3) & ~3
  }
  return { nextHops }
}

function readHop(
  attributes: Attributes,
  index: number | undefined,
  names: DeviceNames
): { gateway?: IpAddress; device?: string } {
  const gateway = attributes.address(RTA.GATEWAY) ?? readVia(attributes)
  const device = index === undefined ? undefined : names.nameOf(index)
  if (gateway === undefined) return device === undefined ? {} : { device }
  return device === undefined ? { gateway } : { gateway, device }
}

/** RTA_VIA: u16 family, then an address of the other family than the route's. */
function readVia(attributes: Attributes): IpAddress | undefined {
  const via = attributes.get(RTA.VIA)
  return via === undefined ? undefined : IpAddress.fromBytes(via, 2)
}

/** The answer to {@link getRoute}; `undefined` when it says that there is no way. */
export function readLookup(body: Buffer, names: DeviceNames): RouteLookup | undefined {
  const attributes = attributesOf(body, RTMSG_BYTES)
  const type = TYPES.get(body[7] ?? 0)
  const { gateway, device } = readHop(attributes, attributes.u32(RTA.OIF), names)
  const source = attributes.address(RTA.PREFSRC)
  if (device === undefined) return undefined
  if (type !== 'unicast' && type !== 'local' && type !== 'broadcast' && type !== 'multicast') return undefined
  return {
    family: body[0] === AF_OF.v4 ? 'v4' : 'v6',
    // What is this node's own arrives by lo, whichever device has the address; the kernel says so in IPv4 only.
    device: type === 'local' ? 'lo' : device,
    ...(gateway === undefined ? {} : { gateway }),
    ...(source === undefined ? {} : { source }),
    table: attributes.u32(RTA.TABLE) ?? body[4] ?? MAIN_TABLE,
    type
  }
}
