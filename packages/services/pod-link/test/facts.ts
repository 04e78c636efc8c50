import type { Lease, NodeFacts } from '@trilane/contracts'
import { familiesOf, IpAddress, mapFamilies, type PerFamily, Prefix } from '@trilane/ip'

/** A lease of this node over the given subnets. */
export function leaseOf(subnets: PerFamily<string>): Lease {
  return {
    subnets: mapFamilies(subnets, (text) => Prefix.parse(text)),
    publicAddresses: { v4: IpAddress.parse('192.168.7.1') },
    backendType: 'host-gw',
    backendData: {}
  }
}

const NETWORKS = { v4: Prefix.parse('10.5.0.0/16'), v6: Prefix.parse('fd00:5::/48') }

/** A node whose network has the families of the lease. */
export function factsFor(lease: Lease, more: Partial<NodeFacts> = {}): NodeFacts {
  const families = mapFamilies(lease.subnets, (subnet, family) => {
    const network = NETWORKS[family]
    const subnetMin = network.address
    return { network, subnetLength: subnet.length, subnetMin, subnetMax: subnetMin }
  })
  if (familiesOf(families).length === 0) throw new Error('a lease has at least one subnet')
  return {
    name: 'blue',
    machineId: '0123456789abcdef0123456789abcdef',
    network: { name: 'default', families, backend: { type: 'host-gw', options: {} }, enableNftables: false },
    uplink: { name: 'eth0', index: 2, mtuBytes: 1500, addresses: {}, onLink: [] },
    publicAddresses: lease.publicAddresses,
    bridge: 'cni0',
    ...more
  }
}
