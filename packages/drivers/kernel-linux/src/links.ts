import type { Link, LinkReading } from '@trilane/contracts'
import type { DeviceIndexes, DeviceNames } from './devices.ts'
import { isChangeable, parentOf, readKind, writeChangeable, writeKind } from './link-kinds.ts'
import { type MessageWriter, NLM_F, type Request } from './message.ts'
import { type Attributes, attributesOf } from './reader.ts'
import { AF, IFF, IFLA, IFLA_BRPORT_MODE, IFLA_INFO, RTEXT_FILTER_SKIP_STATS, RTM } from './rtnetlink.ts'
import { TBF, writeSendLimit } from './send-limit.ts'

/** `struct ifinfomsg`: u8 family, u8 pad, u16 hardware type, i32 index, u32 flags, u32 mask of flags to change. */
const IFINFO_BYTES = 16

/** `ETH_MIN_MTU`. */
const BRIDGE_MTU_MIN_BYTES = 68

function header(writer: MessageWriter, index = 0, up?: boolean): void {
  writer.fixed(IFINFO_BYTES, (view, at) => {
    view.writeInt32LE(index, at + 4)
    if (up === undefined) return
    view.writeUInt32LE(up ? IFF.UP : 0, at + 8)
    view.writeUInt32LE(IFF.UP, at + 12)
  })
}

/**
 * `ip link add …`, and what Linux ignores in that message and takes in the next: the alias, hairpin, and that a bridge's
 * MTU is its own. A bridge follows the smallest MTU of its ports, 1500 when the last goes, unless its MTU was changed on
 * the finished device (`BROPT_MTU_SET_BY_USER`); setting what it has already is no change. So it is made with another
 * one first.
 *
 * The end of a veth pair that is made here can come up in the message that makes the pair; the other cannot
 * (`ENOTCONN`).
 *
 * @returns what makes it, and what finishes it in the namespace that it was made in
 */
export function createLink(
  link: Link,
  devices: DeviceIndexes,
  openNamespace: (path: string) => number
): [create: Request, ...later: Request[]] {
  const parent = parentOf(link.kind)
  const parentIndex = parent === undefined ? undefined : devices.indexOf(parent)
  const masterIndex = typeof link.master === 'string' ? devices.indexOf(link.master) : undefined
  const lastMtuBytes = link.kind.type === 'bridge' ? link.mtuBytes : undefined
  const firstMtuBytes = lastMtuBytes === undefined ? link.mtuBytes : neighbourOf(lastMtuBytes)
  const create: Request = {
    type: RTM.NEWLINK,
    flags: NLM_F.CREATE | NLM_F.EXCL,
    write: (writer) => {
      header(writer, 0, link.up === true ? true : undefined)
      writer.text(IFLA.IFNAME, link.name)
      if (link.namespace !== undefined) writer.u32(IFLA.NET_NS_FD, openNamespace(link.namespace))
      if (firstMtuBytes !== undefined) writer.u32(IFLA.MTU, firstMtuBytes)
      if (link.mac !== undefined) writer.attribute(IFLA.ADDRESS, link.mac.toBytes())
      if (parentIndex !== undefined && link.kind.type !== 'vxlan') writer.u32(IFLA.LINK, parentIndex)
      if (masterIndex !== undefined) writer.u32(IFLA.MASTER, masterIndex)
      writeKind(writer, link.kind, parentIndex, openNamespace)
    }
  }
  const { name, kind, alias, hairpin } = link
  if (alias === undefined && hairpin === undefined && lastMtuBytes === undefined) return [create]
  const later: Link = {
    name,
    // Without its changeable attributes: they were in the first message.
    kind: { type: 'other', kernelType: kind.type },
    ...(lastMtuBytes === undefined ? {} : { mtuBytes: lastMtuBytes }),
    ...(alias === undefined ? {} : { alias }),
    ...(hairpin === undefined ? {} : { hairpin })
  }
  return [create, ...setLink(later, devices)]
}

