import type { ChainPlace, FirewallTable, ForwardAccept } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import type { SuiteTest } from '../suite.ts'
import type { FirewallFixture, ForeignChain } from './fixture.ts'

export type FirewallTest = SuiteTest<FirewallFixture>

export function test(name: string, run: FirewallTest['run']): FirewallTest {
  return { name, run }
}

const N4 = Prefix.parse('10.5.0.0/16')
const N6 = Prefix.parse('fd00:5::/48')
const HOST = Prefix.parse('10.9.0.1/32')

/** A table as Trilane has them, with what differs between families and kinds of sets. */
export const TABLE: FirewallTable = {
  sets: [
    { name: 'pairs', family: 'v4', elements: [[Prefix.parse('10.5.66.0/24'), N4]] },
    { name: 'networks', family: 'v4', elements: [[N4], [HOST], [Prefix.parse('10.4.0.0/17')]] },
    { name: 'networks6', family: 'v6', elements: [[N6], [Prefix.parse('ff00::/8')]] }
  ],
  lookups: [
    {
      kind: 'map',
      name: 'ports',
      type: 'inet_proto . inet_service : ipv4_addr . inet_service',
      elements: ['6 . 8080 : 10.5.66.2 . 80', '17 . 8080 : 10.5.66.2 . 53', '132 . 80 : 10.5.66.3 . 80']
    },
    {
      kind: 'map',
      name: 'ports6_at',
      type: 'ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service',
      elements: ['2001:db8::1 . 6 . 8080 : fd00:5::2 . 80']
    },
    {
      kind: 'set',
      name: 'ends',
      type: 'ipv4_addr . inet_proto . inet_service',
      elements: ['10.5.66.2 . 6 . 80', '10.5.66.2 . 17 . 53']
    }
  ],
  chains: [
    {
      name: 'incoming',
      hook: 'type nat hook prerouting priority dstnat; policy accept;',
      rules: [
        'meta nfproto ipv4 fib daddr type local dnat ip to meta l4proto . th dport map @ports',
        'ip6 daddr != ::1 fib daddr type local dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6_at'
      ]
    },
    {
      name: 'own',
      hook: 'type nat hook output priority -100; policy accept;',
      rules: ['ct status dnat ip saddr @networks ip daddr . meta l4proto . th dport @ends return']
    },
    {
      name: 'wire',
      hook: 'type filter hook prerouting priority raw; policy accept;',
      rules: ['iifname "cni0" ip daddr 127.0.0.0/8 drop comment "guard"']
    },
    {
      name: 'postrouting',
      hook: 'type nat hook postrouting priority srcnat + 10; policy accept;',
      rules: [
        'meta mark & 0x00004000 == 0x00004000 return comment "marked"',
        'ip saddr . ip daddr @pairs return',
        'ip saddr @networks ip daddr != @networks masquerade fully-random',
        'ip6 saddr @networks6 masquerade'
      ]
    },
    {
      name: 'forward',
      hook: 'type filter hook forward priority filter; policy accept;',
      rules: ['ip saddr @networks accept', 'ip6 daddr @networks6 accept']
    }
  ]
}

/** {@link TABLE} with other rules in its chain `postrouting`. */
export function withRules(change: (rules: readonly string[]) => readonly string[]): FirewallTable {
  const chains = TABLE.chains.map((chain) =>
    chain.name === 'postrouting' ? { ...chain, rules: change(chain.rules) } : chain
  )
  return { ...TABLE, chains }
}

/** {@link TABLE} with other elements in its maps and sets of single values. */
export function withLookups(change: (elements: readonly string[]) => readonly string[]): FirewallTable {
  const lookups = (TABLE.lookups ?? []).map((each) => ({ ...each, elements: change(each.elements) }))
  return { ...TABLE, lookups }
}

export const ACCEPTS: Readonly<Record<ChainPlace['family'], readonly ForwardAccept[]>> = {
  ip: both(N4),
  ip6: both(N6),
  inet: [...both(N4), ...both(N6)]
}

function both(prefix: Prefix): ForwardAccept[] {
  return [
    { direction: 'from', prefix },
    { direction: 'to', prefix }
  ]
}

/** Chains at the hook forward as they are met: iptables-nft's, an administrator's, the old iptables'. */
export const PLACES: readonly ChainPlace[] = [
  { tool: 'nft', family: 'ip', table: 'filter', chain: 'FORWARD' },
  { tool: 'nft', family: 'ip6', table: 'filter', chain: 'FORWARD' },
  { tool: 'nft', family: 'inet', table: 'site', chain: 'through' },
  { tool: 'legacy', family: 'ip', table: 'filter', chain: 'FORWARD' },
  { tool: 'legacy', family: 'ip6', table: 'filter', chain: 'FORWARD' }
]

export function dropping(place: ChainPlace, more: Partial<ForeignChain> = {}): ForeignChain {
  return { ...place, policy: 'drop', ...more }
}

export function wordsOf({ tool, family, table, chain }: ChainPlace): string {
  return `${tool} ${family} ${table} ${chain}`
}
