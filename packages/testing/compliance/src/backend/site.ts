import {
  type Backend,
  joinStates,
  type KernelState,
  type Lease,
  type NodeFacts,
  type ParentDevice
} from '@trilane/contracts'
import { type Family, Mac, mapFamilies, type PerFamily, Prefix, valuesOf } from '@trilane/ip'
import type { BackendFixture } from './fixture.ts'

/** The networks that a backend is asked about: either family alone, then both. */
export const FAMILY_SETS: readonly (readonly Family[])[] = [['v4'], ['v6'], ['v4', 'v6']]

/** A made-up cluster: this node, its lease, and others with theirs. */
export interface Site {
  /** For messages: `v4+v6 {"Port":4789}`. */
  readonly name: string
  readonly families: readonly Family[]
  readonly options: unknown
  readonly facts: NodeFacts
  readonly lease: Lease
  /** On the uplink's segment. */
  readonly peers: readonly Lease[]
  /** Behind a router. */
  readonly farPeer: Lease
}

const SEGMENT: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('192.168.77.0/24'),
  v6: Prefix.parse('fd00:77::/64')
}
const ELSEWHERE: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('198.51.100.0/24'),
  v6: Prefix.parse('2001:db8::/64')
}
const POD_NETWORK: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('10.5.0.0/16'),
  v6: Prefix.parse('fd00:5::/48')
}
/** The segment's router, below the first slice as the nodes are. */
const ROUTER_HOST = 14
/** Slices of the segment for backends that put pods on it; the nodes themselves are below the first. */
const SUBNET_LENGTH: Readonly<Record<'apart' | 'onSegment', Readonly<Record<Family, number>>>> = {
  apart: { v4: 24, v6: 64 },
  onSegment: { v4: 28, v6: 112 }
}

/** Every network with every valid set of options, all of it frozen: a backend that writes on its arguments throws. */
export function sitesOf(fixture: BackendFixture): Site[] {
  return FAMILY_SETS.flatMap((families) => fixture.goodOptions.map((raw) => siteOf(fixture, families, raw)))
}

/** Every network with the default options. */
export function defaultSitesOf(fixture: BackendFixture): Site[] {
  return FAMILY_SETS.map((families) => siteOf(fixture, families, fixture.goodOptions[0]))
}

function siteOf(
  { backend }: BackendFixture,
  families: readonly Family[],
  raw: Readonly<Record<string, unknown>>
): Site {
  const options = deepFreeze(backend.parseOptions(raw))
  const factsOf = (host: number) => deepFreeze(nodeFacts(backend, families, host, raw, options))
  const leaseOf = (facts: NodeFacts, host: number): Lease =>
    deepFreeze({
      subnets: mapFamilies(facts.network.families, ({ network, subnetLength }) =>
        network.subnet(subnetLength, host)
      ),
      publicAddresses: facts.publicAddresses,
      backendType: backend.type,
      // As it comes out of the store.
      backendData: JSON.parse(JSON.stringify(backend.leaseData(facts, options))),
      node: { machineId: facts.machineId, name: facts.name }
    })
  const facts = factsOf(1)
  return {
    name: `${families.join('+')} ${JSON.stringify(raw)}`,
    families,
    options,
    facts,
    lease: leaseOf(facts, 1),
    peers: [2, 3, 4].map((host) => leaseOf(factsOf(host), host)),
    farPeer: deepFreeze({
      ...leaseOf(factsOf(5), 5),
      publicAddresses: mapFamilies(facts.network.families, (_, family) => ELSEWHERE[family].nth(5))
    })
  }
}

function nodeFacts(
  { type, traits, parentDevice }: Backend,
  families: readonly Family[],
  host: number,
  raw: Readonly<Record<string, unknown>>,
  options: unknown
): NodeFacts {
  const pick = <T>(both: Readonly<Record<Family, T>>): PerFamily<T> =>
    mapFamilies(both, (value, family) => (families.includes(family) ? value : undefined))
  const segment = pick(SEGMENT)
  const addresses = mapFamilies(segment, (prefix) => prefix.nth(host))
  const onSegment = traits.podsOnNodeNetwork
  const lengths = SUBNET_LENGTH[onSegment ? 'onSegment' : 'apart']
  const uplink = {
    name: 'uplink0',
    index: 2,
    mtuBytes: 1500,
    mac: Mac.derive(`node${host}`),
    addresses: mapFamilies(addresses, (address, family) => ({
      address,
      prefixLength: SEGMENT[family].length
    })),
    onLink: valuesOf(segment)
  }
  const parent = onSegment ? { parent: parentOf(uplink, parentDevice?.(options), segment) } : {}
  return {
    name: `node${host}`,
    machineId: String(host).padStart(32, '0'),
    network: {
      name: 'default',
      families: mapFamilies(onSegment ? segment : pick(POD_NETWORK), (network, family) => ({
        network,
        subnetLength: lengths[family],
        subnetMin: network.subnet(lengths[family], 1).address,
        subnetMax: Prefix.of(network.last, lengths[family]).address
      })),
      backend: { type, options: raw },
      enableNftables: false
    },
    uplink,
    publicAddresses: addresses,
    bridge: 'cni0',
    ...parent
  }
}

/** The uplink, or a network card for pods alone. */
function parentOf(
  { addresses, ...uplink }: NodeFacts['uplink'],
  name: string | undefined,
  segment: PerFamily<Prefix>
): ParentDevice {
  const isWireless = false
  if (name !== undefined && name !== uplink.name) {
    const { mtuBytes } = uplink
    return { name, index: 3, mtuBytes, isWireless, addresses: [], onLink: [], gateways: {}, children: [] }
  }
  const gateways = mapFamilies(segment, (prefix) => prefix.nth(ROUTER_HOST))
  return { ...uplink, isWireless, addresses: valuesOf(addresses), gateways, children: [] }
}

/** Everything that the node wants for itself: what carries packets, and what its pods stand on. */
export function nodeStateOf(
  { backend }: BackendFixture,
  { facts, lease, options }: Pick<Site, 'facts' | 'lease' | 'options'>
): KernelState {
  const link = backend.podLink(facts, lease, options)
  return joinStates([backend.nodeState(facts, lease, options), backend.podState(facts, lease, link)])
}

/** Values of `@trilane/ip` keep private fields and caches, and are immutable anyway. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && !Array.isArray(value)) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
