import {
  EMPTY_KERNEL_STATE,
  joinStates,
  type KernelState,
  type Lease,
  type NodeFacts
} from '@trilane/contracts'
import { type Family, familiesOf } from '@trilane/ip'
import { refuseAdvertisements } from '@trilane/pod-link'
import { networkAlias } from '@trilane/reconcile'
import type { VxlanOptions } from './options.ts'
import { deviceMtuBytes, deviceName } from './tunnel-device.ts'
import { ownMac } from './vtep.ts'

/** One tunnel device per family of the network, as flannel makes them. */
export function nodeState(node: NodeFacts, lease: Lease, options: VxlanOptions): KernelState {
  return joinStates(
    familiesOf(node.network.families).map((family) => tunnelState(node, family, lease, options))
  )
}

function tunnelState(node: NodeFacts, family: Family, lease: Lease, options: VxlanOptions): KernelState {
  const { uplink, network } = node
  const { vni, port, learning, gbp } = options
  const device = deviceName(family, vni)
  const local = uplink.addresses[family]?.address
  const subnet = lease.subnets[family]
  return {
    ...EMPTY_KERNEL_STATE,
    links: [
      {
        name: device,
        kind: {
          type: 'vxlan',
          vni,
          port,
          parent: uplink.name,
          ...(local === undefined ? {} : { local }),
          learning,
          gbp
        },
        mtuBytes: deviceMtuBytes(node, family, options),
        // Set when the device is made: systemd-udevd gives another one to devices that come with a random MAC.
        mac: ownMac(node, family, options, lease),
        alias: networkAlias(network.name),
        up: true
      }
    ],
    // The node's own source address towards pods elsewhere: one that peers have a route back to.
    addresses:
      subnet === undefined
        ? []
        : [
            {
              device,
              address: subnet.address,
              prefixLength: subnet.address.family === 'v4' ? 32 : 128,
              // Detection would ask a segment that carries no multicast, and the address is the lease's anyway.
              ...(family === 'v6' ? { skipDad: true } : {})
            }
          ],
    sysctls: refuseAdvertisements(node, device)
  }
}

/** What is left for a pod's packet on the dearest of the network's families. */
export function podMtuBytes(node: NodeFacts, options: VxlanOptions): number {
  const families = familiesOf(node.network.families)
  return Math.min(...families.map((family) => deviceMtuBytes(node, family, options)))
}
