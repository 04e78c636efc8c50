import { type FirewallSet, NFT_PROTOCOL } from '@trilane/contracts'
import type { Family, Prefix } from '@trilane/ip'

/** `pods_ip`, `pods_ip6` */
export function setName(name: string, family: Family): string {
  return `${name}_${NFT_PROTOCOL[family]}`
}

export function setOf(name: string, family: Family, prefixes: readonly Prefix[]): FirewallSet {
  return { name: setName(name, family), family, elements: prefixes.map((prefix) => [prefix]) }
}
