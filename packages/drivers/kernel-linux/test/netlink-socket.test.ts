import { afterEach, describe, expect, it } from 'vitest'
import { getLink } from '../src/links.ts'
import { HEADER_BYTES, MessageWriter, NLM_F, NLMSG, type Request } from '../src/message.ts'
import { type NetlinkCalls, NetlinkSocket } from '../src/netlink-socket.ts'
import { messagesOf } from '../src/reader.ts'
import { ERRNO, sys } from '../src/syscalls.ts'

const DUMP: Request = { type: 18, flags: 0, write: () => {} }

type Answer = { readonly bytes: Buffer; readonly length?: number } | { readonly errno: number }

/** A kernel that answers what the test says, in the order in which it is asked. */
class ScriptedKernel {
  readonly sent: { readonly sequence: number; readonly flags: number }[][] = []
  readonly #answers: ((sequences: readonly number[]) => Answer[])[] = []
  readonly #ready: Answer[] = []
  readonly #sendErrnos: number[] = []
  closed = 0
  receives = 0
  #errno = 0

  /** What one send is answered with. */
  answer(make: (sequences: readonly number[]) => Answer[]): this {
    this.#answers.push(make)
    return this
  }

  failSend(...errnos: number[]): this {
    this.#sendErrnos.push(...errnos)
    return this
  }

  get calls(): NetlinkCalls {
    const send = (_fd: number, data: Uint8Array, length: number): number => this.#send(data, length)
    return {
      send: Object.assign(send, {
        async: (
          _fd: number,
          data: Uint8Array,
          length: number,
          _flags: number,
          done: (error: unknown, result: number) => void
        ) => {
          setTimeout(() => done(null, this.#send(data, length)), 5)
        }
      }),
      recv: (_fd, into) => this.#receive(into),
      close: (fd) => {
        this.closed++
        return sys.close(fd)
      },
      errno: () => this.#errno
    }
  }

  #send(data: Uint8Array, length: number): number {
    const errno = this.#sendErrnos.shift()
    if (errno !== undefined) {
      this.#errno = errno
      return -1
    }
    const messages = [...messagesOf(Buffer.from(data.subarray(0, length)))]
    this.sent.push(messages.map(({ sequence, flags }) => ({ sequence, flags })))
    this.#ready.push(...(this.#answers.shift()?.(messages.map(({ sequence }) => sequence)) ?? []))
    return length
  }

  #receive(into: Uint8Array): number {
    this.receives++
    const next = this.#ready.shift() ?? { errno: ERRNO.EAGAIN }
    if ('errno' in next) {
      this.#errno = next.errno
      return -1
    }
    into.set(next.bytes)
    return next.length ?? next.bytes.length
  }
}

function message(type: number, sequence: number, body: readonly number[] = [], flags = 0): Buffer {
  const writer = new MessageWriter()
  writer.message(
    { type, flags, write: (w) => w.fixed(body.length, (view, at) => view.set(body, at)) },
    sequence
  )
  writer.bytes.writeUInt16LE(flags, 6)
  return Buffer.from(writer.bytes)
}

function int32(value: number): number[] {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return [...bytes]
}

const verdict = (sequence: number, errno: number): Buffer =>
  message(NLMSG.ERROR, sequence, [...int32(-errno), ...new Array<number>(HEADER_BYTES).fill(0)], NLM_F.CAPPED)
const entry = (sequence: number, value: number, flags = 0): Buffer => message(16, sequence, [value], flags)
const done = (sequence: number, errno = 0, flags = 0): Buffer =>
  message(NLMSG.DONE, sequence, int32(-errno), flags)
const datagram = (...messages: Buffer[]): Answer => ({ bytes: Buffer.concat(messages) })

const open: NetlinkSocket[] = []

function socketOn(kernel: ScriptedKernel): NetlinkSocket {
  const socket = new NetlinkSocket({ calls: kernel.calls })
  open.push(socket)
  return socket
}

afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

function dumped(socket: NetlinkSocket): number[] {
  return [...socket.dump('things', DUMP)].map((body) => body[0] ?? -1)
}

