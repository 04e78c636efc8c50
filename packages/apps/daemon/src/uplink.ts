import type { NodeConfig } from '@trilane/config'
import type { Kernel, KernelSnapshot, NetworkConfig, NodeFacts, Uplink } from '@trilane/contracts'
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
  return { name: identity.name, machineId: identity.machineId, network, uplink, publicAddresses, bridge }
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
