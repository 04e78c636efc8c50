import {
  type BridgedPodLink,
  EMPTY_KERNEL_STATE,
  type KernelState,
  type Lease,
  type NodeFacts,
  type Sysctl
} from '@trilane/contracts'
import { type Family, familiesOf, type IpAddress, Mac, mapFamilies, type Prefix, valuesOf } from '@trilane/ip'
import { networkAlias } from '@trilane/reconcile'
import { refuseAdvertisements } from './router-advertisements.ts'

/**
 * What a node needs for pods behind its bridge, whichever backend carries them to other nodes: the bridge,
 * a gateway address per family of the lease, forwarding.
 *
 * `net/ipv6/conf/all/forwarding=1` makes Linux ignore router advertisements on every device whose `accept_ra` is 1.
 * The uplink's is left alone: it is the operator's. README.md says what to do where the uplink lives by them.
 *
 * @param mtuBytes of the bridge and so of the pods
 */
export function bridgedPodState(
  node: NodeFacts,
  lease: Lease,
  { mtuBytes }: { readonly mtuBytes: number }
): KernelState {
  const { bridge, bridgeMac, network, machineId } = node
  return {
    ...EMPTY_KERNEL_STATE,
    links: [
      {
        name: bridge,
        kind: { type: 'bridge' },
        mtuBytes,
        // Without a MAC of its own a bridge takes the lowest of its ports', and pods lose their gateway as ports come and go.
        mac: bridgeMac ?? Mac.derive(`${machineId}\0${network.name}\0bridge`),
        alias: networkAlias(network.name),
        up: true
      }
    ],
    addresses: valuesOf(lease.subnets).map((subnet) => ({
      device: bridge,
      address: gatewayOf(subnet),
      prefixLength: subnet.length,
      // The bridge has no carrier before its first pod, and detection would wait for one.
      ...(subnet.family === 'v6' ? { skipDad: true } : {})
    })),
    sysctls: [
      ...familiesOf(lease.subnets).flatMap((family) => SYSCTLS[family](bridge)),
      ...refuseAdvertisements(node, bridge)
    ]
  }
}

/** How pods of a routed network are plugged in: one end of a veth pair in the pod, the other a port of the bridge. */
export function bridgedPodLink(node: NodeFacts, lease: Lease, mtuBytes: number): BridgedPodLink {
  return {
    type: 'bridge',
    bridge: node.bridge,
    mtuBytes,
    hairpin: true,
    families: mapFamilies(lease.subnets, (subnet) => ({
      onLink: subnet,
      gateway: gatewayOf(subnet),
      ...networkOf(node, subnet)
    }))
  }
}

/** Unless it is this node's subnet alone. */
function networkOf({ network }: NodeFacts, subnet: Prefix): { readonly network?: Prefix } {
  const family = network.families[subnet.family]
  return family === undefined || family.network.length >= subnet.length ? {} : { network: family.network }
}

/** The node's own address among its pods: the first after the network address, as the reference bridge plugin has it. */
export function gatewayOf(subnet: Prefix): IpAddress {
  return subnet.nth(1)
}

const SYSCTLS: Readonly<Record<Family, (bridge: string) => readonly Sysctl[]>> = {
  v4: () => [{ key: 'net/ipv4/ip_forward', value: '1' }],
  v6: (bridge) => [
    { key: 'net/ipv6/conf/all/forwarding', value: '1' },
    // The bridge's link-local address would be tentative for the first second of its first pod.
    { key: `net/ipv6/conf/${bridge}/accept_dad`, value: '0' }
  ]
}
