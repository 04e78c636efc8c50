import { type FirewallTable, type FirewallWish, NFT_PROTOCOL } from '@trilane/contracts'
import { FAMILIES } from '@trilane/ip'
import { disjoint } from './prefix-sets.ts'
import { servedIn } from './served.ts'
import { setName, setOf } from './sets.ts'

const HOOK = 'type filter hook forward priority filter; policy accept;'

/**
 * The chain `forward` with its sets; empty when no network wants it. It says what is let through, and is what flannel's
 * nftables mode has; against a drop of others only {@link forwardAccepts} helps.
 */
export function forwardPart(wish: FirewallWish): FirewallTable {
  const networks = wish.networks.filter(({ forwardAccept }) => forwardAccept)
  const parts = FAMILIES.flatMap((family) => {
    const served = servedIn(family, networks)
    if (served.length === 0) return []
    const ip = NFT_PROTOCOL[family]
    const name = setName('forwarded', family)
    return {
      set: setOf('forwarded', family, disjoint(served.map(({ network }) => network))),
      rules: [`${ip} saddr @${name} accept`, `${ip} daddr @${name} accept`]
    }
  })
  if (parts.length === 0) return { sets: [], chains: [] }
  const rules = parts.flatMap((part) => part.rules)
  return { sets: parts.map(({ set }) => set), chains: [{ name: 'forward', hook: HOOK, rules }] }
}
