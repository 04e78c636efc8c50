import type { Family, IpAddress } from '@trilane/ip'
import type { TableRow } from './frame.ts'
import type { PlaceTables, RouteRow, RuleRow } from './tables.ts'

/** What the kernel is asked for: the way to an address, for a packet of its own or one that came in by a device. */
export interface RouteQuestion {
  readonly destination: IpAddress
  readonly source?: IpAddress
  readonly iif?: string
}

export interface RouteAnswer {
  readonly route: RouteRow
  /** Rule and route that decide. */
  readonly rows: readonly TableRow[]
}

/** As Linux finds it: rule by rule, in its table the longest prefix, of equal ones the lowest metric. */
export function lookupRoute(place: PlaceTables, question: RouteQuestion): RouteAnswer | undefined {
  for (const rule of place.rules) {
    if (!applies(rule, question)) continue
    const route = bestRoute(place, rule.table, question.destination)
    if (route === undefined || route.type === 'throw') continue
    return { route, rows: rowsOf(rule, route, question) }
  }
  return undefined
}

function applies(rule: RuleRow, { destination, source, iif }: RouteQuestion): boolean {
  return (
    !rule.isForeign &&
    rule.family === destination.family &&
    (rule.to === undefined || rule.to.contains(destination)) &&
    (rule.from === undefined || (source !== undefined && rule.from.contains(source))) &&
    (rule.iif === undefined || rule.iif === iif)
  )
}

function bestRoute(place: PlaceTables, table: string, destination: IpAddress): RouteRow | undefined {
  let best: RouteRow | undefined
  for (const route of place.routes) {
    if (route.table !== table || route.isDead || !route.prefix.contains(destination)) continue
    const longer = best === undefined ? 1 : route.prefix.length - best.prefix.length
    if (best === undefined || longer > 0 || (longer === 0 && route.metric < best.metric)) best = route
  }
  return best
}

function rowsOf(rule: RuleRow, route: RouteRow, question: RouteQuestion): TableRow[] {
  const row: TableRow = { table: 'route', text: route.text, command: routeCommand(question) }
  if (DEFAULT_TABLES.has(rule.table)) return [row]
  return [{ table: 'rule', text: rule.text, command: `ip ${FAMILY[rule.family]}rule` }, row]
}

/** Their rules are everywhere. */
const DEFAULT_TABLES: ReadonlySet<string> = new Set(['local', 'main', 'default'])
const FAMILY: Readonly<Record<Family, string>> = { v4: '', v6: '-6 ' }

export function routeCommand({ destination, source, iif }: RouteQuestion): string {
  const came = iif === undefined || source === undefined ? '' : ` from ${source} iif ${iif}`
  return `ip ${FAMILY[destination.family]}route get ${destination}${came} fibmatch`
}

/** As Linux chooses: what the route says, else an address of its device. */
export function sourceOf(place: PlaceTables, route: RouteRow, { family }: IpAddress): IpAddress | undefined {
  const own = place.addresses.filter(({ address }) => address.family === family && !address.isLinkLocal)
  const onDevice = own.find(({ device }) => device === route.device)
  return route.source ?? (onDevice ?? own[0])?.address
}

/** The packet is the place's own. */
export function isOwn({ type }: RouteRow): boolean {
  return type === 'local' || type === 'anycast'
}
