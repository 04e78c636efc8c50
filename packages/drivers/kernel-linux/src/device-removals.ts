import { randomInt } from 'node:crypto'
import { EventSource } from './event-source.ts'
import { readLinkName, removeGroup, removeLink, setGroup } from './links.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { messagesOf, type Verdict } from './reader.ts'
import { RTM } from './rtnetlink.ts'

/**
 * Threads of Node's pool that may wait for the kernel at a time. Each waits for some 20 ms; the pool has four, and what
 * makes reservations durable needs them, too.
 */
const MOST_AT_ONCE = 2

/** So many are removed under one hold of the kernel's lock (RTNL), for about 0.3 ms each. */
const LARGEST_GROUP = 32

/** Of groups that nobody names: 0 is what every device starts in, and a person's are small. */
const FIRST_GROUP = 0x4000_0000
const GROUPS = 0x4000_0000

const DONE: Verdict = { errno: 0 }

/** What removals need of the namespace; in tests anything. */
export interface RemovalSockets {
  /** For one send at a time. */
  openSocket(): NetlinkSocket
  /** In the group `RTNLGRP_LINK`. */
  openLinkEvents(): NetlinkSocket
  /** What is under way on another thread, behind which a removal comes; it never rejects. */
  underWay(): Promise<unknown> | undefined
}

interface Removal {
  readonly name: string
  readonly done: Promise<Verdict>
  readonly end: (verdict: Verdict) => void
  readonly fail: (error: unknown) => void
}

/**
 * Removes the devices of one namespace.
 *
 * Linux takes a device away within 0.5 ms: name, addresses, routes and bridge port are gone, and an event says so. Only
 * then, no longer under RTNL, it waits for grace periods and barriers of RCU until nobody can be looking at the memory
 * any more; the request returns after that, 20 to 40 ms later. The event is what a caller waits for here.
 *
 * Meanwhile a thread is held up by each request. So those that are asked for while the threads are busy gather, and go
 * together: a group of devices costs the waiting of one.
 */
export class DeviceRemovals {
  readonly #sockets: RemovalSockets
  readonly #waiting = new Map<string, Removal>()
  /** Sent, and neither the event nor the verdict is there. */
  readonly #underWay = new Map<string, Removal>()
  readonly #idle: NetlinkSocket[] = []
  #busy = 0
  #events: { readonly source: EventSource; readonly socket: NetlinkSocket } | undefined
  #closed = false

  constructor(sockets: RemovalSockets) {
    this.#sockets = sockets
  }

  /**
   * `ip link del dev NAME`
   *
   * @returns the kernel's verdict
   * @throws TrilaneError the socket's own trouble
   */
  remove(name: string): Promise<Verdict> {
    const removal = this.#waiting.get(name) ?? removalOf(name)
    if (!this.#waiting.has(name)) {
      this.#waiting.set(name, removal)
      // Behind the caller's others, too: those of one turn go together.
      void Promise.resolve(this.#sockets.underWay()).then(() => this.#startNext())
    }
    return removal.done
  }

  /** What has been asked for is done all the same. */
  close(): void {
    while (this.#waiting.size > 0) this.#start()
    this.#closed = true
    for (const socket of this.#idle.splice(0)) socket.close()
  }

  #startNext(): void {
    if (this.#waiting.size > 0 && this.#busy < MOST_AT_ONCE) this.#start()
  }

  #start(): void {
    const group = [...this.#waiting.values()].slice(0, LARGEST_GROUP)
    for (const removal of group) {
      this.#waiting.delete(removal.name)
      this.#underWay.set(removal.name, removal)
    }
    this.#busy++
    void this.#send(group).finally(() => {
      this.#busy--
      this.#unfollowIfIdle()
      this.#startNext()
    })
  }

  async #send(group: readonly Removal[]): Promise<void> {
    let socket: NetlinkSocket | undefined
    try {
      this.#follow()
      socket = this.#idle.pop() ?? this.#sockets.openSocket()
      const failed = await (group.length === 1 ? sendEach(socket, group) : sendTogether(socket, group))
      group.forEach((removal, position) => {
        removal.end(failed.get(position) ?? DONE)
      })
    } catch (error) {
      for (const { fail } of group) fail(error)
    } finally {
      for (const removal of group) this.#forget(removal)
      if (socket?.broken === false && !this.#closed) this.#idle.push(socket)
      else socket?.close()
    }
  }

  #forget(removal: Removal): void {
    // The same name may have been asked for again.
    if (this.#underWay.get(removal.name) === removal) this.#underWay.delete(removal.name)
  }

  #follow(): void {
    if (this.#events !== undefined) return
    const socket = this.#sockets.openLinkEvents()
    const source = new EventSource(socket, (datagram) => {
      // Of what was lost the verdict tells.
      if (datagram !== 'overrun') this.#onEvents(datagram)
    })
    this.#events = { socket, source }
  }

  #onEvents(datagram: Buffer): void {
    for (const { type, body } of messagesOf(datagram)) {
      if (type !== RTM.DELLINK) continue
      const removal = this.#underWay.get(readLinkName(body)?.name ?? '')
      if (removal === undefined) continue
      this.#underWay.delete(removal.name)
      removal.end(DONE)
    }
  }

  #unfollowIfIdle(): void {
    if (this.#busy > 0 || this.#waiting.size > 0) return
    this.#events?.source.close()
    this.#events?.socket.close()
    this.#events = undefined
  }
}

function removalOf(name: string): Removal {
  let end: Removal['end'] = () => {}
  let fail: Removal['fail'] = () => {}
  const done = new Promise<Verdict>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  return { name, done, end, fail }
}

/** @returns the verdicts of those that failed, by their place in the group */
function sendEach(socket: NetlinkSocket, group: readonly Removal[]): Promise<ReadonlyMap<number, Verdict>> {
  return socket.batchAsync(group.map(({ name }) => removeLink(name)))
}

/** `ip link set dev NAME group N` for each, then `ip link del group N`, in one send. */
async function sendTogether(
  socket: NetlinkSocket,
  group: readonly Removal[]
): Promise<ReadonlyMap<number, Verdict>> {
  // By chance, as another process may be doing the same.
  const number = FIRST_GROUP + randomInt(GROUPS)
  const requests = [...group.map(({ name }) => setGroup(name, number)), removeGroup(number)]
  const failed = new Map(await socket.batchAsync(requests))
  const refused = failed.has(group.length)
  failed.delete(group.length)
  // One that Linux does not remove by request (a physical one) keeps it from removing any of the group.
  if (refused && failed.size < group.length) return sendEach(socket, group)
  return failed
}
