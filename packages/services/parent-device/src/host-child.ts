import { createHash } from 'node:crypto'
import {
  EMPTY_KERNEL_STATE,
  type IpvlanKind,
  type KernelState,
  type Lease,
  type MacvlanKind,
  type NodeFacts,
  type Sysctl
} from '@trilane/contracts'
import { ADDRESS_BITS, familiesOf, type IpAddress, Mac, type PerFamily } from '@trilane/ip'
import { networkAlias, ROUTE_PROTOCOL } from '@trilane/reconcile'

export interface HostChildWish {
  readonly kind: MacvlanKind | IpvlanKind
  /** The pods'. */
  readonly mtuBytes: number
  /** The node's own among its pods; none: the node does not reach them. */
  readonly addresses: PerFamily<IpAddress>
}

/** The node's own child of the parent device. */
export function hostChildName(network: string): string {
  return `host-${createHash('sha256').update(network).digest('hex').slice(0, 8)}`
}

/**
 * The node among its pods: Linux passes nothing between a parent and its children, but between children.
 *
 * The whole slice is routed to the child, whatever pods there are: `ip route replace SLICE dev host-… src ADDRESS`.
 * `arp_filter` makes the child answer for the node's addresses only those whom the node reaches by it, its own pods:
 * another machine of the segment must not learn the child's MAC for them. Whom the node asks by the child learns its MAC
 * for the child's own address, though, and is answered by the parent: strict `rp_filter` would drop what it sends.
 */
export function hostChildState(node: NodeFacts, lease: Lease, wish: HostChildWish): KernelState {
  const { network, machineId } = node
  const { kind, mtuBytes, addresses } = wish
  const device = hostChildName(network.name)
  // Set when the device is made: systemd-udevd gives another one to devices that come with a random MAC.
  const mac = kind.type === 'macvlan' ? { mac: Mac.derive(`${machineId}\0${network.name}\0host-child`) } : {}
  const parts = familiesOf(addresses).flatMap((family) => {
    const [address, slice] = [addresses[family], lease.subnets[family]]
    return address === undefined || slice === undefined ? [] : [{ family, address, slice }]
  })
  return {
    ...EMPTY_KERNEL_STATE,
    links: [{ name: device, kind, mtuBytes, ...mac, alias: networkAlias(network.name), up: true }],
    addresses: parts.map(({ family, address }) => ({
      device,
      address,
      prefixLength: ADDRESS_BITS[family],
      // It is the lease's, and pods may ask for it at once.
      ...(family === 'v6' ? { skipDad: true } : {})
    })),
    routes: parts.map(({ address, slice }) => ({
      destination: slice,
      device,
      source: address,
      protocol: ROUTE_PROTOCOL
    })),
    sysctls: addresses.v4 === undefined ? [] : arpSysctls(device)
  }
}

function arpSysctls(device: string): Sysctl[] {
  return [
    { key: `net/ipv4/conf/${device}/arp_filter`, value: '1' },
    // By any device; of this and the value of `all` the greater holds.
    { key: `net/ipv4/conf/${device}/rp_filter`, value: '2' }
  ]
}
