import { commandsOf, type KernelState, objectsOf } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { hostGw } from '../src/index.ts'
import { factsFor, peerOf } from './facts.ts'

const DUAL = factsFor('v4', 'v6')
const PEER = peerOf({ v4: '10.5.72.0/24', v6: 'fd00:5:0:72::/64' }, { v4: '192.168.7.2', v6: 'fd00:7::2' })

const commands = (state: KernelState): string[] =>
  objectsOf(state).flatMap((object) => commandsOf({ ...object, action: 'set' }))

const refusal = (node: typeof DUAL, peer: typeof PEER) => () => hostGw.peerState(node, peer, {})

describe('host-gw peerState', () => {
  it('routes each subnet to the peer’s address of its family', () => {
    expect(commands(hostGw.peerState(DUAL, PEER, {}))).toEqual([
      'ip route replace 10.5.72.0/24 via 192.168.7.2 dev uplink0 proto 133',
      'ip -6 route replace fd00:5:0:72::/64 via fd00:7::2 dev uplink0 proto 133'
    ])
  })

  it('serves only the families of the network', () => {
    expect(commands(hostGw.peerState(factsFor('v6'), PEER, {}))).toEqual([
      'ip -6 route replace fd00:5:0:72::/64 via fd00:7::2 dev uplink0 proto 133'
    ])
    expect(
      commands(hostGw.peerState(DUAL, { ...PEER, subnets: peerOf({ v4: '10.5.72.0/24' }, {}).subnets }, {}))
    ).toEqual(['ip route replace 10.5.72.0/24 via 192.168.7.2 dev uplink0 proto 133'])
  })

  it('takes a link-local next hop in IPv6, and in IPv4 only from a link that has such addresses', () => {
    const peer = peerOf({ v6: 'fd00:5:0:72::/64' }, { v6: 'fe80::2' })
    expect(commands(hostGw.peerState(factsFor('v6'), peer, {}))).toEqual([
      'ip -6 route replace fd00:5:0:72::/64 via fe80::2 dev uplink0 proto 133'
    ])
    expect(refusal(factsFor('v4'), peerOf({ v4: '10.5.72.0/24' }, { v4: '169.254.0.2' }))).toThrow(
      expect.objectContaining({ code: 'TRI_PEER_NOT_ON_LINK' })
    )
  })

  it('takes a next hop that only a route without a gateway puts on the link', () => {
    const facts = factsFor('v4')
    const onLink = [...facts.uplink.onLink, Prefix.parse('172.20.0.0/16')]
    const peer = peerOf({ v4: '10.5.72.0/24' }, { v4: '172.20.3.4' })
    expect(refusal(facts, peer)).toThrow()
    expect(commands(hostGw.peerState({ ...facts, uplink: { ...facts.uplink, onLink } }, peer, {}))).toEqual([
      'ip route replace 10.5.72.0/24 via 172.20.3.4 dev uplink0 proto 133'
    ])
  })

  it.each([
    [
      'another segment',
      peerOf({ v4: '10.5.72.0/24' }, { v4: '192.168.8.2' }),
      'TRI_PEER_NOT_ON_LINK',
      'host-gw cannot reach the holder of 10.5.72.0/24 at 192.168.8.2: uplink0 is 192.168.7.1/24, another network'
    ],
    [
      'our own address',
      peerOf({ v4: '10.5.72.0/24' }, { v4: '192.168.7.1' }),
      'TRI_LEASE_INVALID',
      "192.168.7.1 is this node's own address"
    ],
    [
      'no address of the family',
      peerOf({ v4: '10.5.72.0/24', v6: 'fd00:5:0:72::/64' }, { v4: '192.168.7.2' }),
      'TRI_PEER_FAMILY_MISSING',
      'announces fd00:5:0:72::/64 but no IPv6 address'
    ],
    [
      'a subnet outside the network',
      peerOf({ v4: '192.168.0.0/16' }, { v4: '192.168.7.2' }),
      'TRI_LEASE_INVALID',
      '192.168.0.0/16 is outside 10.5.0.0/16'
    ],
    [
      'the default route',
      peerOf({ v4: '0.0.0.0/0' }, { v4: '192.168.7.2' }),
      'TRI_LEASE_INVALID',
      '0.0.0.0/0 is outside'
    ],
    ['no subnet at all', peerOf({}, { v4: '192.168.7.2' }), 'TRI_LEASE_INVALID', 'it has no subnet']
  ] as const)('refuses a peer with %s', (_case, peer, code, text) => {
    expect(refusal(DUAL, peer)).toThrow(expect.objectContaining({ code }))
    expect(refusal(DUAL, peer)).toThrow(text)
  })

  it('refuses a next hop inside the subnet that it shall lead to', () => {
    const facts = factsFor('v4')
    const uplink = { ...facts.uplink, onLink: [Prefix.parse('10.5.72.0/24')] }
    expect(refusal({ ...facts, uplink }, peerOf({ v4: '10.5.72.0/24' }, { v4: '10.5.72.1' }))).toThrow(
      expect.objectContaining({ code: 'TRI_LEASE_INVALID' })
    )
  })

  it('carries none of a peer’s families when it cannot carry all', () => {
    expect(
      refusal(
        DUAL,
        peerOf({ v4: '10.5.72.0/24', v6: 'fd00:5:0:72::/64' }, { v4: '192.168.7.2', v6: 'fd00:8::2' })
      )
    ).toThrow(expect.objectContaining({ code: 'TRI_PEER_NOT_ON_LINK' }))
  })
})
