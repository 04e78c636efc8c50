import { type CniRoute, scopeNumber } from '@trilane/cni'
import type { PodRoute } from '@trilane/contracts'

/** A pod's routes as a result has them. */
export function cniRoutes(routes: readonly PodRoute[]): readonly CniRoute[] {
  return routes.map(({ metric, scope, ...route }) => ({
    ...route,
    ...(metric === undefined ? {} : { priority: metric }),
    ...(scope === undefined ? {} : { scope: scopeNumber(scope) })
  }))
}
