import type { FirewallNetwork } from '@trilane/contracts'
import type { Family, Prefix } from '@trilane/ip'

/** A network in one family: the whole, and this node's part. */
export interface Served {
  readonly network: Prefix
  readonly subnet: Prefix
}

/** Those of the networks that this node has a part of in the family. */
export function servedIn(family: Family, networks: readonly FirewallNetwork[]): Served[] {
  return networks.flatMap(({ network, subnet }) => {
    const [whole, part] = [network[family], subnet[family]]
    return whole === undefined || part === undefined ? [] : [{ network: whole, subnet: part }]
  })
}
