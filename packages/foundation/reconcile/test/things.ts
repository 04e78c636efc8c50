import {
  type Clock,
  commandOf,
  EMPTY_KERNEL_STATE,
  type FdbEntry,
  type InterfaceAddress,
  type Kernel,
  type KernelState,
  type Link,
  type Logger,
  type Neighbour,
  type Route,
  SILENT_LOGGER
} from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { networkAlias, type PassReport, Reconciler, ROUTE_PROTOCOL } from '../src/index.ts'

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

  bootMs(): number {
    return this.nowMs
  }

  async sleep(ms: number): Promise<void> {
    this.nowMs += ms
  }
}

export function reconcilerOf(
  kernel: Kernel,
  logger: Logger = SILENT_LOGGER
): { reconciler: Reconciler; clock: TestClock } {
  const clock = new TestClock()
  return { reconciler: new Reconciler({ kernel, logger, clock }), clock }
}

/** {@link Reconciler.wish} with the slots as fields. */
export function wish(reconciler: Reconciler, slots: Record<string, KernelState | undefined>): void {
  reconciler.wish(new Map(Object.entries(slots)))
}

/** What was sent to the kernel, as commands; a failed one with its error's code in front. */
export function commandsOfReport({ outcomes }: PassReport): string[] {
  return outcomes.map(({ change, error }) =>
    error === undefined ? commandOf(change) : `${error.code}: ${commandOf(change)}`
  )
}

/** A node of a vxlan network: its devices, and how one peer is reached. */
export const VXLAN_NODE = state({
  links: [vxlan('flannel.1', 1), bridge('cni0')],
  addresses: [address('flannel.1', '10.5.1.0/32'), address('cni0', '10.5.1.1/24')],
  sysctls: [{ key: 'net/ipv4/ip_forward', value: '1' }]
})

export function vxlanPeer(number: number, outer = `192.168.1.${number}`): KernelState {
  const inner = `10.5.${number}.0`
  const hardware = `0e:00:00:00:00:${number.toString(16).padStart(2, '0')}`
  return state({
    routes: [route(`${inner}/24`, inner, { device: 'flannel.1', onlink: true })],
    neighbours: [neighbour('flannel.1', inner, hardware)],
    fdb: [fdb('flannel.1', hardware, outer)]
  })
}

/** How a peer of a host-gw network is reached: by `gateway` on eth0. */
export function routedPeer(number: number, gateway = `192.168.1.${number}`): KernelState {
  return state({ routes: [route(`10.5.${number}.0/24`, gateway)] })
}

/** Routes of the main table that the kernel did not make by itself. */
export async function routesOn(kernel: Kernel): Promise<readonly Route[]> {
  return (await kernel.read({ routes: 'main' })).routes.filter(({ protocol }) => protocol !== 2)
}

/** What is there before the reconciler looks, made by somebody else. */
export async function makeOn(kernel: Kernel, parts: Partial<KernelState>): Promise<void> {
  const links = (parts.links ?? []).map((value) => ({ action: 'create', kind: 'link', value }) as const)
  const addresses = (parts.addresses ?? []).map(
    (value) => ({ action: 'set', kind: 'address', value }) as const
  )
  const ways = (parts.routes ?? []).map((value) => ({ action: 'set', kind: 'route', value }) as const)
  const macs = (parts.neighbours ?? []).map((value) => ({ action: 'set', kind: 'neighbour', value }) as const)
  const entries = (parts.fdb ?? []).map((value) => ({ action: 'set', kind: 'fdb', value }) as const)
  for (const { error } of await kernel.apply([...links, ...addresses, ...macs, ...ways, ...entries])) {
    if (error !== undefined) throw error
  }
}
