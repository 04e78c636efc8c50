import type { FirewallTable, FirewallWish } from '@trilane/contracts'
import { forwardPart } from './forward.ts'
import { hostPortsPart } from './host-ports.ts'
import { masqueradePart } from './masquerade.ts'

/**
 * The table `inet trilane` for a wish; `undefined` when no network wants anything of it.
 *
 * How many rules there are depends on the families alone: networks and host ports are elements of sets and maps, other pods
 * and peers do not occur.
 */
export function firewallTable(wish: FirewallWish): FirewallTable | undefined {
  const parts = [masqueradePart(wish), forwardPart(wish), hostPortsPart(wish)].filter(
    ({ chains }) => chains.length > 0
  )
  if (parts.length === 0) return undefined
  const lookups = parts.flatMap((part) => part.lookups ?? [])
  return {
    sets: parts.flatMap(({ sets }) => sets),
    ...(lookups.length === 0 ? {} : { lookups }),
    chains: parts.flatMap(({ chains }) => chains)
  }
}
