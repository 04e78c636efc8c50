import {
  type FirewallChain,
  type FirewallLookup,
  type FirewallTable,
  type FirewallWish,
  type HostPortProtocol,
  NFT_PROTOCOL,
  type PublishedPort
} from '@trilane/contracts'
import { FAMILIES, type Family, Prefix } from '@trilane/ip'
import { disjoint } from './prefix-sets.ts'
import { servedIn } from './served.ts'
import { setName, setOf } from './sets.ts'

const HOOKS = {
  incoming: 'type nat hook prerouting priority dstnat; policy accept;',
  // `dstnat`, which old versions of nft know at prerouting alone.
  own: 'type nat hook output priority -100; policy accept;',
  // Before our own masquerade and before others': the first to translate a connection has it.
  source: 'type nat hook postrouting priority srcnat; policy accept;',
  // Before conntrack: what is on the wire, not what it becomes.
  guard: 'type filter hook prerouting priority raw; policy accept;'
} as const

/** `IPPROTO_…` */
const NUMBERS: Readonly<Record<HostPortProtocol, number>> = { tcp: 6, udp: 17, sctp: 132 }

const LOOPBACK = Prefix.parse('127.0.0.0/8')

/** Linux routes nothing from ::1 to another device, so that what asks there must reach the node itself. */
const NODE_ITSELF: Readonly<Record<Family, string>> = { v4: 'meta nfproto ipv4', v6: 'ip6 daddr != ::1' }

/**
 * The maps of host ports with the chains that look them up; empty when there is none. How many rules there are depends on
 * the families, and on whether any port is for one address alone.
 *
 * A pod that comes by the node's address to a pod beside it, or to itself, is masqueraded: the answer would go straight
 * to it, from an address that it has not asked. So is what the node asks by 127.0.0.1. Anybody else is seen as who he is.
 */
export function hostPortsPart(wish: FirewallWish): FirewallTable {
  const parts = FAMILIES.flatMap((family) => {
    const ports = (wish.hostPorts ?? []).filter(({ podAddress }) => podAddress.family === family)
    return ports.length === 0 ? [] : [partOf(family, ports, wish)]
  })
  const guard = guardOf(wish)
  if (parts.length === 0) return { sets: [], chains: guard }
  const incoming = parts.flatMap(({ destination }) => destination)
  return {
    sets: parts.map(({ sources }) => sources),
    lookups: parts.flatMap(({ lookups }) => lookups),
    chains: [
      { name: 'hostports', hook: HOOKS.incoming, rules: incoming },
      { name: 'hostports_own', hook: HOOKS.own, rules: incoming },
      { name: 'hostports_source', hook: HOOKS.source, rules: parts.map(({ source }) => source) },
      ...guard
    ]
  }
}

function partOf(family: Family, ports: readonly PublishedPort[], wish: FirewallWish) {
  const ip = NFT_PROTOCOL[family]
  const address = `${ip === 'ip' ? 'ipv4' : 'ipv6'}_addr`
  const port = 'inet_proto . inet_service'
  const at = (name: string): string => `@${setName(name, family)}`
  const anywhere = ports.filter(({ hostAddress }) => hostAddress === undefined)
  const somewhere = ports.filter(({ hostAddress }) => hostAddress !== undefined)
  const map = (name: string, key: string, among: readonly PublishedPort[]): FirewallLookup[] =>
    among.length === 0
      ? []
      : [
          {
            kind: 'map',
            name: setName(name, family),
            type: `${key} : ${address} . inet_service`,
            elements: among.map(elementOf)
          }
        ]
  const ends = ports.map(
    ({ podAddress, protocol, podPort }) => `${podAddress} . ${NUMBERS[protocol]} . ${podPort}`
  )
  const dnat = `${NODE_ITSELF[family]} fib daddr type local dnat ${ip} to`
  const pods = servedIn(family, wish.networks).map(({ subnet }) => subnet)
  return {
    sources: setOf('hostport_sources', family, disjoint(family === 'v4' ? [LOOPBACK, ...pods] : pods)),
    lookups: [
      ...map('hostports_at', `${address} . ${port}`, somewhere),
      ...map('hostports', port, anywhere),
      {
        kind: 'set',
        name: setName('hostport_pods', family),
        type: `${address} . ${port}`,
        elements: [...new Set(ends)]
      } as const
    ],
    destination: [
      ...(somewhere.length === 0
        ? []
        : [`${dnat} ${ip} daddr . meta l4proto . th dport map ${at('hostports_at')}`]),
      ...(anywhere.length === 0 ? [] : [`${dnat} meta l4proto . th dport map ${at('hostports')}`])
    ],
    source: `ct status dnat ${ip} saddr ${at('hostport_sources')} ${ip} daddr . meta l4proto . th dport ${at('hostport_pods')} masquerade`
  }
}

function elementOf({ hostAddress, protocol, hostPort, podAddress, podPort }: PublishedPort): string {
  const where = hostAddress === undefined ? '' : `${hostAddress} . `
  return `${where}${NUMBERS[protocol]} . ${hostPort} : ${podAddress} . ${podPort}`
}

/** Without it a pod could reach what the node offers to itself alone (CVE-2020-8558). */
function guardOf({ guardedDevices = [] }: FirewallWish): FirewallChain[] {
  if (guardedDevices.length === 0) return []
  const rules = guardedDevices.map(
    (device) => `iifname "${device}" ip daddr ${LOOPBACK} drop comment "the node's own"`
  )
  return [{ name: 'loopback', hook: HOOKS.guard, rules }]
}
