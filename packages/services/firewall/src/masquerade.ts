import { type FirewallTable, type FirewallWish, NFT_PROTOCOL } from '@trilane/contracts'
import { FAMILIES, type Family, Prefix } from '@trilane/ip'
import { disjoint, disjointPairs } from './prefix-sets.ts'
import { type Served, servedIn } from './served.ts'
import { setName, setOf } from './sets.ts'

/** kube-proxy's mark for "I masquerade this one myself"; other bits may be set beside it. */
const KUBE_MARK = '0x00004000'

const MULTICAST: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('224.0.0.0/4'),
  v6: Prefix.parse('ff00::/8')
}

/**
 * After the chains of others at `srcnat` (100): flannel appends its jump to POSTROUTING, so that an administrator's own
 * SNAT rule comes first, and the first to translate a connection has it.
 */
const HOOK = 'type nat hook postrouting priority srcnat + 10; policy accept;'

/**
 * The chain `postrouting` with its sets, for the networks that are masqueraded; empty when there is none.
 *
 * Flannel's seven rules of its iptables mode (P this node's subnet, N the network): the jump is the hook, `N → P` and
 * `!N → P` together are "to P", and of several networks each has its own answer, since `direct` holds pairs of P and N.
 */
export function masqueradePart(wish: FirewallWish): FirewallTable {
  const networks = wish.networks.filter(({ masquerade }) => masquerade)
  const parts = FAMILIES.flatMap((family) => {
    const served = servedIn(family, networks)
    return served.length === 0 ? [] : [partOf(family, served, wish)]
  })
  if (parts.length === 0) return { sets: [], chains: [] }
  const mark = `meta mark & ${KUBE_MARK} == ${KUBE_MARK} return comment "kube-proxy masquerades it"`
  const rules = [mark, ...parts.flatMap((part) => part.rules)]
  return { sets: parts.flatMap(({ sets }) => sets), chains: [{ name: 'postrouting', hook: HOOK, rules }] }
}

function partOf(family: Family, served: readonly Served[], { keepSourceTo, fullyRandom }: FirewallWish) {
  const direct = disjointPairs(served.map(({ subnet, network }) => [subnet, network]))
  const kept = [MULTICAST[family], ...keepSourceTo.filter((prefix) => prefix.family === family)]
  const ip = NFT_PROTOCOL[family]
  const at = (name: string): string => `@${setName(name, family)}`
  const masquerade = fullyRandom ? 'masquerade fully-random' : 'masquerade'
  return {
    sets: [
      { name: setName('direct', family), family, elements: direct },
      setOf('pods', family, disjoint(served.map(({ subnet }) => subnet))),
      setOf('networks', family, disjoint(served.map(({ network }) => network))),
      setOf('kept', family, disjoint(kept))
    ],
    rules: [
      `${ip} saddr . ${ip} daddr ${at('direct')} return comment "own pod to any pod"`,
      `${ip} daddr ${at('pods')} return comment "anybody to own pod"`,
      `${ip} saddr ${at('networks')} ${ip} daddr != ${at('kept')} ${masquerade} comment "pod to outside"`,
      `${ip} saddr != ${at('networks')} ${ip} daddr ${at('networks')} ${masquerade} comment "outside to remote pod"`
    ]
  }
}
