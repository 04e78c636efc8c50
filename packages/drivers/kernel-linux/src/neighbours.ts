import type { FdbEntry, Neighbour } from '@trilane/contracts'
import type { Family, IpAddress } from '@trilane/ip'
import type { DeviceIndexes, DeviceNames } from './devices.ts'
import { NLM_F, type Request } from './message.ts'
import { attributesOf } from './reader.ts'
import { AF, AF_OF, keyOfValue, RTM } from './rtnetlink.ts'

/** `struct ndmsg`: u8 family, 3 pad, i32 index, u16 state, u8 flags, u8 type. */
const NDMSG_BYTES = 12

const NDA = { DST: 1, LLADDR: 2, IFINDEX: 8 } as const

/** The entry is the device's own (vxlan's), not that of the bridge above it. */
const NTF_SELF = 2

/** Not an entry to store, but one to be used now. */
const NTF_USE = 1

const STATES = new Map<number, NonNullable<Neighbour['state']>>([
  [1, 'incomplete'],
  [2, 'reachable'],
  [4, 'stale'],
  [8, 'delay'],
  [0x10, 'probe'],
  [0x20, 'failed'],
  [0x40, 'noarp'],
  [0x80, 'permanent']
])

const FLAGS = { create: NLM_F.CREATE | NLM_F.EXCL, set: NLM_F.CREATE | NLM_F.REPLACE, remove: 0 } as const

/** `ip neigh add|replace|del ADDRESS lladdr MAC dev DEVICE nud STATE`. */
export function writeNeighbour(
  action: 'create' | 'set' | 'remove',
  value: Neighbour,
  devices: DeviceIndexes
): Request {
  const index = devices.indexOf(value.device)
  return {
    type: action === 'remove' ? RTM.DELNEIGH : RTM.NEWNEIGH,
    flags: FLAGS[action],
    write: (writer) => {
      writer.fixed(NDMSG_BYTES, (view, at) => {
        view[at] = AF_OF[value.address.family]
        view.writeInt32LE(index, at + 4)
        view.writeUInt16LE(action === 'remove' ? 0 : keyOfValue(STATES, value.state ?? 'permanent'), at + 8)
      })
      writer.attribute(NDA.DST, value.address.toBytes())
      if (value.mac !== undefined && action !== 'remove') writer.attribute(NDA.LLADDR, value.mac.toBytes())
    }
  }
}

/** `bridge fdb add|replace|del MAC dev DEVICE dst ADDRESS self permanent`. */
export function writeFdbEntry(
  action: 'create' | 'set' | 'remove',
  value: FdbEntry,
  devices: DeviceIndexes
): Request {
  const index = devices.indexOf(value.device)
  return {
    type: action === 'remove' ? RTM.DELNEIGH : RTM.NEWNEIGH,
    flags: FLAGS[action],
    write: (writer) => {
      writer.fixed(NDMSG_BYTES, (view, at) => {
        view[at] = AF.BRIDGE
        view.writeInt32LE(index, at + 4)
        view.writeUInt16LE(keyOfValue(STATES, 'permanent'), at + 8)
        view[at + 10] = NTF_SELF
      })
      writer.attribute(NDA.LLADDR, value.mac.toBytes())
      writer.attribute(NDA.DST, value.destination.toBytes())
    }
  }
}

/** `ip neigh replace ADDRESS dev DEVICE use`: what a packet to the address would set off (`neigh_event_send`). */
export function useNeighbour(address: IpAddress, index: number): Request {
  return {
    type: RTM.NEWNEIGH,
    flags: NLM_F.CREATE,
    write: (writer) => {
      writer.fixed(NDMSG_BYTES, (view, at) => {
        view[at] = AF_OF[address.family]
        view.writeInt32LE(index, at + 4)
        view[at + 10] = NTF_USE
      })
      writer.attribute(NDA.DST, address.toBytes())
    }
  }
}

/** `ip neigh show dev DEVICE`; the kernel filters by device. */
export function dumpNeighbours(family: Family, index: number): Request {
  return dumpOf(AF_OF[family], (writer) => writer.u32(NDA.IFINDEX, index))
}

/** `bridge fdb show dev DEVICE`. In the header, not as an attribute: that one means "of this bridge's port". */
export function dumpFdb(index: number): Request {
  return dumpOf(AF.BRIDGE, () => {}, index)
}

function dumpOf(family: number, filter: Request['write'], index = 0): Request {
  return {
    type: RTM.GETNEIGH,
    flags: 0,
    write: (writer) => {
      writer.fixed(NDMSG_BYTES, (view, at) => {
        view[at] = family
        view.writeInt32LE(index, at + 4)
      })
      filter(writer)
    }
  }
}

/** What a neighbour message holds: one of the two, or neither (a bridge's own entry, without a destination). */
export type NeighbourReading =
  | { readonly kind: 'neighbour'; readonly value: Neighbour }
  | { readonly kind: 'fdb'; readonly value: FdbEntry }

export function readNeighbour(body: Buffer, names: DeviceNames): NeighbourReading | undefined {
  const attributes = attributesOf(body, NDMSG_BYTES)
  const device = names.nameOf(body.readInt32LE(4))
  const address = attributes.address(NDA.DST)
  if (device === undefined || address === undefined) return undefined
  const known = attributes.mac(NDA.LLADDR)
  if (body[0] === AF.BRIDGE) {
    return known === undefined
      ? undefined
      : { kind: 'fdb', value: { device, mac: known, destination: address } }
  }
  const state = STATES.get(body.readUInt16LE(8))
  return {
    kind: 'neighbour',
    value: {
      device,
      address,
      ...(known === undefined ? {} : { mac: known }),
      ...(state === undefined ? {} : { state })
    }
  }
}
