import type { EventSocket } from './event-source.ts'
import { kernelError } from './kernel-errors.ts'
import { closeSlowly } from './slow-close.ts'
import { attachFilter, ERRNO, type FilterStep, lastErrno, O_CLOEXEC, sys } from './syscalls.ts'

const AF_PACKET = 17
const SOCK_RAW = 3
const MSG_DONTWAIT = 0x40
const SOL_PACKET = 263
const PACKET_ADD_MEMBERSHIP = 1
const PACKET_MR = { MULTICAST: 0, PROMISC: 1 } as const

/** The longest frame that anybody here reads: an answer of ARP, of neighbour discovery, of DHCP. */
const RECEIVE_BYTES = 2_048

/**
 * Raw frames of the devices of the namespace that it is made in. It receives nothing until {@link listen}: Linux waits for a
 * grace period, 10 ms and more, when a socket that receives is bound to something else.
 */
export class PacketSocket implements EventSocket {
  readonly fd: number
  readonly #received = Buffer.alloc(RECEIVE_BYTES)
  #closed = false

  constructor() {
    // Protocol 0: it sends, and receives nothing.
    this.fd = sys.socket(AF_PACKET, SOCK_RAW | O_CLOEXEC, 0)
    if (this.fd < 0) throw kernelError('socket(AF_PACKET)', { errno: lastErrno() })
  }

  /**
   * Receives frames of one type that come in by one device from now on.
   *
   * @param groups multicast MACs that the card is to let through as well
   */
  listen(
    index: number,
    etherType: number,
    filter: readonly FilterStep[] = [],
    groups: readonly Uint8Array[] = []
  ): void {
    if (filter.length > 0 && attachFilter(this.fd, filter) < 0) throw this.#failure('setsockopt')
    for (const group of groups) this.#join(index, PACKET_MR.MULTICAST, group)
    const address = addressOf(index, etherType)
    if (sys.bind(this.fd, address, address.length) < 0) throw this.#failure('bind')
  }

  /**
   * A frame that is lost on its way out – a queue is full, the other end of a pair takes no such length – is as one that is
   * lost on the wire.
   *
   * @param command what it does, for the error
   * @throws TrilaneError `TRI_KERNEL_REFUSED` when the device is down
   */
  send(frame: Buffer, index: number, command: string): void {
    const to = addressOf(index, frame.readUInt16BE(12))
    to[11] = 6
    frame.copy(to, 12, 0, 6)
    if (sys.sendto(this.fd, frame, frame.length, 0, to, to.length) >= 0) return
    const errno = lastErrno()
    if (errno !== ERRNO.ENOBUFS) throw kernelError(command, { errno })
  }

  /** One frame without waiting. What went wrong with the device shows when something is sent. */
  receiveEvents(): Buffer | undefined {
    for (;;) {
      const length = Number(sys.recv(this.fd, this.#received, this.#received.length, MSG_DONTWAIT))
      if (length >= 0) return this.#received.subarray(0, length)
      const errno = lastErrno()
      // A device that goes down is told once; frames may still be waiting.
      if (errno === ERRNO.EINTR || errno === ERRNO.ENETDOWN) continue
      if (errno === ERRNO.EAGAIN) return undefined
      throw kernelError('recv(AF_PACKET)', { errno })
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSlowly(this.fd)
  }

  /** As long as this is open the device hears frames of every MAC. */
  hearEverything(index: number): void {
    this.#join(index, PACKET_MR.PROMISC, new Uint8Array(0))
  }

  #join(index: number, type: number, address: Uint8Array): void {
    // struct packet_mreq: i32 index, u16 type, u16 length, 8 bytes address.
    const request = Buffer.alloc(16)
    request.writeInt32LE(index, 0)
    request.writeUInt16LE(type, 4)
    request.writeUInt16LE(address.length, 6)
    request.set(address, 8)
    const done = sys.setsockopt(this.fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request, request.length)
    if (done < 0) throw this.#failure('setsockopt')
  }

  #failure(what: string): Error {
    return kernelError(`${what}(AF_PACKET)`, { errno: lastErrno() })
  }
}

/** struct sockaddr_ll: u16 family, be16 protocol, i32 index, u16 hardware type, u8 packet type, u8 length, 8 bytes address. */
function addressOf(index: number, etherType: number): Buffer {
  const address = Buffer.alloc(20)
  address.writeUInt16LE(AF_PACKET, 0)
  address.writeUInt16BE(etherType, 2)
  address.writeInt32LE(index, 4)
  return address
}
