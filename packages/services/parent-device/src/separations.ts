import type { Separation } from '@trilane/contracts'

/** What two children of a device say to each other goes out of it. */
export const VEPA_SIBLINGS = 'in vepa they meet only where the switch sends back by the port that it came by'

/**
 * @param noHostAccess why the node cannot reach its pods in the chosen mode
 * @param noSiblings why pods of one node do not reach each other in it
 */
export function separationsOf(wish: {
  readonly hostAccess: boolean
  readonly noHostAccess: string | undefined
  readonly noSiblings: string | undefined
}): Separation[] {
  const found: Separation[] = []
  if (!wish.hostAccess) {
    found.push({ between: 'node and own pods', reason: wish.noHostAccess ?? 'HostAccess is false' })
  }
  if (wish.noSiblings !== undefined) found.push({ between: 'pods of one node', reason: wish.noSiblings })
  return found
}
