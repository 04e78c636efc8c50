import { align, HEADER_BYTES, NLM_F, NLMSG } from './message.ts'

/** One netlink message within a received buffer. The bytes are valid until the next receive. */
export interface Message {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  /** After the header. */
  readonly body: Buffer
}

/** Every message of what one `recv` brought; an incomplete one at the end is left out. */
export function* messagesOf(buffer: Buffer): Generator<Message> {
  for (let at = 0; at + HEADER_BYTES <= buffer.length; ) {
    const bytes = buffer.readUInt32LE(at)
    if (bytes < HEADER_BYTES || at + bytes > buffer.length) return
    yield {
      type: buffer.readUInt16LE(at + 4),
      flags: buffer.readUInt16LE(at + 6),
      sequence: buffer.readUInt32LE(at + 8),
      body: buffer.subarray(at + HEADER_BYTES, at + bytes)
    }
    at += align(bytes)
  }
}

/** Attributes by type, the nested bit taken off. Of two with one type the last stands. */
export type Attributes = ReadonlyMap<number, Buffer>

const TYPE_MASK = 0x3fff

export function attributesOf(buffer: Buffer, from = 0): Attributes {
  const attributes = new Map<number, Buffer>()
  for (const [type, value] of attributeList(buffer, from)) attributes.set(type, value)
  return attributes
}

/** In order, repeated types included: next hops of a multipath route are such a list. */
export function* attributeList(buffer: Buffer, from = 0): Generator<[type: number, value: Buffer]> {
  for (let at = from; at + 4 <= buffer.length; ) {
    const bytes = buffer.readUInt16LE(at)
    if (bytes < 4 || at + bytes > buffer.length) return
    yield [buffer.readUInt16LE(at + 2) & TYPE_MASK, buffer.subarray(at + 4, at + bytes)]
    at += align(bytes)
  }
}

/** The text of an attribute without its final NUL. */
export function textOf(value: Buffer): string {
  const end = value.indexOf(0)
  return value.toString('utf8', 0, end < 0 ? value.length : end)
}

/** What the kernel says about a request. `errno` 0 is an acknowledgement. */
export interface Verdict {
  readonly errno: number
  /** The kernel's own words (`NLMSGERR_ATTR_MSG`), where it has any. */
  readonly text?: string
}

const NLMSGERR_ATTR_MSG = 1

/** Reads `NLMSG_ERROR`: i32 error, the request's header, perhaps its body, perhaps extended-ack attributes. */
export function verdictOf({ type, flags, body }: Message): Verdict | undefined {
  if (type !== NLMSG.ERROR || body.length < 4) return undefined
  const errno = 0 - body.readInt32LE(0)
  if ((flags & NLM_F.ACK_TLVS) === 0 || body.length < 4 + HEADER_BYTES) return { errno }
  const request = (flags & NLM_F.CAPPED) === 0 ? body.readUInt32LE(4) : HEADER_BYTES
  const text = attributesOf(body, 4 + align(request)).get(NLMSGERR_ATTR_MSG)
  return text === undefined ? { errno } : { errno, text: textOf(text) }
}
