import { createHash } from 'node:crypto'
import type { NetworkConfig } from '@trilane/contracts'
import {
  type Family,
  familiesOf,
  type IpAddress,
  mapFamilies,
  type PerFamily,
  Prefix,
  valuesOf
} from '@trilane/ip'
import { promiseOf } from './promise.ts'
import type { Topology } from './topology.ts'
import { placesOn, type UnderlayPlaces } from './underlay-places.ts'

/** What is built: nodes on one segment, pods in each, and one host beside them that is no node. */
export interface LabPlan {
  readonly name: string
  readonly topology: Topology
  /** The nodes' own network. */
  readonly segment: PerFamily<Prefix>
  /** The other network that the router leads to; the last node is there. Only `routed`. */
  readonly far?: FarPlan
  readonly nodes: readonly NodePlan[]
  readonly outside: HostPlan
  /** Only where pods are on the nodes' own network, which is its network too, and where it leads to other nodes. */
  readonly router?: RouterPlan
  /** Only where pods are on a VLAN of it: what outside and router have there. */
  readonly vlan?: VlanPlan
}

/** A machine on the segment. */
export interface HostPlan {
  readonly name: string
  readonly addresses: PerFamily<IpAddress>
}

export interface NodePlan extends HostPlan {
  /** 32 hex digits, the same in every lab and at every run: so are the subnets, and the docs can name them. */
  readonly machineId: string
  readonly pods: readonly string[]
  /** It is on {@link LabPlan.far}. */
  readonly isFar?: boolean
}

export interface FarPlan {
  readonly network: PerFamily<Prefix>
  /** The router's addresses there. */
  readonly router: PerFamily<IpAddress>
}

/** The way out of the segment. */
export interface RouterPlan extends HostPlan {
  /** What is only reached by it. */
  readonly beyond: PerFamily<IpAddress>
  /** A gateway that is configured and is link-local. */
  readonly linkLocal?: IpAddress
}

export interface VlanPlan {
  readonly id: number
  readonly network: PerFamily<Prefix>
  readonly outside: PerFamily<IpAddress>
  readonly router: PerFamily<IpAddress>
}

/** The nodes' own network. Documentation and private ranges, so that nothing here is an address of the machine's. */
const SEGMENT: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('192.168.77.0/24'),
  v6: Prefix.parse('fd77::/64')
}

/** Behind the router. */
const FAR: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('192.168.88.0/24'),
  v6: Prefix.parse('fd88::/64')
}

/** What is far away: RFC 5737, RFC 3849. */
const BEYOND: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('203.0.113.1/32'),
  v6: Prefix.parse('2001:db8::1/128')
}

/** node1 is .1; the last hosts of the /24 that are not the broadcast address are no nodes. */
const ROUTER_HOST = 253
const OUTSIDE_HOST = 254
export const MAX_NODES = 64
export const MAX_PODS = 32

/**
 * @param count how many nodes, and pods on each: 1 to {@link MAX_NODES} and {@link MAX_PODS}; `routed` needs two nodes
 * @throws TrilaneError `TRI_CONFIG_INVALID` when pods are on the nodes' own network and leave no room for the nodes
 */
export function planLab(
  name: string,
  network: NetworkConfig,
  count: { readonly nodes: number; readonly pods: number },
  topology: Topology = 'flat'
): LabPlan {
  const plan = planSegment(name, network, count)
  return topology === 'routed' ? withRouter(plan, network) : { ...plan, topology }
}

/** The last node moves behind the router. */
function withRouter(plan: LabPlan, network: NetworkConfig): LabPlan {
  const far: FarPlan = {
    network: mapFamilies(network.families, (_, family) => FAR[family]),
    router: mapFamilies(network.families, (_, family) => FAR[family].nth(ROUTER_HOST))
  }
  const router = plan.router ?? {
    ...routerPlan(network, {}),
    addresses: mapFamilies(plan.segment, (prefix) => prefix.nth(ROUTER_HOST))
  }
  const nodes = plan.nodes.map((node, index): NodePlan => {
    if (index < plan.nodes.length - 1) return node
    const addresses = mapFamilies(far.network, (prefix) => prefix.nth(plan.nodes.length))
    return { ...node, addresses, isFar: true }
  })
  return { ...plan, topology: 'routed', far, router, nodes }
}

