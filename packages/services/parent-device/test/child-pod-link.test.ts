import { UNDERLAY_CARD, UNDERLAY_LEASE, UNDERLAY_PARENT, underlayFacts } from '@trilane/compliance'
import { IpAddress, Prefix, valuesOf } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { childPodLink } from '../src/index.ts'
import { HOST_ADDRESSES, optionsOf } from './given.ts'

const KIND = { type: 'macvlan', parent: 'eth0', mode: 'bridge' } as const

function linkOf(raw: Readonly<Record<string, unknown>> = {}, facts = underlayFacts(), isRouted = false) {
  const wish = {
    kind: KIND,
    mtuBytes: 1500,
    options: optionsOf(raw),
    hostAddresses: HOST_ADDRESSES,
    isRouted
  }
  return childPodLink(facts, UNDERLAY_LEASE, wish)
}

const textsOf = (link: ReturnType<typeof linkOf>) =>
  valuesOf(link.families).map(({ onLink, reserved, routes }) => ({
    onLink: String(onLink),
    reserved: reserved.map(String),
    routes: routes.map(({ destination, gateway }) => `${destination} via ${gateway}`)
  }))

describe('how pods are plugged in', () => {
  it('has the network’s prefix, the router’s way out and a way to the node', () => {
    expect(linkOf()).toMatchObject({ type: 'child', kind: KIND, mtuBytes: 1500, probeMs: 10 })
    expect(textsOf(linkOf())).toEqual([
      {
        onLink: '192.168.77.0/24',
        reserved: ['192.168.77.64'],
        routes: ['0.0.0.0/0 via 192.168.77.62', '192.168.77.1/32 via 192.168.77.64']
      },
      {
        onLink: 'fd00:77::/64',
        reserved: ['fd00:77::1:0'],
        routes: ['::/0 via fe80::62', 'fd00:77::1/128 via fd00:77::1:0']
      }
    ])
  })

  it('keeps the node’s address back without HostAccess too, but has no way to it', () => {
    expect(textsOf(linkOf({ HostAccess: false, ProbeMs: 0 }))).toEqual([
      expect.objectContaining({
        reserved: ['192.168.77.64'],
        routes: ['0.0.0.0/0 via 192.168.77.62']
      }),
      expect.objectContaining({ reserved: ['fd00:77::1:0'], routes: ['::/0 via fe80::62'] })
    ])
    expect(linkOf({ ProbeMs: 0 }).probeMs).toBe(0)
  })

  it('has no way out where no router is known', () => {
    expect(
      textsOf(linkOf({}, underlayFacts(['v4', 'v6'], UNDERLAY_CARD))).map(({ routes }) => routes)
    ).toEqual([['192.168.77.1/32 via 192.168.77.64'], ['fd00:77::1/128 via fd00:77::1:0']])
    expect(textsOf(linkOf({ VLAN: 100, HostAccess: false })).map(({ routes }) => routes)).toEqual([[], []])
    const off = underlayFacts(['v4'], { ...UNDERLAY_PARENT, gateways: { v4: IpAddress.parse('10.1.1.1') } })
    expect(textsOf(linkOf({ HostAccess: false }, off))[0]?.routes).toEqual([])
  })

  it('prefers the router that is configured, on a VLAN too', () => {
    const raw = { VLAN: 100, Gateway: '192.168.77.9', IPv6Gateway: 'fd00:77::9', HostAccess: false }
    expect(textsOf(linkOf(raw)).map(({ routes }) => routes)).toEqual([
      ['0.0.0.0/0 via 192.168.77.9'],
      ['::/0 via fd00:77::9']
    ])
  })

  it('leads straight on the link where the node routes', () => {
    const routed = linkOf({ HostAccess: false }, underlayFacts(), true)
    expect(valuesOf(routed.families).map(({ routes }) => routes)).toEqual([
      [{ destination: Prefix.parse('0.0.0.0/0') }],
      [{ destination: Prefix.parse('::/0') }]
    ])
  })

  it('keeps back what is in the slice: router and node, excluded though they are', () => {
    const inside = { address: IpAddress.parse('192.168.77.70'), prefixLength: 24 }
    const facts = underlayFacts(['v4'], {
      ...UNDERLAY_PARENT,
      addresses: [...UNDERLAY_PARENT.addresses, inside]
    })
    expect(textsOf(linkOf({ Gateway: '192.168.77.78' }, facts))[0]).toEqual({
      onLink: '192.168.77.0/24',
      reserved: ['192.168.77.64', '192.168.77.78', '192.168.77.70'],
      routes: [
        '0.0.0.0/0 via 192.168.77.78',
        '192.168.77.1/32 via 192.168.77.64',
        '192.168.77.70/32 via 192.168.77.64'
      ]
    })
  })

  it('keeps back what the node still has of a former choice, as far as it is in the slice', () => {
    const nodeAddresses = ['192.168.77.33', '192.168.77.64', '192.168.77.66'].map((text) =>
      IpAddress.parse(text)
    )
    const facts = { ...underlayFacts(['v4']), pods: { addresses: [], nodeAddresses, kinds: [] } }
    expect(textsOf(linkOf({}, facts))[0]?.reserved).toEqual(['192.168.77.64', '192.168.77.66'])
  })

  it('leads to the uplink’s address too, where pods stand on another device', () => {
    const parent = {
      ...UNDERLAY_CARD,
      addresses: [{ address: IpAddress.parse('192.168.77.2'), prefixLength: 24 }]
    }
    expect(textsOf(linkOf({}, underlayFacts(['v4'], parent)))[0]?.routes).toEqual([
      '192.168.77.2/32 via 192.168.77.64',
      '192.168.77.1/32 via 192.168.77.64'
    ])
  })
})
