import { EMPTY_KERNEL_STATE, type KernelState, type NodeFacts } from '@trilane/contracts'

/** Packets come and go by the uplink as it is: there is no device of host-gw's own. */
export function nodeState(): KernelState {
  return EMPTY_KERNEL_STATE
}

/** Pod packets leave by the uplink as they are. */
export function podMtuBytes(node: NodeFacts): number {
  return node.uplink.mtuBytes
}
