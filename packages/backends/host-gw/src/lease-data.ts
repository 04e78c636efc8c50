import { type NodeFacts, TrilaneError } from '@trilane/contracts'
import { type Family, familiesOf, type PerFamily } from '@trilane/ip'
import { uplinkAddress } from '@trilane/node-addresses'

/** flannel's flags, by which an address that is not the uplink's gets into the facts. */
const FLAG: Readonly<Record<Family, string>> = { v4: '--public-ip', v6: '--public-ipv6' }

/**
 * host-gw publishes nothing but the public addresses, which every lease has: flannel's leases of this type have no
 * `BackendData` either.
 *
 * But those addresses must be the uplink's own: peers use them as the next hop on their link, so an address that
 * lives behind a NAT would draw their packets to nobody. flannel refuses the same.
 *
 * @throws TrilaneError `TRI_UPLINK_NOT_FOUND` when the uplink lacks a family of the network, `TRI_CONFIG_INVALID`
 *   when the public address is another than the uplink's
 */
export function leaseData(node: NodeFacts): PerFamily<never> {
  const { uplink, network } = node
  for (const family of familiesOf(network.families)) {
    const own = uplinkAddress(node, family)
    const published = node.publicAddresses[family] ?? own
    if (own.equals(published)) continue
    const allowed = `host-gw peers hand packets straight to ${uplink.name}, so it must be ${own}`
    throw TrilaneError.of('TRI_CONFIG_INVALID', { path: FLAG[family], value: published, allowed })
  }
  return {}
}
