import type { FirewallTable, FirewallWish } from '@trilane/contracts'
import { forwardPart } from './forward.ts'
import { masqueradePart } from './masquerade.ts'

/**
 * The table `inet trilane` for a wish; `undefined` when no network wants anything of it.
 *
 * How many rules there are depends on the families alone: networks are elements of sets, pods and peers do not occur.
 */
export function firewallTable(wish: FirewallWish): FirewallTable | undefined {
  const parts = [masqueradePart(wish), forwardPart(wish)].filter(({ chains }) => chains.length > 0)
  if (parts.length === 0) return undefined
  return { sets: parts.flatMap(({ sets }) => sets), chains: parts.flatMap(({ chains }) => chains) }
}
