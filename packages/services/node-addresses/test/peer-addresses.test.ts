import type { Lease, NodeFacts } from '@trilane/contracts'
import { type Family, IpAddress, mapFamilies, type PerFamily, Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { peerAddresses, peerName, uplinkAddress } from '../src/index.ts'

const NETWORKS = { v4: Prefix.parse('10.5.0.0/16'), v6: Prefix.parse('fd00:5::/48') }

function factsFor(...families: readonly Family[]): NodeFacts {
  const networks = mapFamilies(NETWORKS, (network, family) =>
    families.includes(family) ? network : undefined
  )
  return {
    name: 'blue',
    machineId: 'id',
    network: {
      name: 'default',
      families: mapFamilies(networks, (network) => ({
        network,
        subnetLength: network.length + 8,
        subnetMin: network.address,
        subnetMax: network.last
      })),
      backend: { type: 'x', options: {} },
      enableNftables: false
    },
    uplink: {
      name: 'eth0',
      index: 2,
      mtuBytes: 1500,
      addresses: { v4: { address: IpAddress.parse('192.0.2.1'), prefixLength: 24 } },
      onLink: []
    },
    publicAddresses: { v4: IpAddress.parse('203.0.113.1') },
    bridge: 'cni0'
  }
}

function peer(subnets: PerFamily<string>, addresses: PerFamily<string>): Lease {
  return {
    subnets: mapFamilies(subnets, (text) => Prefix.parse(text)),
    publicAddresses: mapFamilies(addresses, (text) => IpAddress.parse(text)),
    backendType: 'x',
    backendData: {}
  }
}

const GOOD = peer({ v4: '10.5.72.0/24', v6: 'fd00:5:0:72::/64' }, { v4: '192.0.2.2', v6: '2001:db8::2' })

describe('peerAddresses', () => {
  it('pairs each subnet with the address of its family', () => {
    expect(JSON.parse(JSON.stringify(peerAddresses(factsFor('v4', 'v6'), GOOD)))).toEqual([
      { family: 'v4', subnet: '10.5.72.0/24', address: '192.0.2.2' },
      { family: 'v6', subnet: 'fd00:5:0:72::/64', address: '2001:db8::2' }
    ])
  })

  it('leaves alone what the network does not have', () => {
    expect(peerAddresses(factsFor('v6'), GOOD).map(({ family }) => family)).toEqual(['v6'])
  })

  it.each([
    ['no subnet of the network', peer({ v6: 'fd00:5:0:72::/64' }, { v6: '2001:db8::2' }), 'it has no subnet'],
    ['the default route', peer({ v4: '0.0.0.0/0' }, { v4: '192.0.2.2' }), '0.0.0.0/0 is outside 10.5.0.0/16'],
    ['somebody else’s subnet', peer({ v4: '10.6.0.0/24' }, { v4: '192.0.2.2' }), 'is outside'],
    ['its address in its subnet', peer({ v4: '10.5.72.0/24' }, { v4: '10.5.72.9' }), 'inside its own subnet'],
    ['our uplink’s address', peer({ v4: '10.5.72.0/24' }, { v4: '192.0.2.1' }), "this node's own address"],
    ['our public address', peer({ v4: '10.5.72.0/24' }, { v4: '203.0.113.1' }), "this node's own address"]
  ])('refuses a peer with %s', (_, lease, problem) => {
    const ask = () => peerAddresses(factsFor('v4'), lease)
    expect(ask).toThrow(expect.objectContaining({ code: 'TRI_LEASE_INVALID' }))
    expect(ask).toThrow(problem)
  })

  it('refuses a subnet without an address of its family, and with it the whole peer', () => {
    const { subnets } = GOOD
    const publicAddresses = peer({}, { v4: '192.0.2.2' }).publicAddresses
    expect(() => peerAddresses(factsFor('v4', 'v6'), { ...GOOD, subnets, publicAddresses })).toThrow(
      expect.objectContaining({ code: 'TRI_PEER_FAMILY_MISSING' })
    )
  })
})

describe('names and own addresses', () => {
  it('name a peer by its node, else by what it holds', () => {
    expect(peerName(GOOD)).toBe('the holder of 10.5.72.0/24 & fd00:5:0:72::/64')
    expect(peerName({ ...GOOD, node: { machineId: 'x', name: 'red' } })).toBe('red')
  })

  it('say what the uplink lacks', () => {
    expect(String(uplinkAddress(factsFor('v4'), 'v4'))).toBe('192.0.2.1')
    expect(() => uplinkAddress(factsFor('v6'), 'v6')).toThrow(
      'eth0 has no IPv6 address, and network "default" has IPv6'
    )
  })
})
