/** Flags of `struct nlmsghdr` (linux/netlink.h). */
export const NLM_F = {
  REQUEST: 1,
  ACK: 4,
  ECHO: 8,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  /** In an error message: the request is not repeated in it. */
  CAPPED: 0x100,
  /** In an error message: extended-ack attributes follow. */
  ACK_TLVS: 0x200
} as const

/** `NLMSG_ERROR` also carries acknowledgements, with error 0. */
export const NLMSG = { ERROR: 2, DONE: 3 } as const

/** Bytes of `struct nlmsghdr`: u32 length, u16 type, u16 flags, u32 sequence number, u32 port. */
export const HEADER_BYTES = 16

/** A nested attribute's type has this bit (`NLA_F_NESTED`); older parts of the kernel do without. */
const NESTED = 0x8000

/** rtnetlink's alignment of messages and attributes (`NLMSG_ALIGNTO`, `RTA_ALIGNTO`). */
export function align(bytes: number): number {
  return (bytes + 3) & ~3
}

/** One request: what kind, with which flags, and how its body is written. */
export interface Request {
  readonly type: number
  readonly flags: number
  readonly write: (body: MessageWriter) => void
}

/**
 * Writes netlink messages one after the other into one growing buffer, in the byte order of this machine (little
 * endian on every one that Node runs on), attributes aligned to four bytes.
 */
export class MessageWriter {
  #buffer: Buffer
  #length = 0
  #start = 0

  constructor(capacityBytes = 4096) {
    this.#buffer = Buffer.alloc(capacityBytes)
  }

  /** Everything written so far. Valid until the next write. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  get length(): number {
    return this.#length
  }

  clear(): void {
    this.#length = 0
    this.#start = 0
  }

  /**
   * A whole message, or nothing of it.
   *
   * @throws RangeError for a number that does not fit its field and for a text with a NUL
   */
  message(request: Request, sequence: number, extraFlags = 0): void {
    const start = this.#length
    try {
      this.fixed(HEADER_BYTES, (view, at) => {
        view.writeUInt16LE(request.type, at + 4)
        view.writeUInt16LE(NLM_F.REQUEST | request.flags | extraFlags, at + 6)
        view.writeUInt32LE(sequence, at + 8)
      })
      request.write(this)
    } catch (error) {
      this.#length = start
      throw error
    }
    this.#start = start
    this.#buffer.writeUInt32LE(this.#length - start, start)
  }

  /** Adds flags to the message that was written last. */
  addFlags(flags: number): void {
    const at = this.#start + 6
    this.#buffer.writeUInt16LE(this.#buffer.readUInt16LE(at) | flags, at)
  }

  /** A fixed part of `bytes` zeros, filled in by `fill`: a family header. */
  fixed(bytes: number, fill: (view: Buffer, at: number) => void): void {
    this.#reserve(align(bytes))
    this.#buffer.fill(0, this.#length, this.#length + align(bytes))
    fill(this.#buffer, this.#length)
    this.#length += align(bytes)
  }

  attribute(type: number, value: Uint8Array): void {
    const bytes = 4 + value.length
    this.#reserve(align(bytes))
    this.#buffer.writeUInt16LE(bytes, this.#length)
    this.#buffer.writeUInt16LE(type, this.#length + 2)
    this.#buffer.set(value, this.#length + 4)
    this.#buffer.fill(0, this.#length + bytes, this.#length + align(bytes))
    this.#length += align(bytes)
  }

  u8(type: number, value: number): void {
    const bytes = Buffer.alloc(1)
    bytes.writeUInt8(value)
    this.attribute(type, bytes)
  }

  u16(type: number, value: number): void {
    const bytes = Buffer.alloc(2)
    bytes.writeUInt16LE(value)
    this.attribute(type, bytes)
  }

  /** Network byte order: ports. */
  be16(type: number, value: number): void {
    const bytes = Buffer.alloc(2)
    bytes.writeUInt16BE(value)
    this.attribute(type, bytes)
  }

  u32(type: number, value: number): void {
    this.#reserve(8)
    this.#buffer.writeUInt16LE(8, this.#length)
    this.#buffer.writeUInt16LE(type, this.#length + 2)
    this.#buffer.writeUInt32LE(value, this.#length + 4)
    this.#length += 8
  }

  /** Without content: the presence says it. */
  flag(type: number): void {
    this.attribute(type, new Uint8Array(0))
  }

  /** NUL-terminated: the kernel would read to the first one and take a shorter name for it. */
  text(type: number, value: string): void {
    if (value.includes('\0')) throw new RangeError(`${JSON.stringify(value)} holds a NUL`)
    this.attribute(type, Buffer.from(`${value}\0`))
  }

  nest(type: number, write: () => void): void {
    this.#reserve(4)
    const at = this.#length
    this.#buffer.writeUInt16LE(type | NESTED, at + 2)
    this.#length += 4
    write()
    this.#buffer.writeUInt16LE(this.#length - at, at)
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const grown = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + bytes))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
