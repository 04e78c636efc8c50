import type { JsonValue, Lease, NodeFacts } from '@trilane/contracts'
import { type Family, IpAddress, mapFamilies, type PerFamily, Prefix } from '@trilane/ip'

const NETWORK: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('10.5.0.0/16'),
  v6: Prefix.parse('fd00:5::/48')
}

/** A node `192.168.7.1/24`, `fd00:7::1/64` with an MTU of 1500, in a network of the given families. */
export function factsFor(families: readonly Family[], mtuBytes = 1500): NodeFacts {
  const pick = <T>(both: Readonly<Record<Family, T>>): PerFamily<T> =>
    mapFamilies(both, (value, family) => (families.includes(family) ? value : undefined))
  const addresses = pick({ v4: IpAddress.parse('192.168.7.1'), v6: IpAddress.parse('fd00:7::1') })
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
      backend: { type: 'vxlan', options: {} },
      enableNftables: false
    },
    uplink: {
      name: 'uplink0',
      index: 7,
      mtuBytes,
      addresses: mapFamilies(addresses, (address, family) => ({
        address,
        prefixLength: family === 'v4' ? 24 : 64
      })),
      onLink: []
    },
    publicAddresses: addresses,
    bridge: 'cni0'
  }
}

/** A lease as flanneld writes it. */
export function leaseOf(
  subnets: PerFamily<string>,
  addresses: PerFamily<string>,
  backendData: PerFamily<JsonValue>
): Lease {
  return {
    subnets: mapFamilies(subnets, (text) => Prefix.parse(text)),
    publicAddresses: mapFamilies(addresses, (text) => IpAddress.parse(text)),
    backendType: 'vxlan',
    backendData
  }
}
