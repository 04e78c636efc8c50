import type { NodeConfig } from '@trilane/config'
import type { FirewallWish, Lease, NetworkConfig, PublishedPort } from '@trilane/contracts'
import { mapFamilies } from '@trilane/ip'

/** The settings that the firewall depends on. */
export type FirewallSettings = Pick<
  NodeConfig,
  'ipMasq' | 'ipMasqFullyRandomDisable' | 'iptablesForwardRules' | 'nonMasqueradeCidrs'
>

/** What the node's firewall shall do for the networks that it has a lease in. */
export function firewallWish(
  settings: FirewallSettings,
  networks: readonly { readonly network: NetworkConfig; readonly lease: Lease }[],
  hostPorts: readonly PublishedPort[] = []
): FirewallWish {
  return {
    networks: networks.map(({ network, lease }) => ({
      name: network.name,
      network: mapFamilies(network.families, (family) => family.network),
      subnet: lease.subnets,
      masquerade: settings.ipMasq,
      forwardAccept: settings.iptablesForwardRules
    })),
    keepSourceTo: settings.nonMasqueradeCidrs,
    fullyRandom: !settings.ipMasqFullyRandomDisable,
    hostPorts
  }
}
