import type { NodeFacts } from '@trilane/contracts'
import type { PerFamily } from '@trilane/ip'
import { checkParent, standOn } from '@trilane/parent-device'
import { kindOn } from './node-state.ts'
import type { MacvlanOptions } from './options.ts'

/**
 * macvlan publishes nothing: peers need to know nothing of each other to talk on one segment.
 *
 * @throws TrilaneError when pods cannot stand on this node's device: `TRI_PARENT_NOT_FOUND`, `TRI_PARENT_BUSY`,
 *   `TRI_PARENT_UNFIT`, `TRI_CONFIG_INVALID`
 */
export function leaseData(node: NodeFacts, options: MacvlanOptions): PerFamily<never> {
  checkParent(node, options, kindOn(standOn(node, options).device, options), false)
  return {}
}
