import { type CniIp, type CniResult, NO_DNS } from '@trilane/cni'
import type { AttachmentRecord, PodLinkSpec, PodRoute } from '@trilane/contracts'
import { type IpAddress, valuesOf } from '@trilane/ip'
import { gatewayFor, podRoutes } from '@trilane/pod-link'
import { cniRoutes } from './cni-routes.ts'

/** What ADD answers another plugin that asked for addresses: no interfaces, which are that plugin's. */
export function addressesResult(
  { addresses }: Pick<AttachmentRecord, 'addresses'>,
  spec: PodLinkSpec
): CniResult {
  const held = valuesOf(addresses)
  const ips = held.flatMap((address): CniIp[] => {
    const onLink = spec.families[address.family]?.onLink
    if (onLink === undefined) return []
    const gateway = gatewayFor(spec, address.family)
    return [{ address, prefixLength: onLink.length, ...(gateway === undefined ? {} : { gateway }) }]
  })
  return { interfaces: [], ips, routes: cniRoutes(routesFor(spec, held)), dns: NO_DNS }
}

function routesFor(spec: PodLinkSpec, addresses: readonly IpAddress[]): readonly PodRoute[] {
  if (spec.type === 'child') return addresses.flatMap(({ family }) => spec.families[family]?.routes ?? [])
  return podRoutes(addresses.flatMap(({ family }) => spec.families[family] ?? []))
}
