import { type CniResult, NO_DNS } from '@trilane/cni'
import type { AttachmentRecord, PodLinkSpec } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { routesFor } from './pod-routes.ts'

/** What ADD answers another plugin that asked for addresses: no interfaces, which are that plugin's. */
export function addressesResult(
  { addresses }: Pick<AttachmentRecord, 'addresses'>,
  spec: PodLinkSpec
): CniResult {
  const addressed = valuesOf(addresses).flatMap((address) => {
    const onLink = spec.families[address.family]?.onLink
    if (onLink === undefined) return []
    const routes = routesFor(spec, address.family)
    const gateway = routes.find(({ destination }) => destination.length === 0)?.gateway
    return [
      { routes, ip: { address, prefixLength: onLink.length, ...(gateway === undefined ? {} : { gateway }) } }
    ]
  })
  return {
    interfaces: [],
    ips: addressed.map(({ ip }) => ip),
    routes: addressed.flatMap(({ routes }) => routes),
    dns: NO_DNS
  }
}
