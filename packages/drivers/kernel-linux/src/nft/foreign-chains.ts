import {
  type ChainPlace,
  FIREWALL_COMMENT,
  FIREWALL_TABLE,
  type FlannelLeftover,
  type ForwardAccept,
  type ForwardChain
} from '@trilane/contracts'
import type { ListedChain } from './nfnetlink.ts'
import {
  acceptExpression,
  acceptIn,
  isOurs,
  jumpsTo,
  letsThrough,
  type RuleJson,
  refusesAll
} from './rules.ts'

/** Where Docker leaves room for rules of others: it comes first in FORWARD, and Docker never flushes it. */
const DOCKER_USER = 'DOCKER-USER'

/** Lists the rules of a chain, or of a whole table; nothing when it is gone. */
export type ListRules = (what: Omit<ChainPlace, 'tool' | 'chain'> & { chain?: string }) => Promise<RuleJson[]>

/** One that others have at the hook forward, from the list of all chains. */
export async function readForwardChain(
  { family, table, chain, forwardPolicy = 'accept' }: ListedChain,
  all: readonly ListedChain[],
  list: ListRules
): Promise<ForwardChain> {
  const rules = await list({ family, table, chain })
  const jump = rules.findIndex((rule) => jumpsTo(rule, DOCKER_USER))
  const exists = all.some((each) => sameTable(each, { family, table }) && each.chain === DOCKER_USER)
  const entry = jump >= 0 && exists ? DOCKER_USER : chain
  const entryRules = entry === chain ? [] : await list({ family, table, chain: entry })
  const ours = [...entryRules, ...rules].filter(isOurs)
  const firstOurs = entryRules.some(isOurs) ? jump : rules.findIndex(isOurs)
  const refusal = (firstOurs < 0 ? rules : rules.slice(0, firstOurs)).find(refusesAll)
  const place = { tool: 'nft', family, table, chain, policy: forwardPolicy, entry } as const
  const accepts = ours.map(acceptIn)
  if (refusal === undefined) return { ...place, accepts, letsThrough: [] }
  const through = (await list({ family, table })).filter((rule) => !isOurs(rule)).flatMap(letsThrough)
  return { ...place, accepts, refusal: wordsOf(refusal), letsThrough: through }
}

/** Those at the hook forward that are neither ours nor flannel's to be removed. */
export function foreignForwardChains(chains: readonly ListedChain[]): ListedChain[] {
  return chains.filter(
    ({ family, table, forwardPolicy }) =>
      forwardPolicy !== undefined &&
      `${family} ${table}` !== `inet ${FIREWALL_TABLE}` &&
      !FLANNEL_TABLES.includes(`${family} ${table}`)
  )
}

/** Commands, in libnftables' JSON, that leave exactly these accepts of ours in the chain, at the head of its entry. */
export function acceptCommands(
  { family, table, entry }: ForwardChain,
  accepts: readonly ForwardAccept[],
  rules: readonly RuleJson[]
): object[] {
  const removals = rules.filter(isOurs).map(({ chain, handle }) => ({
    delete: { rule: { family, table, chain, handle } }
  }))
  // Each goes to the head, so the last comes first.
  const insertions = accepts.toReversed().map((accept) => ({
    insert: {
      rule: { family, table, chain: entry, expr: acceptExpression(accept), comment: FIREWALL_COMMENT }
    }
  }))
  return [...removals, ...insertions]
}

/** Of flanneld's nftables mode. */
const FLANNEL_TABLES = ['ip flannel-ipv4', 'ip6 flannel-ipv6']
/** Of its iptables mode, by the table they are in. */
export const FLANNEL_CHAINS: Readonly<Record<string, string>> = {
  nat: 'FLANNEL-POSTRTG',
  filter: 'FLANNEL-FWD'
}

export function flannelLeftovers(chains: readonly ListedChain[]): FlannelLeftover[] {
  const tables = new Set<string>()
  return chains.flatMap(({ family, table, chain }): FlannelLeftover[] => {
    const name = `${family} ${table}`
    if (FLANNEL_TABLES.includes(name) && !tables.has(name)) {
      tables.add(name)
      return [{ tool: 'nft', family, table }]
    }
    return FLANNEL_CHAINS[table] === chain ? [{ tool: 'nft', family, table, chain }] : []
  })
}

/** Commands that remove a leftover. A chain goes after whatever jumps to it, which is looked for in all of its table. */
export function removalCommands(
  { family, table, chain }: FlannelLeftover,
  rulesOfTable: readonly RuleJson[]
): object[] {
  if (chain === undefined) return [{ delete: { table: { family, name: table } } }]
  const jumps = rulesOfTable.filter((rule) => jumpsTo(rule, chain))
  return [
    ...jumps.map((rule) => ({ delete: { rule: { family, table, chain: rule.chain, handle: rule.handle } } })),
    { flush: { chain: { family, table, name: chain } } },
    { delete: { chain: { family, table, name: chain } } }
  ]
}

function sameTable(a: { family: string; table: string }, b: { family: string; table: string }): boolean {
  return a.family === b.family && a.table === b.table
}

/** Near enough to what nft prints for somebody to find the rule. */
function wordsOf({ expr }: RuleJson): string {
  return expr.flatMap((statement) => Object.keys(statement)).join(' ')
}
