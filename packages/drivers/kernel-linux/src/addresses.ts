import type { InterfaceAddress, InterfaceAddressReading } from '@trilane/contracts'
import type { DeviceIndexes, DeviceNames } from './devices.ts'
import { NLM_F, type Request } from './message.ts'
import { attributesOf } from './reader.ts'
import { AF_OF, RTM, SCOPES } from './rtnetlink.ts'

/** `struct ifaddrmsg`: u8 family, u8 prefix length, u8 flags, u8 scope, u32 index. */
const IFADDR_BYTES = 8

const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 } as const
const IFA_F = {
  TEMPORARY: 1,
  NODAD: 2,
  DADFAILED: 8,
  DEPRECATED: 0x20,
  TENTATIVE: 0x40,
  PERMANENT: 0x80
} as const

/** `ip address add|replace|del ADDRESS/LENGTH dev DEVICE`. In IPv4 without a broadcast address, as `ip` does. */
export function writeAddress(
  action: 'create' | 'set' | 'remove',
  value: InterfaceAddress,
  devices: DeviceIndexes
): Request {
  const index = devices.indexOf(value.device)
  const bytes = value.address.toBytes()
  const flags = value.skipDad === true && value.address.family === 'v6' ? IFA_F.NODAD : 0
  return {
    type: action === 'remove' ? RTM.DELADDR : RTM.NEWADDR,
    flags: FLAGS[action],
    write: (writer) => {
      writer.fixed(IFADDR_BYTES, (view, at) => {
        view[at] = AF_OF[value.address.family]
        view.writeUInt8(value.prefixLength, at + 1)
        view.writeUInt32LE(index, at + 4)
      })
      writer.attribute(IFA.LOCAL, bytes)
      writer.attribute(IFA.ADDRESS, bytes)
      if (flags !== 0 && action !== 'remove') writer.u32(IFA.FLAGS, flags)
    }
  }
}

const FLAGS = { create: NLM_F.CREATE | NLM_F.EXCL, set: NLM_F.CREATE | NLM_F.REPLACE, remove: 0 } as const

/** `ip address show`. */
export const dumpAddresses: Request = {
  type: RTM.GETADDR,
  flags: 0,
  write: (writer) => writer.fixed(IFADDR_BYTES, () => {})
}

export function readAddress(body: Buffer, names: DeviceNames): InterfaceAddressReading | undefined {
  const family = body[0]
  if (family !== AF_OF.v4 && family !== AF_OF.v6) return undefined
  const attributes = attributesOf(body, IFADDR_BYTES)
  // On a point-to-point link IFA_ADDRESS is the other end's.
  const address = attributes.address(IFA.LOCAL) ?? attributes.address(IFA.ADDRESS)
  const device = names.nameOf(body.readUInt32LE(4))
  if (address === undefined || device === undefined) return undefined
  const flags = attributes.u32(IFA.FLAGS) ?? body[2] ?? 0
  return {
    device,
    address,
    prefixLength: body[1] ?? 0,
    scope: SCOPES.get((body[3] ?? 0) as 0) ?? 'global',
    permanent: (flags & IFA_F.PERMANENT) !== 0,
    tentative: (flags & (IFA_F.TENTATIVE | IFA_F.DADFAILED)) !== 0,
    deprecated: (flags & IFA_F.DEPRECATED) !== 0,
    temporary: (flags & IFA_F.TEMPORARY) !== 0
  }
}
