import type { Place, Switch } from '@trilane/testbed'
import { addressTexts, type NodePlan } from './plan.ts'
import { macOf } from './segment.ts'
import type { Topology } from './topology.ts'

/** A node and where it is plugged in; the port has the place's name. */
interface PluggedNode {
  readonly plan: Pick<NodePlan, 'addresses'>
  readonly place: Place
}

/** Makes the switch's ports that lead to nodes as strict as the topology says: `nft list table bridge ports`. */
export async function limitPorts(
  segment: Switch,
  topology: Topology,
  nodes: readonly PluggedNode[]
): Promise<void> {
  const rules: string[] = []
  for (const { place, plan } of nodes) {
    if (topology === 'one-mac-port') rules.push(...oneMacRules(place.name, await macOf(place)))
    if (topology === 'anti-spoof') rules.push(...ownAddressRules(place.name, addressTexts(plan)))
  }
  if (rules.length === 0) return
  // Before the bridge learns anything of a frame.
  const chain = 'add chain bridge ports limits { type filter hook prerouting priority -300; }'
  const lines = [
    'add table bridge ports',
    chain,
    ...rules.map((rule) => `add rule bridge ports limits ${rule}`)
  ]
  await segment.run(['nft', '-f', '-'], { input: `${lines.join('\n')}\n` })
}

/** Port security. */
export function oneMacRules(port: string, mac: string): string[] {
  return [`iifname "${port}" ether saddr != ${mac} drop`]
}

/**
 * Source guard and ARP inspection. What says no address, or one that only a link knows, passes: duplicate address detection,
 * DHCP, neighbour discovery.
 */
export function ownAddressRules(port: string, addresses: readonly string[]): string[] {
  const v4 = ['0.0.0.0', ...addresses.filter((address) => !address.includes(':'))].join(', ')
  const v6 = ['::', 'fe80::/10', ...addresses.filter((address) => address.includes(':'))].join(', ')
  return [
    `iifname "${port}" ip saddr != { ${v4} } drop`,
    `iifname "${port}" arp saddr ip != { ${v4} } drop`,
    `iifname "${port}" ip6 saddr != { ${v6} } drop`
  ]
}
