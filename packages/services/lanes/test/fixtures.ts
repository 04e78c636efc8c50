import {
  type Backend,
  type Clock,
  EMPTY_KERNEL_STATE,
  type Lease,
  type Neighbour,
  type NetworkConfig,
  type NodeFacts,
  type StoredLease,
  TrilaneError
} from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'

const traits = {
  overheadBytes: { v4: 0, v6: 0 },
  hostReachesPods: true,
  podsHaveOwnMac: false,
  podsOnNodeNetwork: false
}

/** Like host-gw: straight to whoever is on the segment 192.168.77.0/24, when this node's address is its own. */
export const direct: Backend = {
  type: 'direct',
  category: 'route',
  summary: '',
  traits: { ...traits, needsSharedLink: true, servesEveryPeer: true },
  parseOptions: () => ({}),
  optionNames: [],
  leaseData: ({ publicAddresses }) => {
    if (String(publicAddresses.v4) === '203.0.113.1') throw internal('it is behind a NAT')
    return {}
  },
  nodeState: () => EMPTY_KERNEL_STATE,
  peerState: (node, peer) => {
    const gateway = addressOf(peer)
    if (!gateway.toString().startsWith('192.168.77.')) throw internal(`${gateway} is elsewhere`)
    return routed(peer, node.uplink.name, gateway)
  },
  podLink: (node) => podLink(node.uplink.mtuBytes),
  podState: (_node, _lease, link) => ({
    ...EMPTY_KERNEL_STATE,
    links: [{ name: 'cni0', kind: { type: 'bridge' }, mtuBytes: link.mtuBytes }]
  })
}

/** Like vxlan: to whoever publishes his end. */
export const tunnel: Backend = {
  ...direct,
  type: 'tunnel',
  category: 'overlay',
  traits: { ...traits, needsSharedLink: false, servesEveryPeer: false },
  parseOptions: (raw) => {
    if (raw.Port === 'x') {
      const values = { path: 'Backend.Port', value: 'x', allowed: 'a port' }
      throw TrilaneError.of('TRI_CONFIG_INVALID', values)
    }
    return raw
  },
  leaseData: () => ({ v4: { end: 'here' } }),
  nodeState: () => ({ ...EMPTY_KERNEL_STATE, links: [{ name: 'tun0', kind: { type: 'vxlan', vni: 1 } }] }),
  peerState: (_node, peer) => {
    if (peer.backendData.v4 === undefined) throw internal('it publishes no end')
    return routed(peer, 'tun0', addressOf(peer))
  },
  podLink: (node) => podLink(node.uplink.mtuBytes - 50)
}

export const underlay: Backend = {
  ...tunnel,
  type: 'underlay',
  category: 'underlay',
  traits: { ...tunnel.traits, servesEveryPeer: true, podsOnNodeNetwork: true }
}

export const KNOWN: readonly Backend[] = [direct, tunnel, underlay]

function internal(text: string): TrilaneError {
  return TrilaneError.of('TRI_INTERNAL', { text })
}

function addressOf({ publicAddresses: { v4 } }: Lease): IpAddress {
  if (v4 === undefined) throw internal('it has no address')
  return v4
}

function routed(peer: Lease, device: string, gateway: IpAddress) {
  const destination = peer.subnets.v4
  if (destination === undefined) throw internal('it has no subnet')
  return { ...EMPTY_KERNEL_STATE, routes: [{ destination, gateway, device }] }
}

function podLink(mtuBytes: number) {
  return { type: 'bridge', bridge: 'cni0', mtuBytes, hairpin: true, families: {} } as const
}

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
  backend: { type: 'tunnel', options: {} },
  enableNftables: false
}

export function nodeAt(publicAddress = '192.168.77.1', device = 'eth0'): NodeFacts {
  return {
    name: 'node1',
    machineId: 'a'.repeat(32),
    network,
    uplink: {
      name: device,
      index: 2,
      mtuBytes: 1500,
      addresses: { v4: { address: IpAddress.parse('192.168.77.1'), prefixLength: 24 } },
      onLink: [Prefix.parse('192.168.77.0/24')]
    },
    publicAddresses: { v4: IpAddress.parse(publicAddress) },
    bridge: 'cni0'
  }
}

/** Node number 2 has 192.168.77.2 and 10.5.2.0/24. */
export function leaseOf(number: number, more: Partial<Lease> = {}): StoredLease {
  const lease: Lease = {
    subnets: { v4: Prefix.parse(`10.5.${number}.0/24`) },
    publicAddresses: { v4: IpAddress.parse(`192.168.77.${number}`) },
    backendType: 'tunnel',
    backendData: { v4: { end: 'there' } },
    node: { machineId: `m${number}`, name: `node${number}`, lanes: { direct: {} } },
    ...more
  }
  return { key: `10.5.${number}.0-24`, lease, revision: 1 }
}

export function neighbour(number: number, state: Neighbour['state'], device = 'eth0'): Neighbour {
  const address = IpAddress.parse(`192.168.77.${number}`)
  const isKnown = state !== 'failed' && state !== 'incomplete'
  return {
    device,
    address,
    ...(isKnown ? { mac: Mac.parse('02:00:00:00:00:02') } : {}),
    ...(state === undefined ? {} : { state })
  }
}

/** A clock that goes when it is told. */
export class HandClock implements Clock {
  nowMs = 1_000_000
  wallMs(): number {
    return this.nowMs
  }
  monotonicMs(): number {
    return this.nowMs
  }
  bootMs(): number {
    return this.nowMs
  }
  async sleep(ms: number): Promise<void> {
    this.nowMs += ms
  }
}
