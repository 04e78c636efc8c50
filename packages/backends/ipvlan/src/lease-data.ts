import type { NodeFacts } from '@trilane/contracts'
import type { PerFamily } from '@trilane/ip'
import { checkParent, standOn } from '@trilane/parent-device'
import { kindOn } from './node-state.ts'
import { type IpvlanOptions, isRouted } from './options.ts'

/**
 * ipvlan publishes nothing: on a segment peers need to know nothing of each other, and routes lead to the public
 * addresses, which every lease has.
 *
 * @throws TrilaneError when pods cannot stand on this node's device: `TRI_PARENT_NOT_FOUND`, `TRI_PARENT_BUSY`,
 *   `TRI_PARENT_UNFIT`, `TRI_CONFIG_INVALID`
 */
export function leaseData(node: NodeFacts, options: IpvlanOptions): PerFamily<never> {
  checkParent(node, options, kindOn(standOn(node, options).device, options), isRouted(options))
  return {}
}
