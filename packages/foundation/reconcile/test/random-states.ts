import type {
  FdbEntry,
  InterfaceAddress,
  KernelState,
  Link,
  LinkKind,
  Neighbour,
  Route
} from '@trilane/contracts'
import fc from 'fast-check'
import { address, fdb, ip, neighbour, net } from './things.ts'

/**
 * States on a node with `eth0 192.168.1.1/24 fd00:1::1/64`, drawn from few names and addresses so that two of them
 * meet often. Each is one that a kernel can hold.
 */
export interface StateStyle {
  /** Aliases that devices may have. */
  readonly aliases: readonly (string | undefined)[]
  readonly protocols: readonly number[]
  /** Of the one IPv6 address that a device may have: two at once are refused by Linux. */
  readonly prefixLengths: readonly number[]
  /** In 10.5.1.0/24: with two of them a device has a secondary address. */
  readonly hosts: readonly string[]
  /** Outer destinations of each of two MACs: a unicast MAC has one at a time. */
  readonly destinations: readonly [readonly string[], readonly string[]]
}

export const OURS: StateStyle = {
  aliases: ['trilane:default'],
  protocols: [133],
  prefixLengths: [64],
  hosts: ['10.5.1.1', '10.5.1.2'],
  destinations: [['192.168.1.2'], ['192.168.1.3']]
}
export const ANYBODYS: StateStyle = {
  aliases: ['trilane:default', 'trilane:old', 'trilane:default:c1:eth0', 'somebody', undefined],
  protocols: [133, 4, 3],
  prefixLengths: [64, 48],
  hosts: ['10.5.1.1'],
  destinations: [
    ['192.168.1.2', '192.168.1.3'],
    ['192.168.1.3', '192.168.1.4']
  ]
}

const KINDS: Readonly<Record<string, readonly LinkKind[]>> = {
  br0: [{ type: 'bridge' }, { type: 'macvlan', parent: 'eth0' }],
  vx1: [
    { type: 'vxlan', vni: 1, port: 8472, learning: false },
    { type: 'vxlan', vni: 1, parent: 'eth0', local: ip('192.168.1.1'), learning: false },
    { type: 'vxlan', vni: 2, learning: false }
  ],
  mv0: [
    { type: 'macvlan', parent: 'eth0', mode: 'bridge' },
    { type: 'macvlan', parent: 'br0', mode: 'bridge' },
    { type: 'bridge' }
  ]
}

const V4_GATEWAYS = ['10.5.2.1', '10.5.2.2']
/** Outside of every destination: Linux refuses an IPv6 gateway that a route by another device covers, on-link or not. */
const V6_GATEWAYS = ['fd00:9::1', 'fd00:9::2']

export function anyState(style: StateStyle): fc.Arbitrary<KernelState> {
  return anyLinks(style).chain((links) => {
    const names = links.map(({ name }) => name)
    const tunnels = links.filter(({ kind }) => kind.type === 'vxlan').map(({ name }) => name)
    return fc.record({
      links: fc.constant(links),
      addresses: anyAddresses(style, names),
      routes: anyRoutes(style, [...names, 'eth0']),
      neighbours: anyNeighbours(names),
      fdb: anyFdb(style, tunnels),
      sysctls: fc.subarray([
        { key: 'net/ipv4/ip_forward', value: '1' },
        ...(names.includes('br0') ? [{ key: 'net/ipv4/conf/br0/rp_filter', value: '2' }] : []),
        ...(names.includes('vx1') ? [{ key: 'net/ipv4/conf/vx1/proxy_arp', value: '1' }] : [])
      ])
    })
  })
}

