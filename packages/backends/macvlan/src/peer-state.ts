import { EMPTY_KERNEL_STATE, type KernelState, type Lease, type NodeFacts } from '@trilane/contracts'
import { requireSharedSegment, uplinkSegment } from '@trilane/node-addresses'
import { standOn } from '@trilane/parent-device'
import type { MacvlanOptions } from './options.ts'

/**
 * Nothing: the switch leads to a peer's pods.
 *
 * @throws TrilaneError `TRI_PEER_NOT_ON_LINK` for a peer behind a router, whose pods the switch does not reach; told by
 *   its address, so only where pods are on the nodes' own segment, the uplink's
 */
export function peerState(node: NodeFacts, peer: Lease, options: MacvlanOptions): KernelState {
  const isUplink = standOn(node, options).device === node.uplink.name
  if (isUplink) requireSharedSegment(node, peer, uplinkSegment(node), 'macvlan')
  return EMPTY_KERNEL_STATE
}