describe('a dump', () => {
  it('that is interrupted is read again, and nothing of the first reading stays', () => {
    const kernel = new ScriptedKernel()
      .answer(([s = 0]) => [datagram(entry(s, 1), entry(s, 2, NLM_F.DUMP_INTR)), datagram(done(s))])
      .answer(([s = 0]) => [datagram(entry(s, 3), done(s))])
    expect(dumped(socketOn(kernel))).toEqual([3])
  })

  it('is interrupted also when only its end says so', () => {
    const kernel = new ScriptedKernel()
      .answer(([s = 0]) => [datagram(entry(s, 1), done(s, 0, NLM_F.DUMP_INTR))])
      .answer(([s = 0]) => [datagram(entry(s, 2), done(s))])
    expect(dumped(socketOn(kernel))).toEqual([2])
  })

  it('that is interrupted every time fails after five readings', () => {
    const kernel = new ScriptedKernel()
    for (let attempt = 0; attempt < 9; attempt++) {
      kernel.answer(([s = 0]) => [datagram(entry(s, 1, NLM_F.DUMP_INTR), done(s))])
    }
    const socket = socketOn(kernel)
    expect(() => dumped(socket)).toThrow(
      expect.objectContaining({ code: 'TRI_KERNEL_READ_INCOMPLETE', values: { what: 'things', attempts: 5 } })
    )
    expect(kernel.sent).toHaveLength(5)
  })

  it('fails with the error that its end carries', () => {
    const kernel = new ScriptedKernel().answer(([s = 0]) => [datagram(entry(s, 1)), datagram(done(s, 95))])
    expect(() => dumped(socketOn(kernel))).toThrow(
      expect.objectContaining({ code: 'TRI_KERNEL_UNSUPPORTED' })
    )
  })

  it('fails with a refusal in the place of an answer', () => {
    const kernel = new ScriptedKernel().answer(([s = 0]) => [datagram(verdict(s, 1))])
    expect(() => dumped(socketOn(kernel))).toThrow(expect.objectContaining({ code: 'TRI_KERNEL_PERMISSION' }))
  })

  it('passes over what answers an earlier request', () => {
    const kernel = new ScriptedKernel().answer(([s = 0]) => [
      datagram(entry(s - 1, 9), done(s - 1)),
      datagram(entry(s, 1), done(s))
    ])
    expect(dumped(socketOn(kernel))).toEqual([1])
  })

  it('is taken to its end at once: the kernel would refuse the next one, and its bytes stay', () => {
    const kernel = new ScriptedKernel()
      .answer(([s = 0]) => [datagram(entry(s, 1)), datagram(entry(s, 2)), datagram(done(s))])
      .answer(([s = 0]) => [datagram(entry(s, 3), done(s))])
    const socket = socketOn(kernel)
    const first = socket.dump('things', DUMP)
    expect(kernel.receives).toBe(3)
    expect(dumped(socket)).toEqual([3])
    expect([...first].map((body) => body[0])).toEqual([1, 2])
  })
})

describe('receiving', () => {
  it('is repeated when a signal came between', () => {
    const kernel = new ScriptedKernel().answer(([s = 0]) => [
      { errno: ERRNO.EINTR },
      { errno: ERRNO.EINTR },
      datagram(verdict(s, 17))
    ])
    expect(socketOn(kernel).request(DUMP)).toEqual({ errno: 17 })
  })

  it('notices a datagram that did not fit', () => {
    const kernel = new ScriptedKernel().answer(([s = 0]) => [{ bytes: verdict(s, 0), length: 100_000 }])
    expect(() => socketOn(kernel).request(DUMP)).toThrow(
      expect.objectContaining({
        code: 'TRI_KERNEL_REFUSED',
        values: expect.objectContaining({ errno: 'MSG_TRUNC' })
      })
    )
  })

  it('does not wait for an answer that never comes', () => {
    const kernel = new ScriptedKernel().answer(() => [])
    const socket = socketOn(kernel)
    expect(socket.broken).toBe(false)
    expect(() => socket.request(DUMP)).toThrow(
      expect.objectContaining({ values: expect.objectContaining({ errno: 'EAGAIN' }) })
    )
    expect(socket.broken).toBe(true)
  })

  it('takes events that did not fit for lost ones', () => {
    const kernel = new ScriptedKernel().answer(() => [
      datagram(verdict(1, 0)),
      { bytes: verdict(0, 0), length: 100_000 }
    ])
    const socket = socketOn(kernel)
    socket.request(DUMP)
    expect(socket.receiveEvents()).toBe('overrun')
  })

  it('of events tells nothing, an overrun and a failure apart', () => {
    const kernel = new ScriptedKernel().answer(() => [
      { errno: ERRNO.ENOBUFS },
      datagram(entry(0, 1)),
      { errno: ERRNO.EINTR },
      { errno: ERRNO.EAGAIN },
      { errno: ERRNO.EPERM }
    ])
    const socket = socketOn(kernel)
    expect(() => socket.request(DUMP)).toThrow(expect.objectContaining({ code: 'TRI_KERNEL_REFUSED' }))
    const datagramReceived = socket.receiveEvents()
    expect(datagramReceived).toBeInstanceOf(Buffer)
    expect(socket.receiveEvents()).toBeUndefined()
    expect(() => socket.receiveEvents()).toThrow(expect.objectContaining({ code: 'TRI_KERNEL_PERMISSION' }))
    const overrun = new ScriptedKernel().answer(() => [datagram(verdict(1, 0)), { errno: ERRNO.ENOBUFS }])
    const another = socketOn(overrun)
    another.request(DUMP)
    expect(another.receiveEvents()).toBe('overrun')
  })
})

