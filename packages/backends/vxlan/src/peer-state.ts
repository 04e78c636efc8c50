import {
  EMPTY_KERNEL_STATE,
  joinStates,
  type KernelState,
  type Lease,
  type NodeFacts
} from '@trilane/contracts'
import type { Mac } from '@trilane/ip'
import { invalidLease, type PeerAddress, peerAddresses } from '@trilane/node-addresses'
import { ROUTE_PROTOCOL } from '@trilane/reconcile'
import type { VxlanOptions } from './options.ts'
import { deviceName } from './tunnel-device.ts'
import { derivedMac, readVtep } from './vtep.ts'

/**
 * Three entries per subnet of the peer. The gateway of its route is the peer's end of the tunnel, which has the
 * subnet's network address; its MAC and the node behind that MAC are known beforehand, so that nothing is ever asked.
 *
 * - `ip neigh replace NETWORK lladdr VTEP dev flannel.1 nud permanent`
 * - `bridge fdb replace VTEP dev flannel.1 dst PEER self permanent`
 * - `ip route replace SUBNET via NETWORK dev flannel.1 onlink proto 133`
 */
export function peerState(node: NodeFacts, peer: Lease, options: VxlanOptions): KernelState {
  return joinStates(
    peerAddresses(node, peer).map((at) => tunnelTo(at, peerMac(node, peer, at, options), options))
  )
}

function tunnelTo({ family, subnet, address }: PeerAddress, mac: Mac, { vni }: VxlanOptions): KernelState {
  const device = deviceName(family, vni)
  const gateway = subnet.address
  return {
    ...EMPTY_KERNEL_STATE,
    neighbours: [{ device, address: gateway, mac, state: 'permanent' }],
    fdb: [{ device, mac, destination: address }],
    routes: [{ destination: subnet, gateway, device, onlink: true, protocol: ROUTE_PROTOCOL }]
  }
}

/** @throws TrilaneError `TRI_LEASE_INVALID` */
function peerMac(node: NodeFacts, peer: Lease, { family, address }: PeerAddress, { vni }: VxlanOptions): Mac {
  if (family === 'v6' && address.isLinkLocal) {
    throw invalidLease(peer, `its address ${address} means another node on each link`)
  }
  const vtep = readVtep(peer.backendData[family])
  if (typeof vtep === 'string') throw invalidLease(peer, `its ${vtep}`)
  // flannel sends all the same, and the peer's kernel drops every packet.
  if (vtep.vni !== undefined && vtep.vni !== vni) {
    throw invalidLease(peer, `its VNI is ${vtep.vni}, and this network's is ${vni}`)
  }
  // Linux drops what comes from its own MAC. Only a lease without a machine id can hide that it comes from ours.
  if (peer.node === undefined && vtep.mac.equals(derivedMac(node, family, vni))) {
    throw invalidLease(peer, `its VtepMAC ${vtep.mac} is this node's: two machines have one machine id`)
  }
  return vtep.mac
}
