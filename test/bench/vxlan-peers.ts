import { vxlan } from '@trilane/backend-vxlan'
import type { KernelState, Lease, NodeFacts } from '@trilane/contracts'
import { Mac } from '@trilane/ip'
import { NODE, OWN_LEASE, peerLease } from './node.ts'

const OPTIONS = vxlan.parseOptions({})
const VXLAN_NODE: NodeFacts = {
  ...NODE,
  network: { ...NODE.network, backend: { type: vxlan.type, options: {} } }
}
const VXLAN_LEASE: Lease = {
  ...OWN_LEASE,
  backendType: vxlan.type,
  backendData: vxlan.leaseData(VXLAN_NODE, OPTIONS, undefined)
}

export const DEVICE = 'flannel.1'

/** @param number from 1 @param address as in {@link peerLease} @param generation of its device: each has a MAC of its own */
export function vxlanLease(
  number: number,
  { address = number + 1, generation = 0 }: { readonly address?: number; readonly generation?: number } = {}
): Lease {
  const VtepMAC = `${Mac.derive(`peer ${number} ${generation}`)}`
  return {
    ...peerLease(number, address),
    backendType: vxlan.type,
    backendData: { v4: { VNI: 1, VtepMAC } }
  }
}

export function nodeState(): KernelState {
  return vxlan.nodeState(VXLAN_NODE, VXLAN_LEASE, OPTIONS)
}

export function peerState(lease: Lease): KernelState {
  return vxlan.peerState(VXLAN_NODE, lease, OPTIONS)
}
