import { type Family, IpAddress, Prefix } from '@trilane/ip'
import type { FdbRow, NeighbourRow, RouteRow, RuleRow } from '@trilane/packet-way'
import type { FdbJson, NeighbourJson, RouteJson, RuleJson } from './iproute.ts'

/** Rows of iproute2's JSON as the predictor takes them, each with the text that the same tool prints without `-json`. */

const EVERYTHING: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('0.0.0.0/0'),
  v6: Prefix.parse('::/0')
}

function prefixOf(text: string, family: Family): Prefix {
  if (text === 'default' || text === 'all') return EVERYTHING[family]
  return text.includes('/') ? Prefix.parse(text) : Prefix.host(IpAddress.parse(text))
}

export function routeRow(route: RouteJson, family: Family): RouteRow {
  const hop = route.nexthops?.[0] ?? route
  const gateway = hop.gateway ?? hop.via?.host
  const mtuBytes = route.metrics?.find(({ mtu }) => mtu !== undefined)?.mtu
  const flags = hop.flags ?? route.flags ?? []
  return {
    table: route.table ?? 'main',
    type: route.type ?? 'unicast',
    prefix: prefixOf(route.dst, family),
    ...(hop.dev === undefined ? {} : { device: hop.dev }),
    ...(gateway === undefined ? {} : { gateway: IpAddress.parse(gateway) }),
    ...(route.prefsrc === undefined ? {} : { source: IpAddress.parse(route.prefsrc) }),
    metric: route.metric ?? 0,
    ...(mtuBytes === undefined ? {} : { mtuBytes }),
    isDead: flags.includes('dead'),
    text: routeText(route, gateway, hop.dev, flags, mtuBytes)
  }
}

function routeText(
  route: RouteJson,
  gateway: string | undefined,
  device: string | undefined,
  flags: readonly string[],
  mtuBytes: number | undefined
): string {
  const {
    type = 'unicast',
    dst,
    table = 'main',
    protocol = 'boot',
    scope = 'global',
    prefsrc,
    metric
  } = route
  return [
    ...(type === 'unicast' ? [] : [type]),
    dst,
    ...(gateway === undefined ? [] : ['via', gateway]),
    ...(device === undefined ? [] : ['dev', device]),
    // `ip route get` leaves it out.
    ...(table === 'main' || table === 'local' ? [] : ['table', table]),
    ...(protocol === 'boot' ? [] : ['proto', protocol]),
    ...(scope === 'global' ? [] : ['scope', scope]),
    ...(prefsrc === undefined ? [] : ['src', prefsrc]),
    ...(metric === undefined ? [] : ['metric', `${metric}`]),
    ...(mtuBytes === undefined ? [] : ['mtu', `${mtuBytes}`]),
    ...flags,
    ...(route.pref === undefined ? [] : ['pref', route.pref])
  ].join(' ')
}

/** What else a rule may ask for is in fields of its own; `priority`, `table` and `protocol` ask for nothing. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  'priority',
  'src',
  'srclen',
  'dst',
  'dstlen',
  'iif',
  'table',
  'protocol'
] satisfies (keyof RuleJson | 'protocol')[])

export function ruleRow(rule: RuleJson, family: Family): RuleRow {
  const { priority, src = 'all', srclen, dst = 'all', dstlen, iif, table } = rule
  const network = (text: string, length: number | undefined): string =>
    length === undefined || text === 'all' ? text : `${text}/${length}`
  const from = network(src, srclen)
  const to = network(dst, dstlen)
  const words = [
    `${priority}: from ${from}`,
    ...(to === 'all' ? [] : [`to ${to}`]),
    ...(iif === undefined ? [] : [`iif ${iif}`]),
    ...(table === undefined ? [] : [`lookup ${table}`])
  ]
  return {
    family,
    table: table ?? '',
    ...(from === 'all' ? {} : { from: prefixOf(from, family) }),
    ...(to === 'all' ? {} : { to: prefixOf(to, family) }),
    ...(iif === undefined ? {} : { iif }),
    isForeign: table === undefined || Object.keys(rule).some((field) => !UNDERSTOOD.has(field)),
    text: words.join(' ')
  }
}

export function neighbourRow({ dst, dev = '', lladdr, router, state = [] }: NeighbourJson): NeighbourRow {
  const words = [
    `${dst} dev ${dev}`,
    ...(lladdr === undefined ? [] : [`lladdr ${lladdr}`]),
    ...(router === undefined ? [] : ['router']),
    ...state
  ]
  return {
    device: dev,
    address: IpAddress.parse(dst),
    ...(lladdr === undefined ? {} : { mac: lladdr }),
    state: state[0] ?? 'NONE',
    text: words.join(' ')
  }
}

/** Rows of groups of multicast, which every device has, are left out. */
export function fdbRow({
  mac,
  ifname = '',
  dst,
  master,
  flags = [],
  state = ''
}: FdbJson): FdbRow | undefined {
  const remote = dst === undefined ? undefined : IpAddress.tryParse(dst)
  if (remote === undefined && master === undefined) return undefined
  const words = [
    `${mac} dev ${ifname}`,
    ...(dst === undefined ? [] : [`dst ${dst}`]),
    ...(master === undefined ? [] : [`master ${master}`]),
    ...flags,
    ...(state === '' ? [] : [state])
  ]
  return {
    device: ifname,
    mac,
    ...(remote === undefined ? {} : { remote }),
    ...(master === undefined ? {} : { bridge: master }),
    isLocal: master !== undefined && state === 'permanent',
    text: words.join(' ')
  }
}
