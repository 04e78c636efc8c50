import { TrilaneError } from '@trilane/contracts'
import { kernelError } from './kernel-errors.ts'
import { MessageWriter, NLM_F, NLMSG, type Request } from './message.ts'
import { type Message, messagesOf, type Verdict, verdictOf } from './reader.ts'
import { ERRNO, lastErrno, O_CLOEXEC, sys } from './syscalls.ts'

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOL_SOCKET = 1
const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12
const MSG_DONTWAIT = 0x40
/** `recv` returns the real length of a datagram that did not fit: how truncation is noticed. */
const MSG_TRUNC = 0x20

/** Room for the answers to a whole batch, and for events while the loop is busy. */
export const DEFAULT_BUFFER_BYTES = 4 << 20

/** The kernel fills at most 32 KiB for each message of a dump (`NLMSG_GOODSIZE` and `min_dump_alloc`). */
const RECEIVE_BYTES = 64 << 10

/**
 * Of closed sockets, for the next: each pod has one for some milliseconds, and memory that is outside of the collector's heap
 * makes it collect all the more often.
 */
const spareRooms: Buffer[] = []
const MOST_SPARE_ROOMS = 8

/** One send of a batch; the kernel works it off inside `sendmsg`. */
const BATCH_BYTES = 128 << 10

/** One is being sent while another is written. */
const SPARE_WRITERS = 2

/** A table that changes during each of this many dumps is read no more often. */
const DUMP_ATTEMPTS = 5

/** What a socket needs of the system; replaced in tests of what a healthy kernel does not do on demand. */
export interface NetlinkCalls {
  readonly send: typeof sys.send
  readonly recv: typeof sys.recv
  readonly close: (fd: number) => number
  readonly errno: () => number
}

const SYSTEM: NetlinkCalls = { send: sys.send, recv: sys.recv, close: sys.close, errno: lastErrno }

export interface NetlinkSocketOptions {
  /** @default {@link DEFAULT_BUFFER_BYTES} */
  readonly bufferBytes?: number
  /** Multicast groups (`RTNLGRP_…`, 1 to 32) whose events it gets. */
  readonly groups?: readonly number[]
  /** `NETLINK_…`: who is spoken to. @default 0, rtnetlink */
  readonly protocol?: number
  readonly calls?: NetlinkCalls
}

/**
 * A rtnetlink socket.
 *
 * The kernel answers a request before `sendmsg` returns, so requests neither wait nor need the event loop.
 * Construct it where it shall work: a socket belongs to the namespace of the thread that makes it, for ever.
 */
export class NetlinkSocket {
  readonly fd: number
  readonly #calls: NetlinkCalls
  /** Its pages cost nothing until something is received into them. */
  readonly #received = spareRooms.pop() ?? Buffer.allocUnsafeSlow(RECEIVE_BYTES)
  readonly #writer = new MessageWriter()
  /** Written and not sent yet, or free again: growing a new one for each batch would be the collector's work. */
  readonly #spareWriters: MessageWriter[] = []
  #sequence = 1
  #asyncTail: Promise<unknown> | undefined
  #closed = false
  #broken = false

  constructor(options: NetlinkSocketOptions = {}) {
    const { bufferBytes = DEFAULT_BUFFER_BYTES, groups = [], protocol = 0, calls = SYSTEM } = options
    this.#calls = calls
    this.fd = sys.socket(AF_NETLINK, SOCK_RAW | O_CLOEXEC, protocol)
    if (this.fd < 0) throw kernelError('socket(AF_NETLINK)', { errno: lastErrno() })
    this.#option(SOL_SOCKET, SO_RCVBUFFORCE, bufferBytes)
    this.#option(SOL_SOCKET, SO_SNDBUFFORCE, bufferBytes)
    this.#option(SOL_NETLINK, NETLINK_EXT_ACK, 1)
    this.#option(SOL_NETLINK, NETLINK_CAP_ACK, 1)
    this.#option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
    // struct sockaddr_nl: u16 family, u16 pad, u32 port (0: the kernel chooses), u32 groups as bits.
    const address = Buffer.alloc(12)
    address.writeUInt16LE(AF_NETLINK, 0)
    address.writeUInt32LE(groups.reduce((bits, group) => bits | (1 << (group - 1)), 0) >>> 0, 8)
    if (sys.bind(this.fd, address, address.length) < 0) {
      const errno = lastErrno()
      this.close()
      throw kernelError('bind(AF_NETLINK)', { errno })
    }
  }

  /** An answer was lost. What is left of it, or of a dump, would stand in the way of the next: use another socket. */
  get broken(): boolean {
    return this.#broken
  }

