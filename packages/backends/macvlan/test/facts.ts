import type { Lease, NodeFacts, ParentDevice } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'

const NETWORK = Prefix.parse('192.168.77.0/24')
const ADDRESS = IpAddress.parse('192.168.77.1')

/** The uplink of {@link FACTS}. */
export const PARENT: ParentDevice = {
  name: 'eth0',
  index: 2,
  mtuBytes: 1500,
  isWireless: false,
  addresses: [{ address: ADDRESS, prefixLength: 24 }],
  onLink: [NETWORK],
  gateways: { v4: IpAddress.parse('192.168.77.62') },
  children: []
}

/** A node `192.168.77.1/24` whose pods are on its own segment, from `.64` on. */
export const FACTS: NodeFacts = {
  name: 'blue',
  machineId: '0123456789abcdef0123456789abcdef',
  network: {
    name: 'default',
    families: {
      v4: {
        network: NETWORK,
        subnetLength: 28,
        subnetMin: IpAddress.parse('192.168.77.64'),
        subnetMax: IpAddress.parse('192.168.77.240')
      }
    },
    backend: { type: 'macvlan', options: {} },
    enableNftables: false
  },
  uplink: {
    name: 'eth0',
    index: 2,
    mtuBytes: 1500,
    addresses: { v4: { address: ADDRESS, prefixLength: 24 } },
    onLink: [NETWORK]
  },
  publicAddresses: { v4: ADDRESS },
  bridge: 'cni0',
  parent: PARENT
}

export function leaseOf(subnet: string, address: string): Lease {
  return {
    subnets: { v4: Prefix.parse(subnet) },
    publicAddresses: { v4: IpAddress.parse(address) },
    backendType: 'macvlan',
    backendData: {}
  }
}

export const LEASE = leaseOf('192.168.77.64/28', '192.168.77.1')
