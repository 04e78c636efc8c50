import {
  EMPTY_KERNEL_STATE,
  joinStates,
  type KernelState,
  type Lease,
  type MacvlanKind,
  type NodeFacts
} from '@trilane/contracts'
import { hostAddressesOf } from '@trilane/ipam'
import { hostChildState, standOn } from '@trilane/parent-device'
import { refuseAdvertisements } from '@trilane/pod-link'
import type { MacvlanOptions } from './options.ts'

/** The VLAN that pods stand on, and the node's own macvlan beside theirs. Neither: nothing of it is on the node. */
export function nodeState(node: NodeFacts, lease: Lease, options: MacvlanOptions): KernelState {
  const { device, vlan, parent } = standOn(node, options)
  const wish = {
    kind: kindOn(device, options),
    mtuBytes: options.mtuBytes ?? parent.mtuBytes,
    addresses: hostAddressesOf(lease.subnets, node.network.families, node.pods)
  }
  const state = joinStates([
    { ...EMPTY_KERNEL_STATE, links: vlan === undefined ? [] : [vlan] },
    options.hostAccess ? hostChildState(node, lease, wish) : EMPTY_KERNEL_STATE
  ])
  const advertisements = state.links.flatMap(({ name }) => refuseAdvertisements(node, name))
  return { ...state, sysctls: [...state.sysctls, ...advertisements] }
}

export function kindOn(parent: string, { mode }: MacvlanOptions): MacvlanKind {
  return { type: 'macvlan', parent, mode }
}