  /**
   * Sends one request and takes its answers up to the acknowledgement.
   *
   * @returns the verdict, EINVAL for one that cannot be written; `onAnswer` sees every other message of this request
   */
  request(request: Request, onAnswer?: (message: Message) => void): Verdict {
    const sequence = this.#begin()
    try {
      this.#writer.message(request, sequence, NLM_F.ACK)
    } catch (error) {
      return unwritable(error)
    }
    this.#send()
    for (;;) {
      for (const message of messagesOf(this.#receive())) {
        if (message.sequence !== sequence) continue
        const verdict = verdictOf(message)
        if (verdict !== undefined) return verdict
        onAnswer?.(message)
      }
    }
  }

  /**
   * Sends many requests, as many at a time as fit, with an acknowledgement for the last of each send only: the kernel
   * reports every failing one by its sequence number and does the others.
   *
   * @returns the verdicts of those that failed, by their place in `requests`; EINVAL for one that cannot be written
   */
  batch(requests: readonly Request[]): ReadonlyMap<number, Verdict> {
    const failed = new Map<number, Verdict>()
    for (let from = 0; from < requests.length; ) {
      const sent = this.#write(requests, from, failed)
      if (sent.last !== undefined) {
        this.#send()
        this.#collect(sent.first, sent.last, from, failed)
      }
      from = sent.end
    }
    return failed
  }

  /**
   * Takes a whole table. An attempt that the kernel marks as inconsistent is repeated.
   *
   * @returns its entries, to be read at any time
   * @throws TrilaneError `TRI_KERNEL_READ_INCOMPLETE` when no attempt was consistent, and what the kernel refuses
   */
  dump(what: string, request: Request): Iterable<Buffer> {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const entries = this.#dumpOnce(what, request)
      if (entries !== undefined) return entries
    }
    throw TrilaneError.of('TRI_KERNEL_READ_INCOMPLETE', { what, attempts: DUMP_ATTEMPTS })
  }

  /**
   * Takes one datagram of events without waiting.
   *
   * @returns `undefined` when there is none, `'overrun'` when some are lost: dropped by the kernel (ENOBUFS) or too long
   */
  receiveEvents(): Buffer | 'overrun' | undefined {
    const length = this.#tryReceive()
    if (length > this.#received.length) return 'overrun'
    if (length >= 0) return this.#received.subarray(0, length)
    const errno = this.#calls.errno()
    if (errno === ERRNO.EAGAIN) return undefined
    if (errno === ERRNO.ENOBUFS) return 'overrun'
    throw kernelError('recv(AF_NETLINK)', { errno })
  }

  /** After what {@link batchAsync} has under way: the number of a closed descriptor may be another file's the next moment. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const close = (): void => {
      this.#calls.close(this.fd)
      if (spareRooms.length < MOST_SPARE_ROOMS) spareRooms.push(this.#received)
    }
    if (this.#asyncTail === undefined) close()
    else void this.#asyncTail.then(close)
  }

  /**
   * As {@link batch}, sent on threads of Node's pool: for what takes the kernel tens of milliseconds. Calls are done one
   * after the other, each written before its turn comes, so that the kernel has no pause; nothing else may use this
   * socket.
   */
  batchAsync(requests: readonly Request[]): Promise<ReadonlyMap<number, Verdict>> {
    const failed = new Map<number, Verdict>()
    const written: { readonly writer: MessageWriter; readonly sent: Written; readonly from: number }[] = []
    for (let from = 0; from < requests.length; ) {
      const writer = this.#spareWriters.pop() ?? new MessageWriter()
      const sent = this.#write(requests, from, failed, writer)
      written.push({ writer, sent, from })
      from = sent.end
    }
    const result = (this.#asyncTail ?? Promise.resolve()).then(async () => {
      for (const { writer, sent, from } of written) {
        if (sent.last !== undefined) {
          await this.#sendAsync(writer)
          this.#collect(sent.first, sent.last, from, failed)
        }
        if (this.#spareWriters.length < SPARE_WRITERS) this.#spareWriters.push(writer)
      }
      return failed
    })
    this.#asyncTail = result.catch(() => undefined)
    return result
  }

  /** When what {@link batchAsync} has under way by now is done, however; `undefined` when it never had anything. */
  get underWay(): Promise<unknown> | undefined {
    return this.#asyncTail
  }

  /** Before what is sent together. @returns its first sequence number; they start again before they leave their 32 bits */
  #begin(writer = this.#writer): number {
    writer.clear()
    if (this.#sequence > 0xf000_0000) this.#sequence = 1
    return this.#sequence++
  }

  /**
   * Writes as many requests as one send takes.
   *
   * @returns the sequence numbers of the first and of the last that is to be sent, and the place of the first that is left
   */
  #write(
    requests: readonly Request[],
    from: number,
    failed: Map<number, Verdict>,
    writer = this.#writer
  ): Written {
    const first = this.#begin(writer)
    let last: number | undefined
    let end = from
    for (; end < requests.length && writer.length < BATCH_BYTES - 1024; end++) {
      const request = requests[end]
      if (request === undefined) continue
      const sequence = first + end - from
      try {
        writer.message(request, sequence)
        last = sequence
      } catch (error) {
        failed.set(end, unwritable(error))
      }
    }
    if (last !== undefined) writer.addFlags(NLM_F.ACK)
    this.#sequence = first + end - from
    return { first, last, end }
  }

