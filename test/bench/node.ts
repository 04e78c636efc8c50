import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Lease, NodeFacts } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { run } from './programs.ts'

export const CLOCK: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  bootMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {})
}

const NETWORK = Prefix.parse('10.128.0.0/9')

/** The node that the benches run on: 172.16.0.1/16 on `eth0`, in the namespace that `npm run bench` makes. */
export const NODE: NodeFacts = {
  name: 'node',
  machineId: '0123456789abcdef0123456789abcdef',
  network: {
    name: 'bench',
    families: {
      v4: {
        network: NETWORK,
        subnetLength: 24,
        subnetMin: NETWORK.address,
        subnetMax: NETWORK.subnet(24, NETWORK.subnetCount(24) - 1n).address
      }
    },
    backend: { type: 'host-gw', options: {} },
    enableNftables: false
  },
  uplink: {
    name: 'eth0',
    index: 2,
    mtuBytes: 1500,
    addresses: { v4: { address: IpAddress.parse('172.16.0.1'), prefixLength: 16 } },
    onLink: [Prefix.parse('172.16.0.0/16')]
  },
  publicAddresses: { v4: IpAddress.parse('172.16.0.1') },
  bridge: 'cni0'
}

export const OWN_LEASE: Lease = {
  subnets: { v4: NETWORK.subnet(24, 0) },
  publicAddresses: NODE.publicAddresses,
  backendType: 'host-gw',
  backendData: {},
  node: { machineId: NODE.machineId, name: NODE.name }
}

/** @param number from 1; each has a subnet of its own @param address last two bytes of its address, 1 to 65534 */
export function peerLease(number: number, address = number + 1): Lease {
  return {
    subnets: { v4: NETWORK.subnet(24, number) },
    publicAddresses: { v4: IpAddress.fromBits('v4', IpAddress.parse('172.16.0.0').bits + BigInt(address)) },
    backendType: 'host-gw',
    backendData: {},
    node: { machineId: `machine-${number}`, name: `node ${number}` }
  }
}

/** The uplink of {@link NODE}. */
export async function makeUplink(): Promise<void> {
  await run(['ip', 'link', 'add', 'name', 'eth0', 'type', 'veth', 'peer', 'name', 'far'])
  await run(['ip', 'link', 'set', 'dev', 'far', 'up'])
  await run(['ip', 'link', 'set', 'dev', 'eth0', 'up'])
  await run(['ip', 'address', 'add', '172.16.0.1/16', 'dev', 'eth0'])
}
