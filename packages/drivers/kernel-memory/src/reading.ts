import { type KernelSnapshot, MAIN_TABLE, type ReadScope, type Route } from '@trilane/contracts'
import { localRoutes } from './lookup.ts'
import type { NetworkNamespace } from './namespace.ts'
import { readSysctl } from './sysctls.ts'

/** What a scope asks for, and nothing else. */
export function readState(here: NetworkNamespace, scope: ReadScope): Partial<KernelSnapshot> {
  const neighboursOf = new Set(scope.neighboursOf)
  const fdbOf = new Set(scope.fdbOf)
  return {
    ...linksIn(here, scope.links),
    ...(scope.addresses === true ? { addresses: here.addresses.map(({ reading }) => reading) } : {}),
    ...(scope.routes === undefined ? {} : { routes: readRoutes(here, scope.routes) }),
    neighbours: [...here.neighbours.values()].flatMap(({ reading }) =>
      neighboursOf.has(reading.device) ? [reading] : []
    ),
    fdb: [...here.fdb.values()].flatMap(({ reading }) => (fdbOf.has(reading.device) ? [reading] : [])),
    sysctls: (scope.sysctls ?? []).flatMap((key) => {
      const value = readSysctl(here, key)
      return value === undefined ? [] : [{ key, value }]
    })
  }
}

function linksIn(here: NetworkNamespace, scope: ReadScope['links']): Partial<KernelSnapshot> {
  if (scope === undefined || scope === false) return {}
  const devices =
    scope === true ? [...here.devices.values()] : scope.flatMap((name) => here.devices.get(name) ?? [])
  return { links: devices.map((device) => device.reading()) }
}

function readRoutes(here: NetworkNamespace, scope: NonNullable<ReadScope['routes']>): Route[] {
  const routes = here.routes.all().map(({ reading }) => reading)
  if (scope === 'all') return [...routes, ...localRoutes(here)]
  if (scope === 'main') return routes.filter((route) => route.table === MAIN_TABLE)
  return routes.filter((route) => route.protocol === scope.protocol)
}