function planSegment(
  name: string,
  network: NetworkConfig,
  count: { readonly nodes: number; readonly pods: number }
): LabPlan {
  const topology = 'flat'
  const { underlay } = promiseOf(network)
  const apart = mapFamilies(network.families, (_, family) => SEGMENT[family])
  if (underlay === undefined) {
    const places = mapFamilies(apart, (prefix) => ({ nodes: hostsOf(prefix, count.nodes) }))
    const outside = { name: 'outside', addresses: mapFamilies(apart, (prefix) => prefix.nth(OUTSIDE_HOST)) }
    return { name, topology, segment: apart, nodes: nodesAt(places, count), outside }
  }
  const places = placesOn(network.families, underlay, count.nodes)
  const pick = (role: 'outside' | 'router') => mapFamilies(places, (one) => one[role])
  const router = routerPlan(network, underlay.gateways)
  if (underlay.vlanId === undefined) {
    return {
      name,
      topology,
      segment: mapFamilies(network.families, (config) => config.network),
      nodes: nodesAt(places, count),
      outside: { name: 'outside', addresses: pick('outside') },
      router: { ...router, addresses: pick('router') }
    }
  }
  const onSegment = mapFamilies(apart, (prefix) => ({ nodes: hostsOf(prefix, count.nodes) }))
  return {
    name,
    topology,
    segment: apart,
    nodes: nodesAt(onSegment, count),
    outside: { name: 'outside', addresses: mapFamilies(apart, (prefix) => prefix.nth(OUTSIDE_HOST)) },
    router: { ...router, addresses: mapFamilies(apart, (prefix) => prefix.nth(ROUTER_HOST)) },
    vlan: {
      id: underlay.vlanId,
      network: mapFamilies(network.families, (config) => config.network),
      outside: pick('outside'),
      router: pick('router')
    }
  }
}

function routerPlan(
  network: NetworkConfig,
  { v6 }: PerFamily<IpAddress>
): Pick<RouterPlan, 'name' | 'beyond' | 'linkLocal'> {
  const beyond = mapFamilies(network.families, (_, family) => BEYOND[family].address)
  return { name: 'router', beyond, ...(v6?.isLinkLocal === true ? { linkLocal: v6 } : {}) }
}

function nodesAt(
  places: PerFamily<Pick<UnderlayPlaces, 'nodes'>>,
  count: { readonly nodes: number; readonly pods: number }
): NodePlan[] {
  return numbered(count.nodes).map((number) => ({
    name: `node${number}`,
    addresses: mapFamilies(places, ({ nodes }) => nodes[number - 1]),
    machineId: createHash('sha256').update(`trilane lab node${number}`).digest('hex').slice(0, 32),
    pods: numbered(count.pods).map((pod) => `pod${pod}`)
  }))
}

function hostsOf(prefix: Prefix, count: number): IpAddress[] {
  return numbered(count).map((number) => prefix.nth(number))
}

/** `192.168.77.1/24` per family, as a device gets it. */
export function interfaceAddresses(
  { segment, far }: Pick<LabPlan, 'segment' | 'far'>,
  host: Pick<NodePlan, 'addresses' | 'isFar'>
): string[] {
  return withLengths(host.addresses, host.isFar === true && far !== undefined ? far.network : segment)
}

/** Each address with the length of its network. */
export function withLengths(addresses: PerFamily<IpAddress>, networks: PerFamily<Prefix>): string[] {
  return familiesOf(addresses).flatMap((family) => {
    const address = addresses[family]
    const prefix = networks[family]
    return address === undefined || prefix === undefined ? [] : [`${address}/${prefix.length}`]
  })
}

/** All addresses of a host as texts. */
export function addressTexts(host: Pick<HostPlan, 'addresses'>): string[] {
  return valuesOf(host.addresses).map(String)
}

function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}
