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
  chains: [
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

/** {@link TABLE} with other rules in its first chain. */
export function withRules(change: (rules: readonly string[]) => readonly string[]): FirewallTable {
  const [first, ...rest] = TABLE.chains
  if (first === undefined) throw new Error('the sample has no chain')
  return { ...TABLE, chains: [{ ...first, rules: change(first.rules) }, ...rest] }
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
