import { TrilaneError } from '@trilane/contracts'
import { kernelError } from './kernel-errors.ts'
import { MessageWriter, NLM_F, NLMSG, type Request } from './message.ts'
import { type Message, messagesOf, type Verdict, verdictOf } from './reader.ts'
import { ERRNO, lastErrno, O_CLOEXEC, sys } from './syscalls.ts'

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOCK_NONBLOCK = 0o4000
const SOL_SOCKET = 1
const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33
const SOL_NETLINK = 270
const NETLINK_ADD_MEMBERSHIP = 1
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

/** One send of a batch; the kernel works it off inside `sendmsg`. */
const BATCH_BYTES = 128 << 10

/** A table that changes during each of this many dumps is read no more often. */
const DUMP_ATTEMPTS = 5

/**
 * A rtnetlink socket.
 *
 * The kernel answers a request before `sendmsg` returns, so requests neither wait nor need the event loop.
 * Construct it where it shall work: a socket belongs to the namespace of the thread that makes it, for ever.
 */
export class NetlinkSocket {
  readonly fd: number
  readonly #received = Buffer.alloc(RECEIVE_BYTES)
  readonly #writer = new MessageWriter(BATCH_BYTES)
  #sequence = 1
  #asyncTail: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: { readonly bufferBytes?: number; readonly nonBlocking?: boolean } = {}) {
    const kind = SOCK_RAW | O_CLOEXEC | (options.nonBlocking === true ? SOCK_NONBLOCK : 0)
    this.fd = sys.socket(AF_NETLINK, kind, 0)
    if (this.fd < 0) throw kernelError('socket(AF_NETLINK)', { errno: lastErrno() })
    const bufferBytes = options.bufferBytes ?? DEFAULT_BUFFER_BYTES
    this.#option(SOL_SOCKET, SO_RCVBUFFORCE, bufferBytes)
    this.#option(SOL_SOCKET, SO_SNDBUFFORCE, bufferBytes)
    this.#option(SOL_NETLINK, NETLINK_EXT_ACK, 1)
    this.#option(SOL_NETLINK, NETLINK_CAP_ACK, 1)
    this.#option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
    const address = Buffer.alloc(12)
    address.writeUInt16LE(AF_NETLINK, 0)
    if (sys.bind(this.fd, address, address.length) < 0) {
      const errno = lastErrno()
      this.close()
      throw kernelError('bind(AF_NETLINK)', { errno })
    }
  }

  /** Joins a multicast group (`RTNLGRP_…`). */
  join(group: number): void {
    if (this.#option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group) < 0) {
      throw kernelError(`join netlink group ${group}`, { errno: lastErrno() })
    }
  }

  /**
   * Sends one request and takes its answers up to the acknowledgement.
   *
   * @returns the verdict; `onAnswer` sees every other message of this request
   */
  request(request: Request, onAnswer?: (message: Message) => void): Verdict {
    const sequence = this.#sequence++
    this.#writer.clear()
    this.#writer.message(request, sequence, NLM_F.ACK)
    this.#send()
    for (;;) {
      for (const message of messagesOf(this.#receive(0))) {
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
   * @returns the verdicts of those that failed, by their place in `requests`
   */
  batch(requests: readonly Request[]): ReadonlyMap<number, Verdict> {
    const failed = new Map<number, Verdict>()
    for (let next = 0; next < requests.length; ) {
      const from = next
      next = this.#write(requests, from)
      this.#send()
      this.#collect(from, next, failed)
    }
    return failed
  }

  /**
   * Reads a table. `onMessage` sees its entries; of an attempt that the kernel marks as inconsistent they are void, and
   * `onRestart` says so.
   *
   * @throws TrilaneError `TRI_KERNEL_READ_INCOMPLETE` when no attempt was consistent, and what the kernel refuses
   */
  dump(what: string, request: Request, onMessage: (message: Message) => void, onRestart: () => void): void {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      if (attempt > 0) onRestart()
      if (this.#dumpOnce(what, request, onMessage)) return
    }
    throw TrilaneError.of('TRI_KERNEL_READ_INCOMPLETE', { what, attempts: DUMP_ATTEMPTS })
  }

  /**
   * Takes one datagram of events without waiting.
   *
   * @returns `undefined` when there is none, `'overrun'` when the kernel dropped some (ENOBUFS)
   */
  receiveEvents(): Buffer | 'overrun' | undefined {
    const length = this.#tryReceive(MSG_DONTWAIT)
    if (length >= 0) return this.#taken(length)
    const errno = lastErrno()
    if (errno === ERRNO.EAGAIN) return undefined
    if (errno === ERRNO.ENOBUFS) return 'overrun'
    throw kernelError('recv(AF_NETLINK)', { errno })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    sys.close(this.fd)
  }

  /**
   * As {@link batch}, sent on threads of Node's pool: for requests that take the kernel tens of milliseconds. Calls are
   * done one after the other; nothing else may use this socket.
   */
  batchAsync(requests: readonly Request[]): Promise<ReadonlyMap<number, Verdict>> {
    const result = this.#asyncTail.then(async () => {
      const failed = new Map<number, Verdict>()
      for (let next = 0; next < requests.length; ) {
        const from = next
        next = this.#write(requests, from)
        await this.#sendAsync()
        this.#collect(from, next, failed)
      }
      return failed
    })
    this.#asyncTail = result.catch(() => undefined)
    return result
  }

  /** Writes as many requests as one send takes. @returns the place of the first that is left */
  #write(requests: readonly Request[], from: number): number {
    this.#writer.clear()
    let next = from
    for (; next < requests.length && this.#writer.length < BATCH_BYTES - 1024; next++) {
      const request = requests[next]
      if (request !== undefined) this.#writer.message(request, this.#sequence++)
    }
    this.#writer.addFlags(NLM_F.ACK)
    return next
  }

  /** Takes the answers to the requests `from` to below `end`, which were sent last. */
  #collect(from: number, end: number, failed: Map<number, Verdict>): void {
    const last = this.#sequence - 1
    const first = last - (end - from) + 1
    for (;;) {
      for (const message of messagesOf(this.#receive(0))) {
        const verdict = verdictOf(message)
        if (verdict === undefined || message.sequence < first) continue
        if (verdict.errno !== 0) failed.set(from + message.sequence - first, verdict)
        if (message.sequence === last) return
      }
    }
  }

  /** @returns whether the result is consistent */
  #dumpOnce(what: string, request: Request, onMessage: (message: Message) => void): boolean {
    const sequence = this.#sequence++
    this.#writer.clear()
    this.#writer.message(request, sequence, NLM_F.DUMP)
    this.#send()
    let consistent = true
    for (;;) {
      for (const message of messagesOf(this.#receive(0))) {
        if (message.sequence !== sequence) continue
        if ((message.flags & NLM_F.DUMP_INTR) !== 0) consistent = false
        const verdict = message.type === NLMSG.DONE ? doneVerdict(message) : verdictOf(message)
        if (verdict !== undefined && verdict.errno !== 0) throw kernelError(`dump of ${what}`, verdict)
        if (message.type === NLMSG.DONE) return consistent
        if (verdict === undefined) onMessage(message)
      }
    }
  }

  #send(): void {
    const { bytes } = this.#writer
    if (sys.send(this.fd, bytes, bytes.length, 0) < 0) {
      throw kernelError('send(AF_NETLINK)', { errno: lastErrno() })
    }
  }

  async #sendAsync(): Promise<void> {
    const { bytes } = this.#writer
    const sent = await new Promise<number>((resolve, reject) => {
      sys.send.async(this.fd, bytes, bytes.length, 0, (error, result) => {
        if (error === null || error === undefined) resolve(Number(result))
        else reject(error)
      })
    })
    // The errno of the pool's thread is not ours to read.
    if (sent < 0) throw kernelError('send(AF_NETLINK)', { errno: 0, text: 'on a thread of the pool' })
  }

  #receive(flags: number): Buffer {
    const length = this.#tryReceive(flags)
    if (length < 0) throw kernelError('recv(AF_NETLINK)', { errno: lastErrno() })
    return this.#taken(length)
  }

  #tryReceive(flags: number): number {
    for (;;) {
      const length = Number(sys.recv(this.fd, this.#received, this.#received.length, flags | MSG_TRUNC))
      if (length >= 0 || lastErrno() !== ERRNO.EINTR) return length
    }
  }

  #taken(length: number): Buffer {
    if (length > this.#received.length) {
      throw TrilaneError.of('TRI_KERNEL_REFUSED', {
        command: 'recv(AF_NETLINK)',
        errno: 'MSG_TRUNC',
        text: ` (${length} bytes do not fit ${this.#received.length})`
      })
    }
    return this.#received.subarray(0, length)
  }

  #option(level: number, option: number, value: number): number {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    return sys.setsockopt(this.fd, level, option, bytes, bytes.length)
  }
}

/** `NLMSG_DONE` of a dump carries its error, or 0. */
function doneVerdict({ body }: Message): Verdict {
  return { errno: body.length >= 4 ? -body.readInt32LE(0) : 0 }
}
