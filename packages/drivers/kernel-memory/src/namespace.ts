import type { FdbEntry, InterfaceAddressReading, KernelEvent, Neighbour } from '@trilane/contracts'
import { Device } from './device.ts'
import { EventFeed } from './event-feed.ts'
import { Faults } from './faults.ts'
import type { MemoryMachine } from './machine.ts'
import { Refusal } from './refusal.ts'
import { RouteTable } from './route-table.ts'

/** An address with the device it is on. */
export interface StoredAddress {
  readonly device: Device
  readonly reading: InterfaceAddressReading
}

export interface StoredNeighbour {
  readonly device: Device
  readonly reading: Neighbour
}

export interface StoredFdbEntry {
  readonly device: Device
  readonly reading: FdbEntry
}

/**
 * What is in one network namespace. The rules are beside it, by kind (`links.ts`, `routes.ts`, …); here is only what
 * they all share: finding a device by name, and telling those who watch.
 */
export class NetworkNamespace {
  readonly machine: MemoryMachine
  /** By which other namespaces find it. */
  readonly path: string
  readonly devices = new Map<string, Device>()
  readonly addresses: StoredAddress[] = []
  readonly routes = new RouteTable()
  readonly neighbours = new Map<string, StoredNeighbour>()
  /** By device and MAC. */
  readonly fdb = new Map<string, StoredFdbEntry>()
  /** Values that were written; all others are the kernel's defaults. */
  readonly sysctls = new Map<string, string>()
  readonly feed = new EventFeed()
  readonly faults = new Faults(this)
  /** What watchers were told last, to tell changes only. */
  readonly #told = new Map<Device, string>()

  constructor(machine: MemoryMachine, path: string) {
    this.machine = machine
    this.path = path
    const lo = new Device(this, 1, 'lo', { type: 'other', kernelType: '' }, 65_536, machine.zeroMac)
    this.devices.set('lo', lo)
    this.#told.set(lo, fingerprint(lo))
  }

  /** @throws Refusal ENODEV */
  device(name: string): Device {
    const device = this.devices.get(name)
    if (device === undefined) throw new Refusal('ENODEV', `device ${name}`)
    return device
  }

  emit(event: KernelEvent): void {
    this.feed.push(event)
  }

  /** A device and those that follow it: tells about those that read differently from before. */
  tell(device: Device, seen = new Set<Device>()): void {
    if (seen.has(device)) return
    seen.add(device)
    const { namespace } = device
    if (namespace.devices.get(device.name) === device) {
      const now = fingerprint(device)
      const before = namespace.#told.get(device)
      if (now !== before) {
        namespace.#told.set(device, now)
        namespace.emit({ kind: 'link', gone: false, value: device.reading() })
      }
    }
    for (const follower of device.followers()) this.tell(follower, seen)
  }

  forget(device: Device): void {
    this.devices.delete(device.name)
    this.#told.delete(device)
    this.emit({ kind: 'link', gone: true, value: device.reading() })
  }
}

function fingerprint(device: Device): string {
  return JSON.stringify(device.reading())
}
