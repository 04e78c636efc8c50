import type { Lease, NodeFacts } from '@trilane/contracts'
import { type Family, IpAddress, mapFamilies, type PerFamily, Prefix } from '@trilane/ip'

const NETWORK: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('10.5.0.0/16'),
  v6: Prefix.parse('fd00:5::/48')
}

/** A node `192.168.7.1/24`, `fd00:7::1/64` with an MTU of 9000, in a network of the given families. */
export function factsFor(...families: readonly Family[]): NodeFacts {
  const pick = <T>(both: Readonly<Record<Family, T>>): PerFamily<T> =>
    mapFamilies(both, (value, family) => (families.includes(family) ? value : undefined))
  return {
    name: 'blue',
    machineId: '0123456789abcdef0123456789abcdef',
    network: {
      name: 'default',
      families: mapFamilies(pick(NETWORK), (network, family) => ({
        network,
        subnetLength: family === 'v4' ? 24 : 64,
        subnetMin: network.address,
        subnetMax: network.last
      })),
      backend: { type: 'host-gw', options: {} },
      enableNftables: false
    },
    uplink: {
      name: 'uplink0',
      index: 7,
      mtuBytes: 9000,
      addresses: mapFamilies(pick({ v4: '192.168.7.1/24', v6: 'fd00:7::1/64' }), (text) => {
        const [address = '', length] = text.split('/')
        return { address: IpAddress.parse(address), prefixLength: Number(length) }
      }),
      onLink: ['192.168.7.0/24', 'fd00:7::/64'].map((text) => Prefix.parse(text))
    },
    publicAddresses: mapFamilies(pick({ v4: '192.168.7.1', v6: 'fd00:7::1' }), (text) =>
      IpAddress.parse(text)
    ),
    bridge: 'cni0'
  }
}

/** A lease of another node; names are left out as in leases of flanneld. */
export function peerOf(subnets: PerFamily<string>, addresses: PerFamily<string>): Lease {
  return {
    subnets: mapFamilies(subnets, (text) => Prefix.parse(text)),
    publicAddresses: mapFamilies(addresses, (text) => IpAddress.parse(text)),
    backendType: 'host-gw',
    backendData: {}
  }
}
