import type { NodeFacts } from '@trilane/contracts'
import type { Family, IpAddress } from '@trilane/ip'
import type { ParentOptions } from './parent-options.ts'

/**
 * The router of the pods' network: the one that is configured, else the parent's own, if pods have it on their link.
 * IPv6 routers mostly are known by their link-local address, which is on every link.
 */
export function gatewayOn(
  { network, parent }: Pick<NodeFacts, 'network' | 'parent'>,
  family: Family,
  { gateways, vlanId }: Pick<ParentOptions, 'gateways' | 'vlanId'>
): IpAddress | undefined {
  const configured = gateways[family]
  if (configured !== undefined) return configured
  const found = parent?.gateways[family]
  // The parent's router is not on the VLAN.
  if (found === undefined || vlanId !== undefined) return undefined
  const isOnLink = network.families[family]?.network.contains(found) === true
  return isOnLink || isLinkLocalRouter(found) ? found : undefined
}

export function isLinkLocalRouter(address: IpAddress): boolean {
  return address.family === 'v6' && address.isLinkLocal
}
