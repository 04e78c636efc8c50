import koffi from 'koffi'

/** What a source of events is read through: a netlink socket, in tests anything. */
export interface EventSocket {
  readonly fd: number
  /** One datagram without waiting; `undefined` when there is none, `'overrun'` when the kernel dropped some. */
  receiveEvents(): Buffer | 'overrun' | undefined
}

/** `koffi.node.poll`, a `uv_poll` on the main loop. Its type says that the callback gets the events; it gets a status first. */
export type Poll = (
  fd: number,
  options: { readonly readable: boolean },
  callback: (status: number, events: unknown) => void
) => { close(): void }

const systemPoll: Poll = (fd, options, callback) => koffi.node.poll(fd, options, callback as never)

/** So many datagrams are told between two turns of the event loop: a storm of events is not all that a process has to do. */
const DATAGRAMS_PER_TURN = 256

/** Handles that are polled: one that nobody refers to is collected, closes itself and never calls again. */
const referenced = new Set<EventSource>()

/**
 * Calls `onDatagram` for each datagram that arrives on a socket, `'overrun'` in the place of those that the kernel
 * dropped, until it is closed. Every guard below stands for a failure that was seen:
 *
 * 1. the handle is referred to as long as it is open;
 * 2. nothing is thrown inside poll's callback, which would swallow it and go dead: it is rethrown outside;
 * 3. the callback is left through `setImmediate`: on some versions of Node promises that are made in it do not run
 *    until something else wakes the loop;
 * 4. after an overrun the kernel raises an error condition, and libuv stops the handle: it is made anew;
 * 5. the socket is read until it is empty: poll reports an edge of what it has told already.
 */
export class EventSource {
  readonly #socket: EventSocket
  readonly #onDatagram: (datagram: Buffer | 'overrun') => void
  readonly #poll: Poll
  #handle: { close(): void } | undefined
  #closed = false

  constructor(
    socket: EventSocket,
    onDatagram: (datagram: Buffer | 'overrun') => void,
    poll: Poll = systemPoll
  ) {
    this.#socket = socket
    this.#onDatagram = onDatagram
    this.#poll = poll
    referenced.add(this)
    this.#watch()
  }

  /** No call after this returns. The socket stays open. Repeating it is free. */
  close(): void {
    this.#closed = true
    this.#handle?.close()
    this.#handle = undefined
    referenced.delete(this)
  }

  #watch(): void {
    this.#handle = this.#poll(this.#socket.fd, { readable: true }, (status) => {
      setImmediate(() => this.#onReadable(status))
    })
  }

  #onReadable(status: number): void {
    if (this.#closed) return
    if (status !== 0) {
      this.#handle?.close()
      this.#watch()
    }
    // After that: what came between the two handles woke neither.
    this.#drain()
  }

  #drain(): void {
    for (let told = 0; !this.#closed; told++) {
      if (told === DATAGRAMS_PER_TURN) {
        setImmediate(() => this.#drain())
        return
      }
      let datagram: Buffer | 'overrun' | undefined
      try {
        datagram = this.#socket.receiveEvents()
      } catch (error) {
        rethrowOutside(error)
        return
      }
      if (datagram === undefined) return
      try {
        this.#onDatagram(datagram)
      } catch (error) {
        rethrowOutside(error)
      }
    }
  }
}

function rethrowOutside(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
