import type { NodeConfig } from '@trilane/config'
import type { Kernel, KernelSnapshot, NetworkConfig, NodeFacts, ReadScope, Uplink } from '@trilane/contracts'
import { familiesOf, mapFamilies, Prefix } from '@trilane/ip'
import type { NodeIdentity } from './identity.ts'
import { selectUplink, type UplinkWish } from './uplink-selection.ts'

export type { UplinkWish } from './uplink-selection.ts'

/** What the node config says about the uplink, with what the kernel says to it now. */
export async function uplinkWish(config: NodeConfig, kernel: Kernel): Promise<UplinkWish> {
  const { iface, ifaceRegex, ifaceCanReach: address, publicAddresses } = config
  const canReach =
    address === undefined ? {} : { canReach: { address, route: await kernel.routeTo(address) } }
  return { iface, ifaceRegex, publicAddresses, ...canReach }
}

/** There as long as the kernel has IPv6, whatever it says. */
const IPV6_SWITCH = 'net/ipv6/conf/all/disable_ipv6'

/** What {@link nodeFacts} needs to be read. */
export const FACTS_SCOPE: ReadScope = { links: true, addresses: true, routes: 'main', sysctls: [IPV6_SWITCH] }

/**
 * Facts about this node for one network, from one reading of {@link FACTS_SCOPE}.
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
  const { link, addresses } = selectUplink(snapshot, wish, familiesOf(network.families), bridge)
  const uplink: Uplink = {
    name: link.name,
    index: link.index,
    mtuBytes: link.mtuBytes,
    ...(link.mac === undefined ? {} : { mac: link.mac }),
    addresses,
    onLink: onLinkPrefixes(snapshot, link.name)
  }
  const publicAddresses = mapFamilies(
    uplink.addresses,
    ({ address }, family) => wish.publicAddresses[family] ?? address
  )
  const { name, machineId } = identity
  const kernelHasIpv6 = snapshot.sysctls.some(({ key }) => key === IPV6_SWITCH)
  const there = snapshot.links.find(({ name, kind }) => name === bridge && kind.type === 'bridge')
  const facts = { name, machineId, network, uplink, publicAddresses, bridge, kernelHasIpv6 }
  return there?.mac === undefined ? facts : { ...facts, bridgeMac: there.mac }
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
