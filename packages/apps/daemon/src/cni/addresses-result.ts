import { type CniResult, NO_DNS } from '@trilane/cni'
import type { AttachmentRecord, PodLinkSpec } from '@trilane/contracts'
import { Prefix, valuesOf } from '@trilane/ip'

const DEFAULT_ROUTES = { v4: Prefix.parse('0.0.0.0/0'), v6: Prefix.parse('::/0') } as const

/** What ADD answers another plugin that asked for addresses: no interfaces, which are that plugin's. */
export function addressesResult(
  { addresses }: Pick<AttachmentRecord, 'addresses'>,
  { families }: PodLinkSpec
): CniResult {
  const addressed = valuesOf(addresses).flatMap((address) => {
    const podNetwork = families[address.family]
    if (podNetwork === undefined) return []
    return [{ address, prefixLength: podNetwork.onLink.length, gateway: podNetwork.gateway }]
  })
  const routes = addressed.map(({ gateway }) => ({ destination: DEFAULT_ROUTES[gateway.family], gateway }))
  return { interfaces: [], ips: addressed, routes, dns: NO_DNS }
}
