import type { NodeConfig } from '@trilane/config'
import type { Kernel, KernelSnapshot, NetworkConfig, NodeFacts, ReadScope, Uplink } from '@trilane/contracts'
import { familiesOf, mapFamilies } from '@trilane/ip'
import type { NodeIdentity } from './identity.ts'
import { onLinkPrefixes } from './on-link.ts'
import { type ParentWish, parentDevice } from './parent-device.ts'
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
 * @param parentWish for networks whose pods stand on a device of the node
 * @throws TrilaneError `TRI_UPLINK_NOT_FOUND` when no device fits, or the one that does lacks an address
 *   of a family that the network needs; `TRI_PARENT_NOT_FOUND`
 */
export function nodeFacts(
  snapshot: KernelSnapshot,
  wish: UplinkWish,
  network: NetworkConfig,
  identity: NodeIdentity,
  bridge: string,
  parentWish?: ParentWish
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
  const parent =
    parentWish === undefined ? {} : { parent: parentDevice(snapshot, parentWish, link.name, network.name) }
  const facts = { name, machineId, network, uplink, publicAddresses, bridge, kernelHasIpv6, ...parent }
  return there?.mac === undefined ? facts : { ...facts, bridgeMac: there.mac }
}
