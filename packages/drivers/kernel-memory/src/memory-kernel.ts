import {
  type AddressHolder,
  type Announcement,
  type ChangeOutcome,
  EMPTY_KERNEL_STATE,
  type Kernel,
  type KernelChange,
  type KernelEvent,
  type KernelSnapshot,
  type KernelWatch,
  type Neighbour,
  type ReadScope,
  type RouteLookup,
  TrilaneError
} from '@trilane/contracts'
import type { IpAddress, Mac } from '@trilane/ip'
import type { Device } from './device.ts'
import type { Faults } from './faults.ts'
import { lookUp } from './lookup.ts'
import type { MemoryMachine } from './machine.ts'
import type { NetworkNamespace } from './namespace.ts'
import { solicit } from './neighbours.ts'
import { perform } from './perform.ts'
import { printState } from './print.ts'
import { readState } from './reading.ts'
import { errorOf, Refusal } from './refusal.ts'
import { answerOn } from './segment.ts'

/** {@link Kernel} without Linux: one handle on one namespace of a {@link MemoryMachine}. */
export class MemoryKernel implements Kernel {
  readonly faults: Faults
  /** Every change that was asked for through this handle, in order, also refused ones. */
  readonly changes: KernelChange[] = []
  /** Every announcement that was made through this handle, in order. */
  readonly announced: Announcement[] = []
  readonly #namespace: NetworkNamespace
  readonly #watches = new Set<KernelWatch>()
  #closed = false

  /** @internal Made by {@link MemoryMachine.addNamespace}. */
  constructor(namespace: NetworkNamespace) {
    this.#namespace = namespace
    this.faults = namespace.faults
  }

  /** The machine that this namespace is one of. */
  get machine(): MemoryMachine {
    return this.#namespace.machine
  }

  /** How many changes were asked for through this handle. */
  get writes(): number {
    return this.changes.length
  }

  async read(scope: ReadScope): Promise<KernelSnapshot> {
    this.#checkOpen()
    if (this.faults.takeInterruptedRead()) {
      throw TrilaneError.of('TRI_KERNEL_READ_INCOMPLETE', { what: 'state', attempts: 1 })
    }
    return { ...EMPTY_SNAPSHOT, ...readState(this.#namespace, scope) }
  }

  async apply(changes: readonly KernelChange[]): Promise<readonly ChangeOutcome[]> {
    this.#checkOpen()
    return changes.map((change) => {
      this.changes.push(change)
      const error = this.#try(change)
      return error === undefined ? { change } : { change, error }
    })
  }

  watch(listener: (event: KernelEvent) => void): KernelWatch {
    this.#checkOpen()
    const watch = this.#namespace.feed.watch(listener)
    this.#watches.add(watch)
    return watch
  }

  async routeTo(destination: IpAddress): Promise<RouteLookup | undefined> {
    this.#checkOpen()
    return lookUp(this.#namespace, destination)
  }

  async announce(announcements: readonly Announcement[]): Promise<void> {
    this.#checkOpen()
    for (const announcement of announcements) {
      this.#sender(announcement.device, `arping -U ${announcement.address} -I ${announcement.device}`)
      this.announced.push(announcement)
    }
  }

  /** Nobody waits: who is there answers at once. */
  async probe(
    questions: readonly Pick<Neighbour, 'device' | 'address'>[],
    _waitMs: number
  ): Promise<readonly AddressHolder[]> {
    this.#checkOpen()
    const holders = new Map<string, AddressHolder>()
    for (const { device, address } of questions) {
      const sender = this.#sender(device, `arping -D -I ${device} ${address}`)
      const mac = answerOn(sender, address)
      if (mac !== undefined) holders.set(`${device} ${address}`, { device, address, mac })
    }
    return [...holders.values()]
  }

  /** A machine that is on the wire of a card, and no namespace here: it answers for the address. */
  addStranger(device: string, address: IpAddress, mac: Mac): void {
    this.#namespace.device(device).strangers.set(`${address}`, mac)
  }

  async solicit(neighbours: readonly Pick<Neighbour, 'device' | 'address'>[]): Promise<void> {
    this.#checkOpen()
    for (const neighbour of neighbours) solicit(this.#namespace, neighbour)
  }

  async namespace(path: string): Promise<MemoryKernel> {
    this.#checkOpen()
    return new MemoryKernel(this.machine.namespaceAt(path))
  }

  close(): void {
    this.#closed = true
    for (const watch of this.#watches) watch.close()
  }

  /** The state as the commands that make it, one a line, sorted within each kind: what an operator would type. */
  toString(): string {
    return printState(this.#namespace)
  }

  /** A device that can send. */
  #sender(name: string, command: string): Device {
    const device = this.#namespace.devices.get(name)
    if (device === undefined) {
      throw TrilaneError.of('TRI_KERNEL_NOT_FOUND', { command, what: `device ${name}` })
    }
    if (device.up) return device
    const text = ' (Network is down)'
    throw TrilaneError.of('TRI_KERNEL_REFUSED', { command, errno: 'ENETDOWN', text })
  }

  #try(change: KernelChange): TrilaneError | undefined {
    const refusal = this.faults.takeRefusal(change)
    if (refusal !== undefined) return errorOf(change, refusal)
    try {
      perform(this.#namespace, change)
      return undefined
    } catch (error) {
      return error instanceof Refusal ? errorOf(change, error) : TrilaneError.from(error)
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error('this kernel is closed')
  }
}

const EMPTY_SNAPSHOT: KernelSnapshot = { ...EMPTY_KERNEL_STATE, links: [], addresses: [] }
