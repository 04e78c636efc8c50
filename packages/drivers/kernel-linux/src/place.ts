import { type LinkReading, TrilaneError } from '@trilane/contracts'
import { DeviceRemovals } from './device-removals.ts'
import { kernelError } from './kernel-errors.ts'
import { getLink, readLink, readLinkName } from './links.ts'
import type { NetworkNamespace } from './namespaces.ts'
import { DEFAULT_BUFFER_BYTES, NetlinkSocket } from './netlink-socket.ts'
import { RTNLGRP } from './rtnetlink.ts'
import { ERRNO, sys } from './syscalls.ts'

/** A name that no device can have is refused as invalid, or as too long. To who asks for it, it is just not there. */
const NO_SUCH_NAME: readonly number[] = [0, ERRNO.EINVAL, ERRNO.ERANGE]

/** struct ifreq: a name, then a union, of which the index is an i32. */
const IFREQ_BYTES = 40
const IFNAMSIZ = 16
const SIOCGIFNAME = 0x8910

/** Names that were asked for once: a bridge, an uplink, and what came and went. */
const MOST_INDEXES = 64

/** One network namespace as requests see it: this process's own, or one that was opened. */
export class Place {
  readonly #namespace: NetworkNamespace | undefined
  #socket: NetlinkSocket | undefined
  #background: NetlinkSocket | undefined
  #making: NetlinkSocket | undefined
  #removals: DeviceRemovals | undefined
  readonly #indexes = new Map<string, number>()
  readonly #makeSocket: () => NetlinkSocket
  #closed = false

  /** @param makeSocket called inside the namespace; replaced in tests of sockets that break */
  constructor(namespace?: NetworkNamespace, makeSocket: () => NetlinkSocket = () => new NetlinkSocket()) {
    this.#namespace = namespace
    this.#makeSocket = makeSocket
  }

  /**
   * Runs something synchronous with this thread in the namespace.
   *
   * @throws TrilaneError `TRI_INTERNAL` after {@link close}: the descriptors may be other files' by then
   */
  inside<T>(act: () => T): T {
    this.#mustBeOpen()
    return this.#namespace === undefined ? act() : this.#namespace.run(act)
  }

  /** For everything that is answered at once. */
  get socket(): NetlinkSocket {
    this.#mustBeOpen()
    this.#socket = this.#usable(this.#socket)
    return this.#socket
  }

  /** For what waits on a thread of the pool while the other socket is used: long batches. */
  get background(): NetlinkSocket {
    this.#mustBeOpen()
    this.#background = this.#usable(this.#background)
    return this.#background
  }

  /** For devices that are made on a thread of the pool, one after the other: they do not wait for a long batch. */
  get making(): NetlinkSocket {
    this.#mustBeOpen()
    this.#making = this.#usable(this.#making)
    return this.#making
  }

  get removals(): DeviceRemovals {
    this.#mustBeOpen()
    this.#removals ??= new DeviceRemovals({
      openSocket: () => this.inside(this.#makeSocket),
      openLinkEvents: () => this.openEvents([RTNLGRP.LINK], DEFAULT_BUFFER_BYTES),
      underWay: () => this.#background?.underWay
    })
    return this.#removals
  }

  /** A socket for events; the caller closes it. */
  openEvents(groups: readonly number[], bufferBytes: number): NetlinkSocket {
    return this.inside(() => new NetlinkSocket({ groups, bufferBytes }))
  }

  /** Is it this process's own, the one that /sys shows? */
  get isOwn(): boolean {
    return this.#namespace === undefined
  }

  indexIfThere(name: string): number | undefined {
    return ifThere(() => this.indexOf(name))
  }

  /** {@link linkNamed} */
  linkIfThere(name: string): LinkReading | undefined {
    return ifThere(() => this.linkNamed(name))
  }

  /** @throws TrilaneError `TRI_KERNEL_NOT_FOUND` */
  indexOf(name: string): number {
    const known = this.#indexes.get(name)
    if (known !== undefined && this.nameNow(known) === name) return known
    const found = this.ask(name, readLinkName)
    this.#remember(found.name, found.index)
    return found.index
  }

  /**
   * Without the names of other devices that it has to do with.
   *
   * @throws TrilaneError `TRI_KERNEL_NOT_FOUND`
   */
  linkNamed(name: string): LinkReading {
    return this.ask(name, (body) => readLink(body, { nameOf: () => undefined }))
  }

  /**
   * What the kernel's message about a device says.
   *
   * @throws TrilaneError `TRI_KERNEL_NOT_FOUND`
   */
  ask<T>(name: string, read: (body: Buffer) => T | undefined): T {
    let found: T | undefined
    const verdict = this.socket.request(getLink(name), ({ body }) => {
      found = read(body)
    })
    if (found !== undefined) return found
    const errno = NO_SUCH_NAME.includes(verdict.errno) ? ERRNO.ENODEV : verdict.errno
    throw kernelError(`ip link show dev ${name}`, { errno, text: `device ${name}` })
  }

  /** After whoever holds RTNL: the event of a device that is just being removed has been sent when this says that it is none. */
  nameOf(index: number): string | undefined {
    let name: string | undefined
    this.socket.request(getLink(index), ({ body }) => {
      name = readLinkName(body)?.name
    })
    return name
  }

  /** As {@link nameOf}, in 2 µs and without waiting for RTNL, which others hold for milliseconds. */
  nameNow(index: number): string | undefined {
    const ifreq = Buffer.alloc(IFREQ_BYTES)
    ifreq.writeInt32LE(index, IFNAMSIZ)
    if (sys.ioctlInto(this.socket.fd, SIOCGIFNAME, ifreq) < 0) return undefined
    return ifreq.toString('utf8', 0, ifreq.indexOf(0))
  }

  /** To be asked for by {@link nameNow} before it is believed. */
  #remember(name: string, index: number): void {
    if (this.#indexes.size >= MOST_INDEXES) this.#indexes.clear()
    this.#indexes.set(name, index)
  }

  close(): void {
    // First: what it has not sent yet it sends now.
    this.#removals?.close()
    this.#closed = true
    this.#socket?.close()
    this.#background?.close()
    this.#making?.close()
    this.#namespace?.close()
  }

  #usable(socket: NetlinkSocket | undefined): NetlinkSocket {
    if (socket !== undefined && !socket.broken) return socket
    socket?.close()
    return this.inside(this.#makeSocket)
  }

  #mustBeOpen(): void {
    if (this.#closed) throw TrilaneError.of('TRI_INTERNAL', { text: 'this kernel has been closed' })
  }
}

function ifThere<T>(ask: () => T): T | undefined {
  try {
    return ask()
  } catch (error) {
    if (TrilaneError.is(error, 'TRI_KERNEL_NOT_FOUND')) return undefined
    throw error
  }
}
