import { type CniResult, NO_DNS } from '@trilane/cni'
import type { AttachmentRecord, PodLinkSpec } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { podRoutes } from '@trilane/pod-link'
import { cniRoutes } from './cni-routes.ts'

/** What ADD answers another plugin that asked for addresses: no interfaces, which are that plugin's. */
export function addressesResult(
  { addresses }: Pick<AttachmentRecord, 'addresses'>,
  { families }: PodLinkSpec
): CniResult {
  const addressed = valuesOf(addresses).flatMap((address) => {
    const podNetwork = families[address.family]
    return podNetwork === undefined ? [] : [{ address, podNetwork }]
  })
  return {
    interfaces: [],
    ips: addressed.map(({ address, podNetwork: { onLink, gateway } }) => ({
      address,
      prefixLength: onLink.length,
      gateway
    })),
    routes: cniRoutes(podRoutes(addressed.map(({ podNetwork }) => podNetwork))),
    dns: NO_DNS
  }
}
