import type { PluggedLink, PodLinkSpec, PodNetwork, PodRoute } from '@trilane/contracts'
import { type Family, type IpAddress, Prefix, valuesOf } from '@trilane/ip'

const DEFAULT_ROUTE: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('0.0.0.0/0'),
  v6: Prefix.parse('::/0')
}

export function defaultRoute(gateway: IpAddress): PodRoute {
  return { destination: DEFAULT_ROUTE[gateway.family], gateway }
}

/**
 * What a pod behind a bridge needs: a default route, and one to all pods of the network. With two networks on one pod
 * only the first has the default route, and the other one's pods are reached by the second route.
 */
export function podRoutes(families: readonly PodNetwork[]): readonly PodRoute[] {
  return [
    ...families.map(({ gateway }) => defaultRoute(gateway)),
    ...families.flatMap(({ network, gateway }) =>
      network === undefined ? [] : [{ destination: network, gateway }]
    )
  ]
}

/** The router of a pod's default route, if it gets one. */
export function gatewayFor({ families }: PodLinkSpec, family: Family): IpAddress | undefined {
  const network = families[family]
  if (network === undefined) return undefined
  if ('gateway' in network) return network.gateway
  return network.routes.find(({ destination }) => destination.length === 0)?.gateway
}

/** The routes that a pod interface was plugged in with. */
export function routesOf({ given, routes, addresses }: PluggedLink): readonly PodRoute[] {
  return (
    given?.routes ??
    routes ??
    valuesOf(addresses).flatMap(({ gateway }) => (gateway === undefined ? [] : [defaultRoute(gateway)]))
  )
}
