import type { KernelChange } from '@trilane/contracts'
import { destroy } from './links.ts'
import type { NetworkNamespace } from './namespace.ts'
import { type Errno, Refusal } from './refusal.ts'

/** Which changes a fault meets. */
export type ChangeMatch = (change: KernelChange) => boolean

/** What can go wrong with a kernel, on demand. Each fault ends by itself or with the function that it returns. */
export class Faults {
  readonly #namespace: NetworkNamespace
  readonly #refusals = new Set<{ readonly match: ChangeMatch; readonly refusal: Refusal; left: number }>()
  #incompleteReads = 0

  constructor(namespace: NetworkNamespace) {
    this.#namespace = namespace
  }

  /** The next change that matches is refused. @param words the kernel's own; default: those of strerror(3) */
  failNext(match: ChangeMatch, errno: Errno = 'EINVAL', words?: string): () => void {
    return this.#refuse(match, errno, words, 1)
  }

  /** Every change that matches is refused, until the returned function is called. */
  failAll(match: ChangeMatch, errno: Errno = 'EINVAL', words?: string): () => void {
    return this.#refuse(match, errno, words, Number.POSITIVE_INFINITY)
  }

  /** This machine's kernel lacks a link type from now on. */
  refuseLinkType(type: string): () => void {
    const { missingLinkTypes } = this.#namespace.machine
    missingLinkTypes.add(type)
    return () => missingLinkTypes.delete(type)
  }

  /** A device vanishes with all that Linux takes with it, as when its card is pulled or somebody deletes it. */
  loseDevice(name: string): void {
    const device = this.#namespace.devices.get(name)
    if (device === undefined) throw new RangeError(`there is no device ${name}`)
    destroy(device)
  }

  /** The next `count` events reach no watcher; watchers get one `lost` for them. */
  loseEvents(count: number, reason = 'ENOBUFS'): void {
    this.#namespace.feed.drop(count, reason)
  }

  /** The next `count` reads fail with `TRI_KERNEL_READ_INCOMPLETE`. */
  interruptReads(count: number): void {
    this.#incompleteReads = count
  }

  /** @internal Does this read fail? */
  takeInterruptedRead(): boolean {
    if (this.#incompleteReads === 0) return false
    this.#incompleteReads -= 1
    return true
  }

  /** @internal What `change` is refused with, if a fault meets it. */
  takeRefusal(change: KernelChange): Refusal | undefined {
    for (const fault of this.#refusals) {
      if (!fault.match(change)) continue
      fault.left -= 1
      if (fault.left === 0) this.#refusals.delete(fault)
      return fault.refusal
    }
    return undefined
  }

  #refuse(match: ChangeMatch, errno: Errno, words: string | undefined, times: number): () => void {
    const fault = { match, refusal: new Refusal(errno, words ?? WORDS[errno]), left: times }
    this.#refusals.add(fault)
    return () => this.#refusals.delete(fault)
  }
}

const WORDS: Readonly<Record<Errno, string>> = {
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EAFNOSUPPORT: 'Address family not supported by protocol',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  EHOSTUNREACH: 'No route to host',
  EINVAL: 'Invalid argument',
  EIO: 'Input/output error',
  ELOOP: 'Too many levels of symbolic links',
  ENETDOWN: 'Network is down',
  ENETUNREACH: 'Network is unreachable',
  ENODEV: 'No such device',
  ENOENT: 'No such file or directory',
  ENOMEM: 'Cannot allocate memory',
  ENOSPC: 'No space left on device',
  EOPNOTSUPP: 'Operation not supported',
  EPERM: 'Operation not permitted',
  ERANGE: 'Numerical result out of range',
  ESRCH: 'No such process'
}
