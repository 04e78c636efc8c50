import type { NodeFacts, Sysctl } from '@trilane/contracts'

/**
 * A device that whoever is behind it cannot make a way out of this node by (CVE-2020-10749). Also where the network
 * has no IPv6: the node may, and then the device takes advertisements from the start.
 */
export function refuseAdvertisements({ network, kernelHasIpv6 }: NodeFacts, device: string): Sysctl[] {
  if (network.families.v6 === undefined && kernelHasIpv6 !== true) return []
  return [{ key: `net/ipv6/conf/${device}/accept_ra`, value: '0' }]
}
