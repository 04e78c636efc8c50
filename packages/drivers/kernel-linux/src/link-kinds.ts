import type { IpvlanKind, LinkKind, MacvlanKind, VethKind, VxlanKind } from '@trilane/contracts'
import type { DeviceNames } from './devices.ts'
import type { MessageWriter } from './message.ts'
import type { Attributes } from './reader.ts'
import { IFLA, IFLA_INFO, keyOfValue } from './rtnetlink.ts'

const VETH_INFO_PEER = 1

const VXLAN = { ID: 1, LINK: 3, LOCAL: 4, LEARNING: 7, PORT: 15, LOCAL6: 17, GBP: 23 } as const

const MACVLAN_MODE = 1
const MACVLAN_MODES = new Map<number, NonNullable<MacvlanKind['mode']>>([
  [1, 'private'],
  [2, 'vepa'],
  [4, 'bridge'],
  [8, 'passthru']
])

const IPVLAN = { MODE: 1, FLAGS: 2 } as const
const IPVLAN_MODES = new Map<number, NonNullable<IpvlanKind['mode']>>([
  [0, 'l2'],
  [1, 'l3'],
  [2, 'l3s']
])
const IPVLAN_FLAGS = new Map<number, NonNullable<IpvlanKind['flag']>>([
  [0, 'bridge'],
  [1, 'private'],
  [2, 'vepa']
])

const VLAN_ID = 1

/** The lower device: `IFLA_LINK`, and for vxlan an attribute of its data. */
export function parentOf(kind: LinkKind): string | undefined {
  return 'parent' in kind ? kind.parent : undefined
}

/**
 * `IFLA_LINKINFO` of a device that is made.
 *
 * @param parentIndex of {@link parentOf}, looked up before: nothing is asked for while a message is being written
 * @param openNamespace gives a descriptor that stays open until the message is sent
 */
export function writeKind(
  writer: MessageWriter,
  kind: LinkKind,
  parentIndex: number | undefined,
  openNamespace: (path: string) => number
): void {
  writer.nest(IFLA.LINKINFO, () => {
    writer.text(IFLA_INFO.KIND, kind.type === 'other' ? kind.kernelType : kind.type)
    switch (kind.type) {
      case 'veth':
        if (kind.peer !== undefined) writePeer(writer, kind.peer, openNamespace)
        break
      case 'vxlan':
        writer.nest(IFLA_INFO.DATA, () => writeVxlan(writer, kind, parentIndex))
        break
      case 'macvlan':
      case 'ipvlan':
        writeChangeable(writer, kind, parentIndex)
        break
      case 'vlan':
        writer.nest(IFLA_INFO.DATA, () => writer.u16(VLAN_ID, kind.vlanId))
        break
      default:
        break
    }
  })
}

/** Has the kind attributes that Linux changes on an existing device (`rtnl_link_ops.changelink`)? */
export function isChangeable(kind: LinkKind): boolean {
  return (
    (kind.type === 'macvlan' && kind.mode !== undefined) ||
    (kind.type === 'ipvlan' && (kind.mode !== undefined || kind.flag !== undefined)) ||
    (kind.type === 'vxlan' &&
      (kind.learning !== undefined || kind.local !== undefined || kind.parent !== undefined))
  )
}

/**
 * `IFLA_INFO_DATA` with nothing but what may be changed: `ip link set NAME type KIND …`.
 *
 * @param parentIndex as in {@link writeKind}; used for vxlan alone, no other type moves to another device
 */
export function writeChangeable(
  writer: MessageWriter,
  kind: LinkKind,
  parentIndex: number | undefined
): void {
  if (!isChangeable(kind)) return
  writer.nest(IFLA_INFO.DATA, () => {
    if (kind.type === 'macvlan' && kind.mode !== undefined) {
      writer.u32(MACVLAN_MODE, keyOfValue(MACVLAN_MODES, kind.mode))
    }
    if (kind.type === 'ipvlan') {
      if (kind.mode !== undefined) writer.u16(IPVLAN.MODE, keyOfValue(IPVLAN_MODES, kind.mode))
      if (kind.flag !== undefined) writer.u16(IPVLAN.FLAGS, keyOfValue(IPVLAN_FLAGS, kind.flag))
    }
    if (kind.type === 'vxlan') writeChangeableVxlan(writer, kind, parentIndex)
  })
}

