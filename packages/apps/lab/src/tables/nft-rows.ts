import { IpAddress, Prefix } from '@trilane/ip'
import type { FilterRow } from '@trilane/packet-way'

/** `nft -j list ruleset`. */
export interface RulesetJson {
  readonly nftables?: readonly {
    readonly chain?: ChainJson
    readonly rule?: RuleJson
    readonly set?: SetJson
  }[]
}

interface Named {
  readonly family: string
  readonly table: string
}

interface ChainJson extends Named {
  readonly name: string
  readonly hook?: string
  readonly policy?: string
}

interface RuleJson extends Named {
  readonly chain: string
  readonly expr?: readonly ExpressionJson[]
}

interface SetJson extends Named {
  readonly name: string
  readonly elem?: readonly unknown[]
}

interface ExpressionJson {
  readonly match?: { readonly op: string; readonly left: unknown; readonly right: unknown }
  readonly accept?: null
  readonly drop?: null
  readonly reject?: unknown
  readonly counter?: unknown
}

type Matches = Partial<FilterRow>

/**
 * Rules of filter chains that say by addresses, devices, protocol or port that a packet is let through or dropped, and the
 * policies of their chains. A rule with any other condition, and a chain that is jumped to, is not understood, and left out.
 */
export function filterRows({ nftables = [] }: RulesetJson): FilterRow[] {
  const sets = new Map(
    nftables.flatMap(({ set }) => (set === undefined ? [] : [[keyOf(set, set.name), set]]))
  )
  return nftables
    .flatMap(({ chain }) => (chain === undefined ? [] : [chain]))
    .flatMap((chain) => {
      const hook = hookOf(chain)
      if (hook === undefined) return []
      const name = keyOf(chain, chain.name)
      const rules = nftables.flatMap(({ rule }) =>
        rule !== undefined && keyOf(rule, rule.chain) === name ? [rule] : []
      )
      const rows = rules.flatMap((rule) => rowsOf(rule, hook, name, sets))
      const policy = { chain: name, hook, verdict: 'drop', text: `chain ${name}: policy drop` } as const
      return chain.policy === 'drop' ? [...rows, policy] : rows
    })
}

function keyOf({ family, table }: Named, name: string): string {
  return `${family} ${table} ${name}`
}

function hookOf({ family, hook }: ChainJson): FilterRow['hook'] | undefined {
  if (family === 'bridge') return hook === 'forward' ? 'bridge' : undefined
  if (!['inet', 'ip', 'ip6'].includes(family)) return undefined
  return hook === 'forward' || hook === 'input' || hook === 'output' ? hook : undefined
}

function rowsOf(
  { family, expr = [] }: RuleJson,
  hook: FilterRow['hook'],
  chain: string,
  sets: ReadonlyMap<string, SetJson>
): FilterRow[] {
  let rows: Matches[] = [family === 'ip' ? { family: 'v4' } : family === 'ip6' ? { family: 'v6' } : {}]
  let verdict: FilterRow['verdict'] | undefined
  const words: string[] = []
  for (const expression of expr) {
    if (expression.match !== undefined) {
      const { op, left, right } = expression.match
      const alternatives =
        op === '=='
          ? matchesOf(left, right, (name) => sets.get(`${chain.split(' ', 2).join(' ')} ${name}`))
          : []
      if (alternatives.length === 0) return []
      rows = rows.flatMap((row) => alternatives.map((more) => ({ ...row, ...more })))
      words.push(matchText(left, right))
    } else if ('accept' in expression) verdict = 'accept'
    else if ('drop' in expression || 'reject' in expression) verdict = 'drop'
    else if (!('counter' in expression)) return []
  }
  if (verdict === undefined) return []
  const text = `chain ${chain}: ${[...words, verdict].join(' ')}`
  return rows.map((row) => ({ ...row, hook, chain, verdict: verdict ?? 'accept', text }))
}

/** What a match allows: one row for each alternative; none when it is not understood. */
function matchesOf(left: unknown, right: unknown, setOf: (name: string) => SetJson | undefined): Matches[] {
  const key = leftKey(left)
  const values =
    typeof right === 'string' && right.startsWith('@') ? setOf(right.slice(1))?.elem : listOf(right)
  return (values ?? []).flatMap((value): Matches[] => {
    switch (key) {
      case 'meta iifname':
      case 'meta iif':
        return typeof value === 'string' ? [{ iif: value }] : []
      case 'meta oifname':
      case 'meta oif':
        return typeof value === 'string' ? [{ oif: value }] : []
      case 'meta l4proto':
      case 'ip protocol':
      case 'ip6 nexthdr':
        return typeof value === 'string' ? [{ protocol: value.replace('ipv6-icmp', 'icmpv6') }] : []
      case 'ip saddr':
      case 'ip6 saddr':
        return prefixes(value).map((from) => ({ from }))
      case 'ip daddr':
      case 'ip6 daddr':
        return prefixes(value).map((to) => ({ to }))
      case 'udp dport':
      case 'tcp dport':
        return typeof value === 'number' ? [{ protocol: key.slice(0, 3), destinationPort: value }] : []
      default:
        return []
    }
  })
}

function leftKey(left: unknown): string {
  const { meta, payload } = left as {
    readonly meta?: { readonly key: string }
    readonly payload?: { readonly protocol?: string; readonly field?: string }
  }
  return meta === undefined ? `${payload?.protocol} ${payload?.field}` : `meta ${meta.key}`
}

function listOf(right: unknown): readonly unknown[] {
  const { set } = (typeof right === 'object' && right !== null ? right : {}) as { readonly set?: unknown }
  return Array.isArray(set) ? set : [right]
}

function prefixes(value: unknown): Prefix[] {
  if (typeof value === 'string') {
    const address = IpAddress.tryParse(value)
    return address === undefined ? [] : [Prefix.host(address)]
  }
  const { prefix } = value as { readonly prefix?: { readonly addr: string; readonly len: number } }
  return prefix === undefined ? [] : [Prefix.parse(`${prefix.addr}/${prefix.len}`)]
}

function matchText(left: unknown, right: unknown): string {
  const value = typeof right === 'string' || typeof right === 'number' ? `${right}` : JSON.stringify(right)
  return `${leftKey(left).replace(/^meta /, '')} ${value}`
}