function anyLinks(style: StateStyle): fc.Arbitrary<Link[]> {
  const anyLink = (name: string): fc.Arbitrary<Link> =>
    fc
      .record({
        kind: fc.constantFrom(...(KINDS[name] ?? [])),
        alias: fc.constantFrom(...style.aliases),
        mtuBytes: fc.constantFrom(undefined, 1400, 1450)
      })
      .map(({ kind, alias, mtuBytes }) => ({
        name,
        kind,
        up: true,
        ...(alias === undefined ? {} : { alias }),
        // Linux refuses a child more than its parent has, and a bridge of another slot may have 1400.
        ...(mtuBytes === undefined || ('parent' in kind && kind.parent === 'br0') ? {} : { mtuBytes })
      }))
  return fc
    .subarray(Object.keys(KINDS))
    .chain((names) => fc.tuple(...names.map(anyLink)))
    .map((links) =>
      links.filter(({ kind }) => {
        const parent = 'parent' in kind ? kind.parent : undefined
        if (parent === undefined || parent === 'eth0') return true
        return links.some((link) => link.name === parent && link.kind.type === 'bridge')
      })
    )
}

function anyAddresses(style: StateStyle, devices: readonly string[]): fc.Arbitrary<InterfaceAddress[]> {
  if (devices.length === 0) return fc.constant([])
  const texts = [
    ...style.hosts.map((host) => `${host}/24`),
    '10.5.1.1/16',
    '10.6.0.1/32',
    ...style.prefixLengths.map((length) => `fd00:5::1/${length}`)
  ]
  return fc.uniqueArray(
    fc
      .tuple(fc.constantFrom(...devices), fc.constantFrom(...texts))
      .map(([device, text]) => address(device, text)),
    {
      // Linux has an IPv6 address once on a device.
      selector: ({ device, address, prefixLength }) =>
        address.family === 'v6' ? `${device} ${address}` : `${device} ${address}/${prefixLength}`,
      maxLength: 5
    }
  )
}

function anyRoutes(style: StateStyle, devices: readonly string[]): fc.Arbitrary<Route[]> {
  const anyRoute = fc
    .record({
      destination: fc.constantFrom('10.5.2.0/24', '10.5.3.0/24', 'fd00:5:2::/64', 'fd00:5:3::/64').map(net),
      device: fc.constantFrom(...devices),
      gateway: fc.nat(2),
      metric: fc.constantFrom(undefined, 50),
      protocol: fc.constantFrom(...style.protocols),
      table: fc.constantFrom(undefined, 100)
    })
    .map(({ destination, device, gateway, metric, protocol, table }): Route => {
      const text = (destination.family === 'v4' ? V4_GATEWAYS : V6_GATEWAYS)[gateway]
      return {
        destination,
        device,
        protocol,
        ...(text === undefined ? {} : { gateway: ip(text), onlink: true }),
        ...(metric === undefined ? {} : { metric }),
        ...(table === undefined ? {} : { table })
      }
    })
  return fc.uniqueArray(anyRoute, {
    selector: ({ destination, metric, table }) => `${destination} ${metric} ${table}`,
    maxLength: 6
  })
}

function anyNeighbours(devices: readonly string[]): fc.Arbitrary<Neighbour[]> {
  if (devices.length === 0) return fc.constant([])
  return fc.uniqueArray(
    fc
      .tuple(
        fc.constantFrom(...devices),
        fc.constantFrom(...V4_GATEWAYS, ...V6_GATEWAYS),
        fc.constantFrom('02:00:00:00:00:01', '02:00:00:00:00:02')
      )
      .map(([device, host, hardware]) => neighbour(device, host, hardware)),
    { selector: ({ device, address }) => `${device} ${address}`, maxLength: 4 }
  )
}

function anyFdb(style: StateStyle, tunnels: readonly string[]): fc.Arbitrary<FdbEntry[]> {
  if (tunnels.length === 0) return fc.constant([])
  const anyEntry = (hardware: string, destinations: readonly string[]): fc.Arbitrary<FdbEntry[]> =>
    fc
      .tuple(fc.constantFrom(...tunnels), fc.constantFrom(undefined, ...destinations))
      .map(([device, destination]) => (destination === undefined ? [] : [fdb(device, hardware, destination)]))
  return fc
    .tuple(
      anyEntry('02:00:00:00:00:01', style.destinations[0]),
      anyEntry('02:00:00:00:00:02', style.destinations[1])
    )
    .map((entries) => entries.flat())
}
