import type { KernelChange } from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'
import { Flags, FlagsNew } from 'netlink/dist/constants.js'
import type { MessageType } from 'netlink/dist/rt/gen_structs.js'
import { AttrStream, formatMessage, type StreamData } from 'netlink/dist/structs.js'
import { MessageWriter, type Request } from '../src/message.ts'

/**
 * Our bytes against those of an independent implementation, the npm package `netlink`, whose encoders are generated
 * from the kernel's headers. Only its encoders are loaded, not its native part.
 */
export interface EncoderCase {
  readonly change: KernelChange
  /** The messages, in hexadecimal. */
  readonly expected: readonly string[]
}

const SEQUENCE = 7
const HEADER_BYTES = 16

const INDEXES: Readonly<Record<string, number>> = { eth0: 2, br0: 3, flannel0: 4, veth0: 5 }

export const devices = {
  indexOf(name: string): number {
    const index = INDEXES[name]
    if (index === undefined) throw new Error(`the test knows no device ${name}`)
    return index
  }
}

export const mac = Mac.parse('02:42:0a:05:01:02')
export const macBytes: Buffer = Buffer.from(mac.toBytes())

export const AF = { INET: 2, BRIDGE: 7, INET6: 10 } as const

/** Flags of a request that creates, replaces, or does neither. */
export const CREATE: number = Flags.REQUEST | FlagsNew.CREATE | FlagsNew.EXCL
export const REPLACE: number = Flags.REQUEST | FlagsNew.CREATE | FlagsNew.REPLACE
export const PLAIN: number = Flags.REQUEST

export function bytes(address: string): Buffer {
  return Buffer.from(IpAddress.parse(address).toBytes())
}

export function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}

/** What the other implementation makes of a request. */
export function theirMessage(
  type: MessageType,
  flags: number,
  header: Buffer,
  attributes: StreamData = () => {}
): string {
  const data = [header, nested(attributes)]
  return Buffer.concat(formatMessage({ type, flags, seq: SEQUENCE, port: 0, data })).toString('hex')
}

/** Attributes alone, the last one padded as the kernel wants it. */
export function nested(attributes: StreamData): Buffer {
  const out = new AttrStream()
  out.emit(attributes)
  const written = Buffer.concat(out.bufs)
  return Buffer.concat([written, Buffer.alloc((4 - (written.length & 3)) & 3)])
}

/**
 * Ours. Of links without the bits that mark nested attributes, which the other implementation leaves out.
 */
export function ourMessage(request: Request, extraFlags = 0): string {
  // So little room that the buffer has to grow.
  const writer = new MessageWriter(16)
  writer.message(request, SEQUENCE, extraFlags)
  const message = Buffer.from(writer.bytes)
  if (request.type <= MAX_LINK_TYPE) clearNestedBits(message, HEADER_BYTES + LINK_BYTES, message.length)
  return message.toString('hex')
}

/** RTM_SETLINK, and the length of its header: the only requests with nested attributes. */
const MAX_LINK_TYPE = 19
const LINK_BYTES = 16

function clearNestedBits(message: Buffer, from: number, end: number): void {
  for (let at = from; at + 4 <= end; ) {
    const length = message.readUInt16LE(at)
    const type = message.readUInt16LE(at + 2)
    if (length < 4) return
    if ((type & 0x8000) !== 0) {
      message.writeUInt16LE(type & 0x7fff, at + 2)
      clearNestedBits(message, at + 4, at + length)
    }
    at += (length + 3) & ~3
  }
}
