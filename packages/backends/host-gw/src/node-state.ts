import type { KernelState, Lease, NodeFacts } from '@trilane/contracts'
import { bridgedNodeState } from '@trilane/pod-link'

/** The bridge that every routed network has; there is no device of host-gw's own. */
export function nodeState(node: NodeFacts, lease: Lease): KernelState {
  return bridgedNodeState(node, lease, { mtuBytes: podMtuBytes(node) })
}

/** Pod packets leave by the uplink as they are. */
export function podMtuBytes(node: NodeFacts): number {
  return node.uplink.mtuBytes
}
