import {
  type Clock,
  EMPTY_KERNEL_STATE,
  type FdbEntry,
  type InterfaceAddress,
  type KernelState,
  type Link,
  type Neighbour,
  type Route,
  SILENT_LOGGER
} from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import type { MemoryKernel } from '@trilane/kernel-memory'
import { networkAlias, Reconciler, ROUTE_PROTOCOL } from '../src/index.ts'

/** Short ways to write objects in tests. */
export const ip = IpAddress.parse
export const net = Prefix.parse
export const mac = Mac.parse

export function state(parts: Partial<KernelState>): KernelState {
  return { ...EMPTY_KERNEL_STATE, ...parts }
}

export function bridge(name: string, more: Partial<Link> = {}): Link {
  return { name, kind: { type: 'bridge' }, alias: networkAlias('default'), up: true, ...more }
}

export function vxlan(name: string, vni: number, more: Partial<Link> = {}): Link {
  const kind = { type: 'vxlan', vni, port: 8472, learning: false, local: ip('192.168.1.1') } as const
  return { name, kind, alias: networkAlias('default'), up: true, ...more }
}

export function address(device: string, text: string): InterfaceAddress {
  const [host = '', length] = text.split('/')
  return { device, address: ip(host), prefixLength: Number(length) }
}

/** One of ours. */
export function route(destination: string, gateway: string, more: Partial<Route> = {}): Route {
  return {
    destination: net(destination),
    gateway: ip(gateway),
    device: 'eth0',
    protocol: ROUTE_PROTOCOL,
    ...more
  }
}

export function neighbour(device: string, host: string, hardware: string): Neighbour {
  return { device, address: ip(host), mac: mac(hardware), state: 'permanent' }
}

export function fdb(device: string, hardware: string, destination: string): FdbEntry {
  return { device, mac: mac(hardware), destination: ip(destination) }
}

/** Time that a test moves. */
export class TestClock implements Clock {
  nowMs = 1_000

  wallMs(): number {
    return this.nowMs
  }

  monotonicMs(): number {
    return this.nowMs
  }

  async sleep(ms: number): Promise<void> {
    this.nowMs += ms
  }
}

export function reconcilerOf(kernel: MemoryKernel): { reconciler: Reconciler; clock: TestClock } {
  const clock = new TestClock()
  return { reconciler: new Reconciler({ kernel, logger: SILENT_LOGGER, clock }), clock }
}

/** {@link Reconciler.wish} with the slots as fields. */
export function wish(reconciler: Reconciler, slots: Record<string, KernelState | undefined>): void {
  reconciler.wish(new Map(Object.entries(slots)))
}

/** The changes that a kernel was asked for since the last call, as one word lists: `set route 254 10.5.2.0/24 0`. */
export function takeChanges(kernel: MemoryKernel, from: { at: number }): readonly string[] {
  const changes = kernel.changes.slice(from.at)
  from.at = kernel.changes.length
  return changes.map((change) => `${change.action} ${change.kind}`)
}
