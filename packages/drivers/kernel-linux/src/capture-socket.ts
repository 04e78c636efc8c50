import type { EventSocket } from './event-source.ts'
import { kernelError } from './kernel-errors.ts'
import { closeSlowly } from './slow-close.ts'
import { ERRNO, lastErrno, O_CLOEXEC, receiveMessage, sys } from './syscalls.ts'

const AF_PACKET = 17
const SOCK_RAW = 3
const ETH_P_ALL = 3
const MSG = { DONTWAIT: 0x40, TRUNC: 0x20 } as const
const SOL_SOCKET = 1
/** Its number is the type of its control message, too. */
const SO_TIMESTAMPNS = 35
const SO_RCVBUFFORCE = 33
const SOL_PACKET = 263
const PACKET = { STATISTICS: 6, AUXDATA: 8 } as const
/** if_packet.h: the frame had a tag, which the kernel took out; and its type is told, too. */
const TP_STATUS = { VLAN_VALID: 1 << 4, VLAN_TPID_VALID: 1 << 6 } as const
const PACKET_OUTGOING = 4

/** The longest frame of a device with segmentation offload. */
const RECEIVE_BYTES = 65_536 + 64
/** Of kernel memory: some thousand frames wait while this process does something else. */
const BUFFER_BYTES = 8 << 20
/** `struct sockaddr_ll`. */
const ADDRESS_BYTES = 20
/** `struct cmsghdr` on 64 bits: u64 length, i32 level, i32 type. */
const CONTROL_HEADER_BYTES = 16

/** A frame as it passed a device. */
export interface CaptureRecord {
  /** Kernel's clock, ns since 1970. */
  readonly atNs: bigint
  readonly direction: 'in' | 'out'
  /** From its Ethernet header on; the outermost 802.1q tag is where it was. */
  readonly bytes: Buffer
  /** Of the whole frame. */
  readonly wireBytes: number
}

/** Every frame that a device sends or is given, of the namespace that it is made in. */
export class CaptureSocket implements EventSocket {
  readonly fd: number
  readonly #frame = Buffer.alloc(RECEIVE_BYTES)
  readonly #address = Buffer.alloc(ADDRESS_BYTES)
  readonly #control = Buffer.alloc(256)
  #last: Omit<CaptureRecord, 'bytes'> | undefined
  #closed = false

  /** @throws TrilaneError `TRI_KERNEL_PERMISSION`, `TRI_KERNEL_NOT_FOUND` for a device that went away */
  constructor(index: number) {
    // Protocol 0: it hears nothing before it is bound to its device.
    this.fd = sys.socket(AF_PACKET, SOCK_RAW | O_CLOEXEC, 0)
    if (this.fd < 0) throw kernelError('socket(AF_PACKET)', { errno: lastErrno() })
    try {
      this.#set(SOL_SOCKET, SO_TIMESTAMPNS, 1)
      this.#set(SOL_PACKET, PACKET.AUXDATA, 1)
      this.#set(SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
      const address = Buffer.alloc(ADDRESS_BYTES)
      address.writeUInt16LE(AF_PACKET, 0)
      address.writeUInt16BE(ETH_P_ALL, 2)
      address.writeInt32LE(index, 4)
      if (sys.bind(this.fd, address, address.length) < 0) {
        throw kernelError('bind(AF_PACKET)', { errno: lastErrno() })
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** One frame without waiting: good until the next call, as is {@link record}. */
  receiveEvents(): Buffer | undefined {
    for (;;) {
      this.#control.fill(0)
      const length = receiveMessage(
        this.fd,
        { data: this.#frame, address: this.#address, control: this.#control },
        MSG.DONTWAIT | MSG.TRUNC
      )
      if (length >= 0) return this.#read(length)
      const errno = lastErrno()
      if (errno === ERRNO.EINTR || errno === ERRNO.ENETDOWN) continue
      if (errno === ERRNO.EAGAIN) return undefined
      throw kernelError('recvmsg(AF_PACKET)', { errno })
    }
  }

  /** What came with the frame that {@link receiveEvents} gave. The bytes are a copy. */
  record(frame: Buffer): CaptureRecord {
    if (this.#last === undefined) throw new RangeError('nothing was received')
    return { ...this.#last, bytes: Buffer.from(frame) }
  }

  /** Frames that did not fit into the kernel's buffer since the last call. */
  takeDrops(): number {
    const statistics = Buffer.alloc(8)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(statistics.length)
    if (sys.getsockopt(this.fd, SOL_PACKET, PACKET.STATISTICS, statistics, length) < 0) {
      throw kernelError('getsockopt(PACKET_STATISTICS)', { errno: lastErrno() })
    }
    return statistics.readUInt32LE(4)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSlowly(this.fd)
  }

  #read(wireBytes: number): Buffer {
    const frame = this.#frame.subarray(0, Math.min(wireBytes, this.#frame.length))
    const { atNs, tag } = readControl(this.#control)
    const direction = this.#address.readUInt8(10) === PACKET_OUTGOING ? 'out' : 'in'
    this.#last = { atNs, direction, wireBytes: wireBytes + (tag?.length ?? 0) }
    return tag === undefined ? frame : Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)])
  }

  #set(level: number, option: number, value: number): void {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    if (sys.setsockopt(this.fd, level, option, bytes, bytes.length) < 0) {
      throw kernelError('setsockopt(AF_PACKET)', { errno: lastErrno() })
    }
  }
}

/** Time stamp, and the tag that the kernel took out. */
function readControl(control: Buffer): { readonly atNs: bigint; readonly tag?: Buffer } {
  let atNs = 0n
  let tag: Buffer | undefined
  for (let at = 0; at + CONTROL_HEADER_BYTES <= control.length; ) {
    const bytes = Number(control.readBigUInt64LE(at))
    if (bytes < CONTROL_HEADER_BYTES) break
    const level = control.readInt32LE(at + 8)
    const type = control.readInt32LE(at + 12)
    const body = control.subarray(at + CONTROL_HEADER_BYTES, at + bytes)
    if (level === SOL_SOCKET && type === SO_TIMESTAMPNS) {
      atNs = body.readBigInt64LE(0) * 1_000_000_000n + body.readBigInt64LE(8)
    }
    if (level === SOL_PACKET && type === PACKET.AUXDATA) tag = tagOf(body)
    // Aligned to 8 bytes.
    at += (bytes + 7) & ~7
  }
  return tag === undefined ? { atNs } : { atNs, tag }
}

/** `struct tpacket_auxdata`: u32 status, length, snapped; u16 mac, net, tci, tpid. */
function tagOf(auxdata: Buffer): Buffer | undefined {
  const status = auxdata.readUInt32LE(0)
  if ((status & TP_STATUS.VLAN_VALID) === 0) return undefined
  const tag = Buffer.alloc(4)
  tag.writeUInt16BE((status & TP_STATUS.VLAN_TPID_VALID) === 0 ? 0x8100 : auxdata.readUInt16LE(18), 0)
  tag.writeUInt16BE(auxdata.readUInt16LE(16), 2)
  return tag
}
