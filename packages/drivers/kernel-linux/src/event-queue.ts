import type { EventSocket } from './event-source.ts'
import { readLinkName } from './links.ts'
import { messagesOf } from './reader.ts'
import { RTM } from './rtnetlink.ts'

/**
 * The events of a socket, with a look at those to come.
 *
 * What stood on a device that vanishes is told before its own end: when that is read, the kernel no longer knows the
 * device, and only the event of its end, which waits in the same socket, has its name.
 *
 * That events were lost is told when the socket is empty: until then the kernel goes on dropping and does not say so a
 * second time, so whoever read everything again before would not hear of what was dropped after.
 */
export class EventQueue implements EventSocket {
  readonly fd: number
  readonly #socket: EventSocket
  readonly #waiting: Buffer[] = []
  /** What the waiting events call the devices. */
  readonly #names = new Map<number, string>()
  #lost = false

  constructor(socket: EventSocket) {
    this.fd = socket.fd
    this.#socket = socket
  }

  /** The bytes stay as they are: looking ahead does not touch them. */
  receiveEvents(): Buffer | 'overrun' | undefined {
    const next = this.#waiting.shift() ?? this.#receive()
    if (this.#waiting.length === 0) this.#names.clear()
    if (next !== undefined || !this.#lost) return next
    this.#lost = false
    return 'overrun'
  }

  /** The name that an event still to be delivered has for a device. */
  nameToCome(index: number): string | undefined {
    for (let next = this.#receive(); next !== undefined; next = this.#receive()) {
      this.#waiting.push(next)
      for (const { type, body } of messagesOf(next)) {
        if (type !== RTM.NEWLINK && type !== RTM.DELLINK) continue
        const named = readLinkName(body)
        // Of two names the earlier is nearer to the event that is asked for.
        if (named !== undefined && !this.#names.has(named.index)) this.#names.set(named.index, named.name)
      }
    }
    return this.#names.get(index)
  }

  #receive(): Buffer | undefined {
    for (;;) {
      const received = this.#socket.receiveEvents()
      if (received === undefined) return undefined
      if (received !== 'overrun') return Buffer.from(received)
      this.#lost = true
    }
  }
}
