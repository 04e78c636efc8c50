import type { Separation } from '@trilane/contracts'

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
