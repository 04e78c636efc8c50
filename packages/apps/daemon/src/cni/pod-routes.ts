import type { PluggedLink, PodLinkSpec, PodRoute } from '@trilane/contracts'
import { type Family, type IpAddress, Prefix, valuesOf } from '@trilane/ip'

const DEFAULT_ROUTES = { v4: Prefix.parse('0.0.0.0/0'), v6: Prefix.parse('::/0') } as const

/** What leads out of a pod, for an address of that family. */
export function routesFor({ families }: PodLinkSpec, family: Family): readonly PodRoute[] {
  const network = families[family]
  if (network === undefined) return []
  return 'routes' in network ? network.routes : [defaultRoute(network.gateway)]
}

/** What a pod was given when it was plugged in. */
export function routesOf({
  addresses,
  routes
}: Pick<PluggedLink, 'addresses' | 'routes'>): readonly PodRoute[] {
  if (routes !== undefined) return routes
  return valuesOf(addresses).flatMap(({ gateway }) => (gateway === undefined ? [] : [defaultRoute(gateway)]))
}

function defaultRoute(gateway: IpAddress): PodRoute {
  return { destination: DEFAULT_ROUTES[gateway.family], gateway }
}
