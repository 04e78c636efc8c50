import { IpAddress, Mac } from '@trilane/ip'
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
export function messagesOf(buffer: Buffer): Iterable<Message> {
  return new Messages(buffer)
}

/** What a generator would do, for a third of the garbage: a pod's ADD is told of by some forty events. */
class Messages implements Iterable<Message>, Iterator<Message> {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  [Symbol.iterator](): Iterator<Message> {
    return this
  }

  next(): IteratorResult<Message> {
    const buffer = this.#buffer
    const at = this.#at
    const bytes = at + HEADER_BYTES <= buffer.length ? buffer.readUInt32LE(at) : 0
    if (bytes < HEADER_BYTES || at + bytes > buffer.length) return { done: true, value: undefined }
    this.#at = at + align(bytes)
    return { done: false, value: new MessageIn(buffer, at, at + bytes) }
  }
}

/** Cut out when it is asked for: of a dump every message is looked at twice, and the first time only its header. */
class MessageIn implements Message {
  readonly #buffer: Buffer
  readonly #at: number
  readonly #end: number

  constructor(buffer: Buffer, at: number, end: number) {
    this.#buffer = buffer
    this.#at = at
    this.#end = end
  }

  get type(): number {
    return this.#buffer.readUInt16LE(this.#at + 4)
  }

  get flags(): number {
    return this.#buffer.readUInt16LE(this.#at + 6)
  }

  get sequence(): number {
    return this.#buffer.readUInt32LE(this.#at + 8)
  }

  get body(): Buffer {
    return this.#buffer.subarray(this.#at + HEADER_BYTES, this.#end)
  }
}

/** Attributes by type, the nested bit taken off. Of two with one type the last stands. */
export interface Attributes {
  /** Cuts a buffer out: where one of the others will do, it makes less garbage. */
  get(type: number): Buffer | undefined
  has(type: number): boolean
  /** In the byte order of this machine; `undefined` also for an attribute that is too short. */
  u32(type: number): number | undefined
  /** Without its final NUL. */
  text(type: number): string | undefined
  /** `undefined` also for one that has not the length of a MAC. */
  mac(type: number): Mac | undefined
  /** The attributes in it; none when it is not there. */
  nested(type: number): Attributes
  /** `undefined` also for one that has not the length of an address. */
  address(type: number): IpAddress | undefined
}

const TYPE_MASK = 0x3fff

/** Looks when it is asked: of most messages few attributes are wanted, and there are tens of thousands of messages. */
export function attributesOf(buffer: Buffer, from = 0): Attributes {
  return new AttributesIn(buffer, from, buffer.length)
}

class AttributesIn implements Attributes {
  readonly #buffer: Buffer
  readonly #from: number
  readonly #end: number

  constructor(buffer: Buffer, from: number, end: number) {
    this.#buffer = buffer
    this.#from = from
    this.#end = end
  }

  get(type: number): Buffer | undefined {
    const at = this.#find(type)
    return at < 0 ? undefined : this.#buffer.subarray(at + 4, this.#endOf(at))
  }

  has(type: number): boolean {
    return this.#find(type) >= 0
  }

  u32(type: number): number | undefined {
    const at = this.#find(type)
    return at < 0 || this.#endOf(at) - at < 8 ? undefined : this.#buffer.readUInt32LE(at + 4)
  }

  text(type: number): string | undefined {
    const at = this.#find(type)
    return at < 0 ? undefined : textBetween(this.#buffer, at + 4, this.#endOf(at))
  }

  mac(type: number): Mac | undefined {
    const at = this.#find(type)
    return at < 0 || this.#endOf(at) - at !== 10 ? undefined : Mac.fromBytes(this.#buffer, at + 4)
  }

  address(type: number): IpAddress | undefined {
    const at = this.#find(type)
    const end = this.#endOf(at)
    const bytes = end - at - 4
    if (at < 0 || (bytes !== 4 && bytes !== 16)) return undefined
    return IpAddress.fromBytes(this.#buffer, at + 4, end)
  }

  nested(type: number): Attributes {
    const at = this.#find(type)
    const end = this.#endOf(at)
    return at < 0 ? NO_ATTRIBUTES : new AttributesIn(this.#buffer, at + 4, end)
  }

  #endOf(at: number): number {
    return at + lengthAt(this.#buffer, at, this.#end)
  }

  /** Where the attribute begins; of two the last. Below 0: there is none. */
  #find(type: number): number {
    const buffer = this.#buffer
    const end = this.#end
    let found = -1
    for (let at = this.#from; at + 4 <= end; ) {
      const bytes = lengthAt(buffer, at, end)
      if (bytes < 4) break
      if (typeAt(buffer, at) === type) found = at
      at += align(bytes)
    }
    return found
  }
}

const NO_ATTRIBUTES = attributesOf(Buffer.alloc(0))

/** In order, repeated types included: next hops of a multipath route are such a list. */
export function* attributeList(buffer: Buffer, from = 0): Generator<[type: number, value: Buffer]> {
  for (let at = from; at + 4 <= buffer.length; ) {
    const bytes = lengthAt(buffer, at, buffer.length)
    if (bytes < 4) return
    yield [typeAt(buffer, at), buffer.subarray(at + 4, at + bytes)]
    at += align(bytes)
  }
}

/** Of the attribute that begins here, its header included; 0 when it does not fit. */
function lengthAt(buffer: Buffer, at: number, end: number): number {
  const bytes = (buffer[at] ?? 0) | ((buffer[at + 1] ?? 0) << 8)
  return at + bytes > end ? 0 : bytes
}

function typeAt(buffer: Buffer, at: number): number {
  return ((buffer[at + 2] ?? 0) | ((buffer[at + 3] ?? 0) << 8)) & TYPE_MASK
}

/** The text of an attribute without its final NUL. */
export function textOf(value: Buffer): string {
  return textBetween(value, 0, value.length)
}

function textBetween(buffer: Buffer, from: number, end: number): string {
  let at = from
  while (at < end && buffer[at] !== 0) at += 1
  return buffer.toString('utf8', from, at)
}

/** What the kernel says about a request. `errno` 0 is an acknowledgement. */
export interface Verdict {
  readonly errno: number
  /** The kernel's own words (`NLMSGERR_ATTR_MSG`), where it has any. */
  readonly text?: string
}

const NLMSGERR_ATTR_MSG = 1

/** Reads `NLMSG_ERROR`: i32 error, the request's header, perhaps its body, perhaps extended-ack attributes. */
export function verdictOf(message: Message): Verdict | undefined {
  if (message.type !== NLMSG.ERROR) return undefined
  const { flags, body } = message
  if (body.length < 4) return undefined
  const errno = 0 - body.readInt32LE(0)
  if ((flags & NLM_F.ACK_TLVS) === 0 || body.length < 4 + HEADER_BYTES) return { errno }
  const request = (flags & NLM_F.CAPPED) === 0 ? body.readUInt32LE(4) : HEADER_BYTES
  const text = attributesOf(body, 4 + align(request)).get(NLMSGERR_ATTR_MSG)
  return text === undefined ? { errno } : { errno, text: textOf(text) }
}
