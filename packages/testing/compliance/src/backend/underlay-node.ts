import type { Lease, NodeFacts, ParentDevice } from '@trilane/contracts'
import { type Family, IpAddress, mapFamilies, type PerFamily, Prefix, Range } from '@trilane/ip'

const NETWORK: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('192.168.77.0/24'),
  v6: Prefix.parse('fd00:77::/64')
}
const ADDRESS = { v4: IpAddress.parse('192.168.77.1'), v6: IpAddress.parse('fd00:77::1') }
const LENGTH: Readonly<Record<Family, number>> = { v4: 28, v6: 112 }

/** A parent with `192.168.77.1/24`, `fd00:77::1/64` and a link-local address, whose router is `.62` and `fe80::62`. */
export const UNDERLAY_PARENT: ParentDevice = {
  name: 'eth0',
  index: 2,
  mtuBytes: 1500,
  isWireless: false,
  addresses: [
    { address: ADDRESS.v4, prefixLength: 24 },
    { address: ADDRESS.v6, prefixLength: 64 },
    { address: IpAddress.parse('fe80::1'), prefixLength: 64 }
  ],
  onLink: [NETWORK.v4, NETWORK.v6, Prefix.parse('fe80::/64')],
  gateways: { v4: IpAddress.parse('192.168.77.62'), v6: IpAddress.parse('fe80::62') },
  children: []
}

/** A network card for pods alone. */
export const UNDERLAY_CARD: ParentDevice = {
  ...UNDERLAY_PARENT,
  name: 'eth1',
  addresses: [],
  onLink: [],
  gateways: {}
}

/** A node on {@link UNDERLAY_PARENT}'s segment, where its pods are too; subnets are cut from `.64` and `fd00:77::1:0` on. */
export function underlayFacts(
  families: readonly Family[] = ['v4', 'v6'],
  parent: ParentDevice = UNDERLAY_PARENT,
  ...excluded: readonly string[]
): NodeFacts {
  const pick = <T>(both: Readonly<Record<Family, T>>): PerFamily<T> =>
    mapFamilies(both, (value, family) => (families.includes(family) ? value : undefined))
  return {
    name: 'blue',
    machineId: '0123456789abcdef0123456789abcdef',
    network: {
      name: 'default',
      families: mapFamilies(pick(NETWORK), (network, family) => ({
        network,
        subnetLength: LENGTH[family],
        subnetMin: family === 'v4' ? network.nth(64) : network.nth(0x10000),
        subnetMax: Prefix.of(network.last, LENGTH[family]).address,
        excluded: excluded
          .map((text) => IpAddress.parse(text))
          .filter((address) => address.family === family)
          .map((address) => Range.of(address, address))
      })),
      backend: { type: 'macvlan', options: {} },
      enableNftables: false
    },
    uplink: {
      name: 'eth0',
      index: 2,
      mtuBytes: 1500,
      addresses: mapFamilies(pick(ADDRESS), (address, family) => ({
        address,
        prefixLength: NETWORK[family].length
      })),
      onLink: UNDERLAY_PARENT.onLink
    },
    publicAddresses: pick(ADDRESS),
    bridge: 'cni0',
    parent
  }
}

/** Of {@link underlayFacts}: its first subnets. */
export const UNDERLAY_LEASE: Lease = {
  subnets: { v4: Prefix.parse('192.168.77.64/28'), v6: Prefix.parse('fd00:77::1:0/112') },
  publicAddresses: ADDRESS,
  backendType: 'macvlan',
  backendData: {}
}

/** Of a node with IPv4 alone: `192.168.77.80/28`, `192.168.77.2`. */
export function underlayLease(subnet: string, address: string): Lease {
  return {
    ...UNDERLAY_LEASE,
    subnets: { v4: Prefix.parse(subnet) },
    publicAddresses: { v4: IpAddress.parse(address) }
  }
}
