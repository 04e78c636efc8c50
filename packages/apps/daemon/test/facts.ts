import type { Lease, NetworkConfig, NodeFacts, StoredLease } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'

const network: NetworkConfig = {
  name: 'default',
  families: {
    v4: {
      network: Prefix.parse('10.5.0.0/16'),
      subnetLength: 24,
      subnetMin: IpAddress.parse('10.5.1.0'),
      subnetMax: IpAddress.parse('10.5.255.0')
    }
  },
  backend: { type: 'host-gw', options: {} },
  enableNftables: false
}

/** node1, 192.168.77.1 on eth0. */
export function factsOf(uplink: Partial<NodeFacts['uplink']> = {}): NodeFacts {
  const address = IpAddress.parse('192.168.77.1')
  return {
    name: 'node1',
    machineId: '1'.repeat(32),
    network,
    uplink: {
      name: 'eth0',
      index: 2,
      mtuBytes: 1500,
      addresses: { v4: { address, prefixLength: 24 } },
      onLink: [Prefix.parse('192.168.77.0/24')],
      ...uplink
    },
    publicAddresses: { v4: address },
    bridge: 'cni0'
  }
}

/** Node number 2: 192.168.77.2, 10.5.2.0/24, reached by host-gw and by vxlan. */
export function leaseOf(number: number, address = `192.168.77.${number}`): StoredLease {
  const vtep = { VNI: 1, VtepMAC: `02:00:00:00:00:${number.toString(16).padStart(2, '0')}` }
  const lease: Lease = {
    subnets: { v4: Prefix.parse(`10.5.${number}.0/24`) },
    publicAddresses: { v4: IpAddress.parse(address) },
    backendType: 'host-gw',
    backendData: {},
    node: { machineId: String(number).repeat(32), name: `node${number}`, lanes: { vxlan: { v4: vtep } } }
  }
  return { key: `10.5.${number}.0-24`, lease, revision: 1 }
}
