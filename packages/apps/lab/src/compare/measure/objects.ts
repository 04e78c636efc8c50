import type { Place } from '@trilane/testbed'
import type { ObjectCounts } from '../report.ts'

/** What lasts in a place's kernel, counted as `ip` and `bridge` list it. What the kernel learns by itself is not counted. */
export async function countObjects(place: Place): Promise<ObjectCounts> {
  const [links, addresses, ...lists] = await Promise.all([
    list(place, ['ip', '-j', 'link']),
    list(place, ['ip', '-j', 'address']),
    list(place, ['ip', '-j', '-4', 'route']),
    list(place, ['ip', '-j', '-6', 'route']),
    list(place, ['ip', '-j', 'neighbour', 'show', 'nud', 'permanent']),
    list(place, ['bridge', '-j', 'fdb', 'show'])
  ])
  const [routes = [], moreRoutes = [], neighbours = [], fdb = []] = lists
  const addressesOf = (link: unknown): number =>
    (link as { readonly addr_info?: readonly unknown[] }).addr_info?.length ?? 0
  return {
    links: links.length,
    addresses: addresses.reduce<number>((sum, link) => sum + addressesOf(link), 0),
    routes: routes.length + moreRoutes.length,
    neighbours: neighbours.length,
    fdb: fdb.filter((entry) => (entry as { readonly state?: string }).state === 'permanent').length
  }
}

export function differenceOf(after: ObjectCounts, before: ObjectCounts): ObjectCounts {
  return {
    links: after.links - before.links,
    addresses: after.addresses - before.addresses,
    routes: after.routes - before.routes,
    neighbours: after.neighbours - before.neighbours,
    fdb: after.fdb - before.fdb
  }
}

async function list(place: Place, argv: readonly string[]): Promise<readonly unknown[]> {
  const { stdout } = await place.run(argv)
  return JSON.parse(stdout.trim() === '' ? '[]' : stdout) as unknown[]
}
