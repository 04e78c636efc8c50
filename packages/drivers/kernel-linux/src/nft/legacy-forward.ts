import { FIREWALL_COMMENT, type ForwardAccept } from '@trilane/contracts'
import type { Prefix } from '@trilane/ip'
import { chainRules, type LegacyRule, VERDICT, verdictOf } from './legacy-entries.ts'

/** What a FORWARD chain of the old iptables is to us. */
export interface LegacyForward {
  readonly policy: 'accept' | 'drop'
  readonly entry: string
  /** Ours, with the chain that each is in. */
  readonly accepts: readonly (ForwardAccept & { readonly chain: string })[]
  readonly refusal?: string
  readonly letsThrough: readonly Prefix[]
}

const FORWARD = 'FORWARD'
const DOCKER_USER = 'DOCKER-USER'

/** @param range offsets of the first rule of FORWARD and of its policy */
export function readLegacyForward(
  rules: readonly LegacyRule[],
  { first, policy }: { readonly first: number; readonly policy: number }
): LegacyForward {
  const forward = rules.filter(({ offset }) => offset >= first && offset < policy)
  const [dockerFirst, ...dockerRest] = chainRules(rules, DOCKER_USER)
  const jump =
    dockerFirst === undefined ? -1 : forward.findIndex((rule) => verdictOf(rule) === dockerFirst.offset)
  const dockerRules = dockerFirst === undefined || jump < 0 ? [] : [dockerFirst, ...dockerRest]
  const firstOurs = dockerRules.some(isAccept) ? jump : forward.findIndex(isAccept)
  const refusal = (firstOurs < 0 ? forward : forward.slice(0, firstOurs)).find(refusesAll)
  const drops = rules.some((rule) => rule.offset === policy && verdictOf(rule) === VERDICT.DROP)
  return {
    policy: drops ? 'drop' : 'accept',
    entry: jump < 0 ? FORWARD : DOCKER_USER,
    accepts: [...acceptsIn(DOCKER_USER, dockerRules), ...acceptsIn(FORWARD, forward)],
    ...(refusal === undefined ? {} : { refusal: wordsOf(refusal) }),
    letsThrough: rules.filter((rule) => !isAccept(rule)).flatMap(sourceLetThrough)
  }
}

function acceptsIn(chain: string, rules: readonly LegacyRule[]): LegacyForward['accepts'] {
  return rules.flatMap((rule) => {
    const accept = acceptIn(rule)
    return accept === undefined ? [] : [{ ...accept, chain }]
  })
}

function isAccept(rule: LegacyRule): boolean {
  return acceptIn(rule) !== undefined
}

function acceptIn(rule: LegacyRule): ForwardAccept | undefined {
  if (rule.comment !== FIREWALL_COMMENT || verdictOf(rule) !== VERDICT.ACCEPT) return undefined
  const { source, destination } = rule.only ?? {}
  if (source !== undefined && destination === undefined) return { direction: 'from', prefix: source }
  if (destination !== undefined && source === undefined) return { direction: 'to', prefix: destination }
  return undefined
}

function refusesAll(rule: LegacyRule): boolean {
  const everything = rule.only !== undefined && Object.keys(rule.only).length === 0
  return everything && (verdictOf(rule) === VERDICT.DROP || isReject(rule))
}

function isReject({ target }: LegacyRule): boolean {
  return 'name' in target && target.name === 'REJECT'
}

function wordsOf(rule: LegacyRule): string {
  return isReject(rule) ? '-j REJECT' : '-j DROP'
}

function sourceLetThrough(rule: LegacyRule): Prefix[] {
  const verdict = verdictOf(rule)
  const goesOn = verdict === VERDICT.ACCEPT || (verdict !== undefined && verdict >= 0)
  return goesOn && rule.source !== undefined ? [rule.source] : []
}
