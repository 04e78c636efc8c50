import {
  type InterfaceAddressReading,
  type KernelSnapshot,
  type LinkReading,
  type NetworkConfig,
  type NodeFacts,
  TrilaneError,
  type Uplink
} from '@trilane/contracts'
import { type Family, familiesOf, IpAddress, mapFamilies, type PerFamily, Prefix } from '@trilane/ip'
import type { NodeIdentity } from './identity.ts'

/** How the operator names the uplink; tried in this order, as flannel does. */
export interface UplinkWish {
  /** Names or addresses of devices. */
  readonly iface: readonly string[]
  /** Patterns: the first device with a matching address, else with a matching name. */
  readonly ifaceRegex: readonly string[]
  /** The device of the kernel's route to the address of `--iface-can-reach`, already looked up. */
  readonly reachedBy?: string | undefined
  /** Addresses to publish; without any of the above they also name the device. */
  readonly publicAddresses: PerFamily<IpAddress>
}

/**
 * Facts about this node for one network, from one reading of links, addresses and main-table routes.
 *
 * @throws TrilaneError `TRI_UPLINK_NOT_FOUND` when no device fits, or the one that does lacks an address
 *   of a family that the network needs
 */
export function nodeFacts(
  snapshot: KernelSnapshot,
  wish: UplinkWish,
  network: NetworkConfig,
  identity: NodeIdentity,
  bridge: string
): NodeFacts {
  const uplink = describeUplink(snapshot, selectUplink(snapshot, wish, network), network)
  const publicAddresses = mapFamilies(
    uplink.addresses,
    ({ address }, family) => wish.publicAddresses[family] ?? address
  )
  return { name: identity.name, machineId: identity.machineId, network, uplink, publicAddresses, bridge }
}

function selectUplink(snapshot: KernelSnapshot, wish: UplinkWish, network: NetworkConfig): LinkReading {
  const named = (name: string): LinkReading | undefined => snapshot.links.find((link) => link.name === name)
  const owner = (address: IpAddress): LinkReading | undefined => {
    const found = snapshot.addresses.find((entry) => entry.address.equals(address))
    return found === undefined ? undefined : named(found.device)
  }

  const tried: string[] = []
  for (const iface of wish.iface) {
    const address = IpAddress.tryParse(iface)
    const link = address === undefined ? named(iface) : owner(address)
    if (link !== undefined) return link
    tried.push(`--iface ${iface}`)
  }
  for (const pattern of wish.ifaceRegex) {
    const link = matching(snapshot, pattern)
    if (link !== undefined) return link
    tried.push(`--iface-regex ${pattern}`)
  }
  if (wish.reachedBy !== undefined) {
    const link = named(wish.reachedBy)
    if (link !== undefined) return link
    tried.push('--iface-can-reach')
  }
  if (tried.length > 0) {
    throw TrilaneError.of('TRI_UPLINK_NOT_FOUND', { reason: `no device fits ${tried.join(', ')}` })
  }

  for (const address of Object.values(wish.publicAddresses)) {
    const link = owner(address)
    if (link !== undefined) return link
  }
  for (const family of familiesOf(network.families)) {
    const device = defaultRouteDevice(snapshot, family)
    const link = device === undefined ? undefined : named(device)
    if (link !== undefined) return link
  }
  throw TrilaneError.of('TRI_UPLINK_NOT_FOUND', { reason: 'there is no default route' })
}

function matching(snapshot: KernelSnapshot, pattern: string): LinkReading | undefined {
  const expression = new RegExp(pattern)
  const byAddress = snapshot.addresses.find(({ address }) => expression.test(address.toString()))
  const name = byAddress?.device
  return (
    snapshot.links.find((link) => link.name === name) ??
    snapshot.links.find((link) => expression.test(link.name))
  )
}

/** Of several default routes the one with the lowest metric; of several next hops the first. */
function defaultRouteDevice(snapshot: KernelSnapshot, family: Family): string | undefined {
  const [best] = snapshot.routes
    .filter(({ destination }) => destination.family === family && destination.length === 0)
    .sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
  return best?.device ?? best?.nextHops?.[0]?.device
}

function describeUplink(snapshot: KernelSnapshot, link: LinkReading, network: NetworkConfig): Uplink {
  const own = snapshot.addresses.filter(({ device }) => device === link.name)
  const addresses = mapFamilies(network.families, (_, family) => bestAddress(own, family))
  for (const family of familiesOf(network.families)) {
    if (addresses[family] === undefined) {
      const reason = `${link.name} has no usable IP${family} address, and the network needs one`
      throw TrilaneError.of('TRI_UPLINK_NOT_FOUND', { reason })
    }
  }
  return {
    name: link.name,
    index: link.index,
    mtuBytes: link.mtuBytes,
    ...(link.mac === undefined ? {} : { mac: link.mac }),
    addresses,
    onLink: onLinkPrefixes(snapshot, link.name)
  }
}

/**
 * Global before link-local, permanent before leased, lasting before temporary; as flannel chooses. But never `fe80::`:
 * it means something else on each link, and a lease is read on all of them.
 */
function bestAddress(
  addresses: readonly InterfaceAddressReading[],
  family: Family
): { address: IpAddress; prefixLength: number } | undefined {
  const rank = (entry: InterfaceAddressReading): number =>
    (entry.scope === 'global' ? 0 : 4) + (entry.permanent ? 0 : 2) + (entry.temporary ? 1 : 0)
  const [best] = addresses
    .filter(({ address, deprecated }) => address.family === family && !deprecated)
    .filter(({ address }) => family === 'v4' || !address.isLinkLocal)
    .sort((a, b) => rank(a) - rank(b))
  return best === undefined ? undefined : { address: best.address, prefixLength: best.prefixLength }
}

/** In one order whatever the kernel's, so that equal facts are equal texts. */
function onLinkPrefixes(snapshot: KernelSnapshot, device: string): Prefix[] {
  const prefixes = new Map<string, Prefix>()
  const add = (prefix: Prefix): void => {
    prefixes.set(prefix.toString(), prefix)
  }
  for (const entry of snapshot.addresses) {
    if (entry.device === device) add(Prefix.of(entry.address, entry.prefixLength))
  }
  for (const route of snapshot.routes) {
    const direct = route.gateway === undefined && (route.type ?? 'unicast') === 'unicast'
    if (route.device === device && direct && route.destination.length > 0) add(route.destination)
  }
  return [...prefixes.values()].sort((a, b) => a.compare(b))
}
