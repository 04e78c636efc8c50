import {
  EMPTY_KERNEL_STATE,
  type IpvlanKind,
  joinStates,
  type KernelState,
  type Lease,
  type NodeFacts
} from '@trilane/contracts'
import { hostAddressesOf } from '@trilane/ipam'
import { hostChildState, standOn } from '@trilane/parent-device'
import { refuseAdvertisements } from '@trilane/pod-link'
import type { IpvlanOptions } from './options.ts'

/**
 * The VLAN that pods stand on, and an ipvlan of the node's own beside theirs. Without `HostAccess` that one has no
 * address, and is there all the same: it shows the mode and flag of the parent, and setting them there mends what another
 * program's ipvlan has changed for all.
 */
export function nodeState(node: NodeFacts, lease: Lease, options: IpvlanOptions): KernelState {
  const { device, vlan, parent } = standOn(node, options)
  const addresses = options.hostAccess ? hostAddressesOf(lease.subnets, node.network.families, node.pods) : {}
  const mtuBytes = options.mtuBytes ?? parent.mtuBytes
  const state = joinStates([
    { ...EMPTY_KERNEL_STATE, links: vlan === undefined ? [] : [vlan] },
    hostChildState(node, lease, { kind: kindOn(device, options), mtuBytes, addresses })
  ])
  const advertisements = state.links.flatMap(({ name }) => refuseAdvertisements(node, name))
  return { ...state, sysctls: [...state.sysctls, ...advertisements] }
}

export function kindOn(parent: string, { mode, flag }: IpvlanOptions): IpvlanKind {
  return { type: 'ipvlan', parent, mode, flag }
}
