import { FIREWALL_COMMENT, type ForwardAccept } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'

/** A rule in the JSON of libnftables (libnftables-json(5)), as far as it is looked at. */
export interface RuleJson {
  readonly family: string
  readonly table: string
  readonly chain: string
  readonly handle: number
  readonly comment?: string
  readonly expr: readonly Readonly<Record<string, unknown>>[]
}

/** The rules in the output of `nft -j -a list …`, in order. */
export function rulesIn(output: string): RuleJson[] {
  const listing: { readonly nftables: readonly { readonly rule?: RuleJson }[] } = JSON.parse(output)
  return listing.nftables.flatMap(({ rule }) => rule ?? [])
}

export function isOurs({ comment }: RuleJson): boolean {
  return comment === FIREWALL_COMMENT
}

/** What a rule with our comment accepts; `undefined` if it is not as we write them. */
export function acceptIn({ expr }: RuleJson): ForwardAccept | undefined {
  const [match, counter, accept] = expr
  if (expr.length !== 3 || counter?.counter === undefined || accept?.accept === undefined) return undefined
  return addressMatch(match)
}

/** The same as an expression that {@link acceptIn} reads. */
export function acceptExpression({ direction, prefix }: ForwardAccept): RuleJson['expr'] {
  const protocol = prefix.family === 'v4' ? 'ip' : 'ip6'
  const field = direction === 'from' ? 'saddr' : 'daddr'
  const right = { prefix: { addr: String(prefix.address), len: prefix.length } }
  return [
    { match: { op: '==', left: { payload: { protocol, field } }, right } },
    { counter: { packets: 0, bytes: 0 } },
    { accept: null }
  ]
}

/** Statements beside which a verdict still concerns every packet. */
const SIDE_EFFECTS = ['counter', 'log']

/** Does it drop or reject every packet that comes to it? iptables' REJECT is an extension of its own. */
export function refusesAll({ expr }: RuleJson): boolean {
  const verdicts = expr.filter((statement) => !SIDE_EFFECTS.some((name) => name in statement))
  const [verdict] = verdicts
  if (verdicts.length !== 1 || verdict === undefined) return false
  const target = verdict.xt as { readonly type?: unknown; readonly name?: unknown } | undefined
  return 'drop' in verdict || 'reject' in verdict || (target?.type === 'target' && target.name === 'REJECT')
}

export function jumpsTo({ expr }: RuleJson, chain: string): boolean {
  return expr.some((statement) => targetOf(statement) === chain)
}

/** Sources that the rule accepts or sends to another chain. */
export function letsThrough({ expr }: RuleJson): Prefix[] {
  if (!expr.some((statement) => 'accept' in statement || targetOf(statement) !== undefined)) return []
  return expr.flatMap((statement) => {
    const match = addressMatch(statement)
    return match?.direction === 'from' ? [match.prefix] : []
  })
}

function targetOf(statement: Readonly<Record<string, unknown>>): unknown {
  const jump = (statement.jump ?? statement.goto) as { readonly target?: unknown } | undefined
  return jump?.target
}

interface MatchJson {
  readonly op?: unknown
  readonly left?: { readonly payload?: { readonly protocol?: unknown; readonly field?: unknown } }
  readonly right?: string | { readonly prefix?: { readonly addr: string; readonly len: number } }
}

function addressMatch(statement: Readonly<Record<string, unknown>> | undefined): ForwardAccept | undefined {
  const { op, left, right } = (statement?.match ?? {}) as MatchJson
  const { protocol, field } = left?.payload ?? {}
  if (op !== '==' || (protocol !== 'ip' && protocol !== 'ip6')) return undefined
  if (field !== 'saddr' && field !== 'daddr') return undefined
  const bits = protocol === 'ip' ? 32 : 128
  const text = typeof right === 'string' ? `${right}/${bits}` : `${right?.prefix?.addr}/${right?.prefix?.len}`
  const prefix = Prefix.tryParse(text)
  return prefix === undefined ? undefined : { direction: field === 'saddr' ? 'from' : 'to', prefix }
}