  /** Takes the answers to what was sent; the first stands at `from` among the requests. */
  #collect(first: number, last: number, from: number, failed: Map<number, Verdict>): void {
    for (;;) {
      for (const message of messagesOf(this.#receive())) {
        const verdict = verdictOf(message)
        if (verdict === undefined || message.sequence < first) continue
        if (verdict.errno !== 0) failed.set(from + message.sequence - first, verdict)
        if (message.sequence === last) return
      }
    }
  }

  /** @returns `undefined` when the result is not consistent */
  #dumpOnce(what: string, request: Request): Iterable<Buffer> | undefined {
    const sequence = this.#begin()
    this.#writer.message(request, sequence, NLM_F.DUMP)
    this.#send()
    let consistent = true
    const datagrams: Buffer[] = []
    for (;;) {
      const datagram = Buffer.from(this.#receive())
      datagrams.push(datagram)
      for (const message of messagesOf(datagram)) {
        if (message.sequence !== sequence) continue
        if ((message.flags & NLM_F.DUMP_INTR) !== 0) consistent = false
        const isDone = message.type === NLMSG.DONE
        const verdict = isDone ? doneVerdict(message) : verdictOf(message)
        if (verdict !== undefined && verdict.errno !== 0) throw kernelError(`dump of ${what}`, verdict)
        if (isDone) return consistent ? entriesOf(datagrams, sequence) : undefined
      }
    }
  }

  #send(): void {
    const { bytes } = this.#writer
    for (;;) {
      if (this.#calls.send(this.fd, bytes, bytes.length, 0) >= 0) return
      const errno = this.#calls.errno()
      if (errno !== ERRNO.EINTR) throw kernelError('send(AF_NETLINK)', { errno })
    }
  }

  async #sendAsync({ bytes }: MessageWriter): Promise<void> {
    const errno = await new Promise<number>((resolve, reject) => {
      this.#calls.send.async(this.fd, bytes, bytes.length, 0, (error, result) => {
        // koffi brings the errno of the pool's thread along, until the next call of this one.
        if (error !== null && error !== undefined) reject(error)
        else resolve(Number(result) >= 0 ? 0 : this.#calls.errno())
      })
    })
    if (errno !== 0) throw kernelError('send(AF_NETLINK)', { errno })
  }

  /** Takes an answer. It is there already: waiting for one that the kernel has lost would stop the process for ever. */
  #receive(): Buffer {
    const length = this.#tryReceive()
    if (length >= 0 && length <= this.#received.length) return this.#received.subarray(0, length)
    this.#broken = true
    if (length < 0) throw kernelError('recv(AF_NETLINK)', { errno: this.#calls.errno() })
    throw TrilaneError.of('TRI_KERNEL_REFUSED', {
      command: 'recv(AF_NETLINK)',
      errno: 'MSG_TRUNC',
      text: ` (${length} bytes do not fit ${this.#received.length})`
    })
  }

  #tryReceive(): number {
    for (;;) {
      const length = Number(
        this.#calls.recv(this.fd, this.#received, this.#received.length, MSG_DONTWAIT | MSG_TRUNC)
      )
      if (length >= 0 || this.#calls.errno() !== ERRNO.EINTR) return length
    }
  }

  #option(level: number, option: number, value: number): number {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    return sys.setsockopt(this.fd, level, option, bytes, bytes.length)
  }
}

/** The answers to one request that are neither verdict nor end. */
function* entriesOf(datagrams: readonly Buffer[], sequence: number): Generator<Buffer> {
  for (const datagram of datagrams) {
    for (const message of messagesOf(datagram)) {
      if (message.sequence !== sequence) continue
      if (message.type !== NLMSG.DONE && message.type !== NLMSG.ERROR) yield message.body
    }
  }
}

interface Written {
  readonly first: number
  /** Absent when none of them can be written. */
  readonly last: number | undefined
  readonly end: number
}

/** What cannot be written is refused as the kernel refuses what it cannot read; it has cost the others nothing. */
function unwritable(error: unknown): Verdict {
  if (error instanceof RangeError) return { errno: ERRNO.EINVAL, text: error.message }
  throw error
}

/** `NLMSG_DONE` of a dump carries its error, or 0. */
function doneVerdict({ body }: Message): Verdict {
  return { errno: body.length >= 4 ? 0 - body.readInt32LE(0) : 0 }
}
