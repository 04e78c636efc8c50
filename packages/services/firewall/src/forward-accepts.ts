import {
  type FirewallWish,
  type ForwardAccept,
  type ForwardChain,
  NFT_PROTOCOL,
  TrilaneError
} from '@trilane/contracts'
import { FAMILIES, type Family, type Prefix } from '@trilane/ip'
import { disjoint } from './prefix-sets.ts'
import { servedIn } from './served.ts'

/** What has to be done about other firewalls. */
export interface ForwardPlan {
  /** Chains whose accepts are to become these. */
  readonly changes: readonly { readonly chain: ForwardChain; readonly accepts: readonly ForwardAccept[] }[]
  /** `TRI_FORWARD_REFUSED`: what is refused all the same, each with a way out. */
  readonly problems: readonly TrilaneError[]
}

const FAMILIES_OF: Readonly<Record<ForwardChain['family'], readonly Family[]>> = {
  ip: ['v4'],
  ip6: ['v6'],
  inet: FAMILIES
}

/**
 * Accepts for each chain at the hook forward whose policy is drop, none for any other: where nothing is dropped,
 * nothing of ours stands in chains of others. A rule that refuses everything is its owner's business, and named.
 */
export function forwardAccepts(wish: FirewallWish, chains: readonly ForwardChain[]): ForwardPlan {
  const changes: { readonly chain: ForwardChain; readonly accepts: readonly ForwardAccept[] }[] = []
  const problems: TrilaneError[] = []
  for (const chain of chains) {
    const networks = networksFor(wish, chain)
    const accepts = chain.policy === 'drop' ? networks.flatMap(acceptsOf) : []
    // Accepts that are put in come before whatever refuses now.
    if (!sameAccepts(chain.accepts, accepts)) changes.push({ chain, accepts })
    else problems.push(...refusalOf(chain, networks))
  }
  return { changes, problems }
}

function networksFor(wish: FirewallWish, chain: ForwardChain): Prefix[] {
  const networks = wish.networks.filter(({ forwardAccept }) => forwardAccept)
  return FAMILIES_OF[chain.family].flatMap((family) =>
    disjoint(servedIn(family, networks).map(({ network }) => network))
  )
}

function acceptsOf(prefix: Prefix): ForwardAccept[] {
  return [
    { direction: 'from', prefix },
    { direction: 'to', prefix }
  ]
}

function sameAccepts(actual: ForwardChain['accepts'], wanted: readonly ForwardAccept[]): boolean {
  return (
    actual.length === wanted.length &&
    wanted.every((accept, index) => {
      const there = actual[index]
      return there?.direction === accept.direction && there.prefix.equals(accept.prefix)
    })
  )
}

function refusalOf(chain: ForwardChain, networks: readonly Prefix[]): TrilaneError[] {
  const { refusal, letsThrough } = chain
  const refused = networks.filter((network) => !letsThrough.some((source) => source.contains(network)))
  if (refusal === undefined || refused.length === 0) return []
  return [
    TrilaneError.of('TRI_FORWARD_REFUSED', {
      chain: chainName(chain),
      networks: refused.join(', '),
      reason: `its rule \`${refusal}\` comes before any accept of theirs`,
      fix: fixFor(chain, refused)
    })
  ]
}

function chainName({ tool, family, table, chain }: ForwardChain): string {
  return tool === 'nft'
    ? `nft chain ${family} ${table} ${chain}`
    : `iptables-legacy chain ${chain} (${family})`
}

function fixFor({ tool, family, table, chain }: ForwardChain, networks: readonly Prefix[]): string {
  if (tool === 'nft' && table === 'firewalld') {
    const sources = networks.map((network) => `--add-source=${network}`).join(' ')
    return `firewall-cmd --permanent --zone=trusted ${sources} && firewall-cmd --reload`
  }
  const legacy = family === 'ip6' ? 'ip6tables-legacy' : 'iptables-legacy'
  const commands = networks
    .flatMap(acceptsOf)
    .map(({ direction, prefix }) =>
      tool === 'legacy'
        ? `${legacy} -I ${chain} ${direction === 'from' ? '-s' : '-d'} ${prefix} -j ACCEPT`
        : `nft insert rule ${family} ${table} ${chain} ${NFT_PROTOCOL[prefix.family]} ${direction === 'from' ? 'saddr' : 'daddr'} ${prefix} accept`
    )
  return commands.join('; ')
}