/** The other end of a veth pair is a link message of its own inside the data: header first, then attributes. */
function writePeer(
  writer: MessageWriter,
  peer: NonNullable<VethKind['peer']>,
  openNamespace: (path: string) => number
): void {
  writer.nest(IFLA_INFO.DATA, () =>
    writer.nest(VETH_INFO_PEER, () => {
      writer.fixed(16, () => {})
      writer.text(IFLA.IFNAME, peer.name)
      if (peer.mtuBytes !== undefined) writer.u32(IFLA.MTU, peer.mtuBytes)
      if (peer.mac !== undefined) writer.attribute(IFLA.ADDRESS, peer.mac.toBytes())
      if (peer.namespace !== undefined) writer.u32(IFLA.NET_NS_FD, openNamespace(peer.namespace))
    })
  )
}

function writeVxlan(writer: MessageWriter, kind: VxlanKind, parentIndex: number | undefined): void {
  writer.u32(VXLAN.ID, kind.vni)
  writeChangeableVxlan(writer, kind, parentIndex)
  if (kind.port !== undefined) writer.be16(VXLAN.PORT, kind.port)
  if (kind.gbp === true) writer.flag(VXLAN.GBP)
}

function writeChangeableVxlan(writer: MessageWriter, kind: VxlanKind, parentIndex: number | undefined): void {
  if (parentIndex !== undefined) writer.u32(VXLAN.LINK, parentIndex)
  if (kind.local !== undefined) {
    writer.attribute(kind.local.family === 'v4' ? VXLAN.LOCAL : VXLAN.LOCAL6, kind.local.toBytes())
  }
  if (kind.learning !== undefined) writer.u8(VXLAN.LEARNING, Number(kind.learning))
}

const VETH: LinkKind = { type: 'veth' }
const BRIDGE: LinkKind = { type: 'bridge' }

/** @param link all attributes of the device's message: the lower device stands outside its kind */
export function readKind(link: Attributes, names: DeviceNames): LinkKind {
  const info = link.nested(IFLA.LINKINFO)
  const kernelType = info.text(IFLA_INFO.KIND) ?? ''
  if (kernelType === 'veth') return VETH
  if (kernelType === 'bridge') return BRIDGE
  const data = info.nested(IFLA_INFO.DATA)
  const lower = lowerDevice(link, names)
  switch (kernelType) {
    case 'vxlan':
      return readVxlan(data, names)
    case 'macvlan': {
      const mode = MACVLAN_MODES.get(data.u32(MACVLAN_MODE) ?? 0)
      return { type: 'macvlan', parent: lower, ...(mode === undefined ? {} : { mode }) }
    }
    case 'ipvlan': {
      const mode = IPVLAN_MODES.get(data.get(IPVLAN.MODE)?.readUInt16LE(0) ?? 0)
      const flag = IPVLAN_FLAGS.get(data.get(IPVLAN.FLAGS)?.readUInt16LE(0) ?? 0)
      return {
        type: 'ipvlan',
        parent: lower,
        ...(mode === undefined ? {} : { mode }),
        ...(flag === undefined ? {} : { flag })
      }
    }
    case 'vlan':
      return { type: 'vlan', parent: lower, vlanId: data.get(VLAN_ID)?.readUInt16LE(0) ?? 0 }
    default:
      return { type: 'other', kernelType }
  }
}

function readVxlan(data: Attributes, names: DeviceNames): VxlanKind {
  const parent = data.u32(VXLAN.LINK)
  const parentName = parent === undefined ? undefined : names.nameOf(parent)
  const local = data.address(VXLAN.LOCAL) ?? data.address(VXLAN.LOCAL6)
  return {
    type: 'vxlan',
    vni: data.u32(VXLAN.ID) ?? 0,
    port: data.get(VXLAN.PORT)?.readUInt16BE(0) ?? 0,
    learning: data.get(VXLAN.LEARNING)?.[0] === 1,
    gbp: data.has(VXLAN.GBP),
    ...(parentName === undefined ? {} : { parent: parentName }),
    ...(local === undefined ? {} : { local })
  }
}

/** Empty when it is in another namespace: an index there means something else here. */
function lowerDevice(link: Attributes, names: DeviceNames): string {
  const index = link.u32(IFLA.LINK)
  if (index === undefined || link.has(IFLA.LINK_NETNSID)) return ''
  return names.nameOf(index) ?? ''
}