/** An MTU beside this one, that a bridge can have if it can have this one. */
function neighbourOf(mtuBytes: number): number {
  return mtuBytes === BRIDGE_MTU_MIN_BYTES ? mtuBytes + 1 : mtuBytes - 1
}

/**
 * `ip link set dev NAME …` and `bridge link set dev NAME hairpin …`: in one message, unless that puts the device into its
 * bridge: Linux would look for the port's bridge before it has. Then `tc qdisc replace …`. All fail with ENODEV when there
 * is no such device.
 */
export function setLink(link: Link, devices: DeviceIndexes): Request[] {
  const { name, kind, hairpin, sendLimit, ...attributes } = link
  const requests: Request[] = []
  const given = Object.values(attributes).some((value) => value !== undefined)
  const isTogether = link.master === undefined && !isChangeable(kind)
  if (isTogether) requests.push(setAttributes(link, devices, hairpin))
  else {
    if (given || isChangeable(kind)) requests.push(setAttributes(link, devices))
    if (hairpin !== undefined) requests.push(setHairpin(name, hairpin))
  }
  if (sendLimit !== undefined) requests.push(writeSendLimit(devices.indexOf(name), sendLimit))
  return requests
}

function setAttributes(link: Link, devices: DeviceIndexes, hairpin?: boolean): Request {
  const { master, kind } = link
  const masterIndex = typeof master === 'string' ? devices.indexOf(master) : 0
  const parent = kind.type === 'vxlan' ? kind.parent : undefined
  const parentIndex = parent === undefined ? undefined : devices.indexOf(parent)
  return {
    type: RTM.NEWLINK,
    flags: 0,
    write: (writer) => {
      header(writer, 0, link.up)
      writer.text(IFLA.IFNAME, link.name)
      if (link.mtuBytes !== undefined) writer.u32(IFLA.MTU, link.mtuBytes)
      if (link.mac !== undefined) writer.attribute(IFLA.ADDRESS, link.mac.toBytes())
      if (link.alias !== undefined) writer.attribute(IFLA.IFALIAS, Buffer.from(link.alias))
      if (master !== undefined) writer.u32(IFLA.MASTER, masterIndex)
      if (hairpin !== undefined) writeHairpin(writer, hairpin)
      if (!isChangeable(kind)) return
      writer.nest(IFLA.LINKINFO, () => {
        writer.text(IFLA_INFO.KIND, kind.type)
        writeChangeable(writer, kind, parentIndex)
      })
    }
  }
}

function setHairpin(name: string, hairpin: boolean): Request {
  return {
    type: RTM.NEWLINK,
    flags: 0,
    write: (writer) => {
      header(writer)
      writer.text(IFLA.IFNAME, name)
      writeHairpin(writer, hairpin)
    }
  }
}

function writeHairpin(writer: MessageWriter, hairpin: boolean): void {
  writer.nest(IFLA.LINKINFO, () => {
    writer.text(IFLA_INFO.SLAVE_KIND, 'bridge')
    writer.nest(IFLA_INFO.SLAVE_DATA, () => writer.u8(IFLA_BRPORT_MODE, Number(hairpin)))
  })
}

/** `ip link set dev OLD name NEW`, of a device that is down. */
export function renameLink(index: number, name: string): Request {
  return {
    type: RTM.NEWLINK,
    flags: 0,
    write: (writer) => {
      header(writer, index)
      writer.text(IFLA.IFNAME, name)
    }
  }
}

/** `ip link set dev NAME group N` */
export function setGroup(name: string, group: number): Request {
  return {
    type: RTM.NEWLINK,
    flags: 0,
    write: (writer) => {
      header(writer)
      writer.text(IFLA.IFNAME, name)
      writer.u32(IFLA.GROUP, group)
    }
  }
}

/** `ip link del group N` */
export function removeGroup(group: number): Request {
  return {
    type: RTM.DELLINK,
    flags: 0,
    write: (writer) => {
      header(writer)
      writer.u32(IFLA.GROUP, group)
    }
  }
}