describe('sending', () => {
  it('is repeated when a signal came between', () => {
    const kernel = new ScriptedKernel().failSend(ERRNO.EINTR).answer(([s = 0]) => [datagram(verdict(s, 0))])
    expect(socketOn(kernel).request(DUMP)).toEqual({ errno: 0 })
  })

  it('that fails is told with its errno, on this thread and on one of the pool', async () => {
    const failure = expect.objectContaining({
      code: 'TRI_KERNEL_REFUSED',
      values: expect.objectContaining({ errno: 'ENOBUFS' })
    })
    const kernel = new ScriptedKernel().failSend(ERRNO.ENOBUFS, ERRNO.ENOBUFS)
    const socket = socketOn(kernel)
    expect(() => socket.request(DUMP)).toThrow(failure)
    await expect(socket.batchAsync([DUMP])).rejects.toEqual(failure)
  })
})

describe('a batch', () => {
  const bad: Request = { type: 18, flags: 0, write: (w) => w.u32(1, -1) }

  it('asks for the last acknowledgement only, and tells who failed', () => {
    const kernel = new ScriptedKernel().answer(([a = 0, _b, c = 0]) => [
      datagram(verdict(a, 17)),
      datagram(verdict(c, 0))
    ])
    expect([...socketOn(kernel).batch([DUMP, DUMP, DUMP])]).toEqual([[0, { errno: 17 }]])
    expect(kernel.sent[0]?.map(({ flags }) => (flags & NLM_F.ACK) !== 0)).toEqual([false, false, true])
  })

  it('goes out without what cannot be written, which is refused in its place', () => {
    const kernel = new ScriptedKernel().answer(([a = 0, b = 0]) => [datagram(verdict(a, 17), verdict(b, 2))])
    const failed = socketOn(kernel).batch([DUMP, bad, DUMP, bad])
    expect([...failed].sort(([a], [b]) => a - b).map(([at, { errno }]) => [at, errno])).toEqual([
      [0, 17],
      [1, 22],
      [2, 2],
      [3, 22]
    ])
    expect(failed.get(1)?.text).toContain('out of range')
  })

  it('of nothing but such is not sent at all', () => {
    const kernel = new ScriptedKernel()
    expect(socketOn(kernel).batch([bad, bad]).size).toBe(2)
    expect(kernel.sent).toEqual([])
  })

  it('goes out in several sends when it is long, and every failure has its place', () => {
    const long: Request = { type: 18, flags: 0, write: (w) => w.attribute(1, Buffer.alloc(30_000)) }
    const kernel = new ScriptedKernel()
    for (let send = 0; send < 3; send++) {
      kernel.answer((all) => [datagram(...all.map((s, at) => verdict(s, at === 0 ? 17 : 0)))])
    }
    const failed = socketOn(kernel).batch(new Array<Request>(10).fill(long))
    const sizes = kernel.sent.map((messages) => messages.length)
    expect(sizes).toEqual([5, 5])
    expect([...failed.keys()]).toEqual([0, 5])
  })

  it('on a thread waits for the one before it, and the socket closes after both', async () => {
    const kernel = new ScriptedKernel()
      .answer(([s = 0]) => [datagram(verdict(s, 17))])
      .answer(([s = 0]) => [datagram(verdict(s, 0))])
    const socket = socketOn(kernel)
    const first = socket.batchAsync([DUMP])
    const second = socket.batchAsync([DUMP])
    socket.close()
    expect(kernel.closed).toBe(0)
    expect([...(await first)]).toEqual([[0, { errno: 17 }]])
    expect(kernel.sent).toHaveLength(1)
    expect([...(await second)]).toEqual([])
    await new Promise((resolve) => setImmediate(resolve))
    expect(kernel.closed).toBe(1)
  })
})

describe('on the real kernel', () => {
  it('one request finds lo, by name and by number, and says so when there is none', () => {
    const socket = new NetlinkSocket()
    open.push(socket)
    const bodies: Buffer[] = []
    const keep = ({ body }: { readonly body: Buffer }): number => bodies.push(Buffer.from(body))
    expect(socket.request(getLink('lo'), keep)).toEqual({ errno: 0 })
    expect(socket.request(getLink(1), keep)).toEqual({ errno: 0 })
    expect(bodies).toHaveLength(2)
    expect(socket.request(getLink('no-such-device'), keep).errno).toBe(ERRNO.ENODEV)
  })
})