/** `ip link del dev NAME`. Takes the kernel 10 to 40 ms for a veth, most of it when the device is gone already. */
export function removeLink(name: string): Request {
  return {
    type: RTM.DELLINK,
    flags: 0,
    write: (writer) => {
      header(writer)
      writer.text(IFLA.IFNAME, name)
    }
  }
}

/** `ip link show dev NAME`, by name or by index. */
export function getLink(device: string | number): Request {
  return {
    type: RTM.GETLINK,
    flags: 0,
    write: (writer) => {
      header(writer, typeof device === 'number' ? device : 0)
      writer.u32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS)
      if (typeof device === 'string') writer.text(IFLA.IFNAME, device)
    }
  }
}

/** `ip link show`. */
export const dumpLinks: Request = getLink(0)

/** Index and name of a link message: what the rest of it is read with. `undefined` for a bridge's report about its port. */
export function readLinkName(body: Buffer): { readonly index: number; readonly name: string } | undefined {
  if (body.length < IFINFO_BYTES || body[0] === AF.BRIDGE) return undefined
  const name = attributesOf(body, IFINFO_BYTES).text(IFLA.IFNAME)
  return name === undefined ? undefined : { index: body.readInt32LE(4), name }
}

/** Does what the device sends wait in a token bucket? Its numbers are in another message. */
export function hasSendLimit(body: Buffer): boolean {
  return attributesOf(body, IFINFO_BYTES).text(IFLA.QDISC) === TBF
}

/** How many want it to hear frames of every MAC. */
export function readPromiscuity(body: Buffer): number {
  return attributesOf(body, IFINFO_BYTES).u32(IFLA.PROMISCUITY) ?? 0
}

export function readLink(body: Buffer, names: DeviceNames): LinkReading | undefined {
  const named = readLinkName(body)
  if (named === undefined) return undefined
  const attributes = attributesOf(body, IFINFO_BYTES)
  const flags = body.readUInt32LE(8)
  const mac = attributes.mac(IFLA.ADDRESS)
  const alias = attributes.text(IFLA.IFALIAS)
  const master = attributes.u32(IFLA.MASTER)
  const hairpin = readHairpin(attributes.nested(IFLA.LINKINFO))
  // One literal, then what may be absent: an object made by spreading takes four times the memory, and the latest of each
  // device is kept.
  const link: Writable<LinkReading> = {
    index: named.index,
    name: named.name,
    kind: readKind(attributes, names),
    mtuBytes: attributes.u32(IFLA.MTU) ?? 0,
    up: (flags & IFF.UP) !== 0,
    carrier: (flags & IFF.LOWER_UP) !== 0,
    operational: (flags & IFF.RUNNING) !== 0,
    loopback: (flags & IFF.LOOPBACK) !== 0,
    master: master === undefined ? null : (names.nameOf(master) ?? null)
  }
  if (mac !== undefined) link.mac = mac
  if (alias !== undefined) link.alias = alias
  if (hairpin !== undefined) link.hairpin = hairpin
  return link
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * {@link readLink} of an event. When an ipvlan's mode changes, Linux (`ipvlan_set_port_mode`) first sets or clears NOARP on
 * all ipvlans of the parent, telling of each with the mode of before, and then changes the mode without a word. So it is the
 * flag that says what the mode is about to be; which of the two of layer 3, a reading knows.
 */
export function readLinkEvent(body: Buffer, names: DeviceNames): LinkReading | undefined {
  const link = readLink(body, names)
  if (link?.kind.type !== 'ipvlan') return link
  const isRouted = (body.readUInt32LE(8) & IFF.NOARP) !== 0
  if (isRouted === (link.kind.mode !== 'l2')) return link
  return { ...link, kind: { ...link.kind, mode: isRouted ? 'l3' : 'l2' } }
}

function readHairpin(info: Attributes): boolean | undefined {
  if (info.text(IFLA_INFO.SLAVE_KIND) !== 'bridge' || !info.has(IFLA_INFO.SLAVE_DATA)) return undefined
  return info.nested(IFLA_INFO.SLAVE_DATA).get(IFLA_BRPORT_MODE)?.[0] === 1
}
