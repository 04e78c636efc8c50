import { UNDERLAY_PARENT, underlayFacts, underlayLease } from '@trilane/compliance'
import { commandsOf, EMPTY_KERNEL_STATE, objectsOf } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { ipvlan } from '../src/index.ts'

const DEVICE = 'host-37a8eec1'
/** A node `192.168.77.1/24` whose pods are on its own segment, from `.64` on. */
const FACTS = underlayFacts(['v4'])
const LEASE = underlayLease('192.168.77.64/28', '192.168.77.1')
const optionsOf = (raw: Readonly<Record<string, unknown>> = {}) => ipvlan.parseOptions(raw)
const nodeOf = (raw: Readonly<Record<string, unknown>> = {}, facts = FACTS) =>
  ipvlan.nodeState(facts, LEASE, optionsOf(raw))

describe('options', () => {
  it('have defaults: l2 on the uplink, with a way between node and pods', () => {
    expect(optionsOf()).toEqual({ mode: 'l2', flag: 'bridge', gateways: {}, hostAccess: true, probeMs: 10 })
  })

  it('have no way between node and pods where Linux lets none through', () => {
    for (const raw of [{ Mode: 'l3' }, { Mode: 'l3s' }, { Flag: 'private' }, { Flag: 'vepa' }]) {
      expect(optionsOf(raw).hostAccess).toBe(false)
    }
  })

  it('say who of a node does not reach whom', () => {
    const said = (raw: Readonly<Record<string, unknown>>) => ipvlan.separations?.(optionsOf(raw))
    const between = 'node and own pods'
    expect(said({})).toEqual([])
    expect(said({ HostAccess: false })).toEqual([{ between, reason: 'HostAccess is false' }])
    expect(said({ Mode: 'l3' })).toEqual([
      { between, reason: 'in mode l3 nothing passes from a node to its own pods' }
    ])
    expect(said({ Flag: 'vepa' })?.[1]?.reason).toMatch(/where the switch sends back/)
    const reason = 'with flag private nothing passes between two ipvlans'
    expect(said({ Flag: 'private' })).toEqual([
      { between, reason },
      { between: 'pods of one node', reason }
    ])
  })

  it('may change while pods talk, but not what is the parent’s', () => {
    expect(ipvlan.liveOptionNames).toEqual(['MTU', 'Gateway', 'IPv6Gateway', 'HostAccess', 'ProbeMs'])
    expect(ipvlan.parentDevice?.(optionsOf({ Parent: 'eth1' }))).toBe('eth1')
  })
})

describe('what the node needs', () => {
  it('is its own ipvlan beside those of its pods', () => {
    const state = nodeOf()
    expect(state.links).toMatchObject([
      { name: DEVICE, kind: { type: 'ipvlan', parent: 'eth0', mode: 'l2', flag: 'bridge' } }
    ])
    expect(state.links[0]?.mac).toBeUndefined()
    expect(state.addresses.map(({ address }) => String(address))).toEqual(['192.168.77.64'])
    expect(state.routes.map(({ destination }) => String(destination))).toEqual(['192.168.77.64/28'])
  })

  it.each([{ HostAccess: false }, { Mode: 'l3' }, { Mode: 'l3s' }, { Flag: 'private' }])(
    'is that ipvlan with %j too, as the keeper of mode and flag, without an address',
    (raw) => {
      const { mode, flag } = optionsOf(raw)
      expect(objectsOf(nodeOf(raw))).toMatchObject([
        { kind: 'link', value: { name: DEVICE, kind: { type: 'ipvlan', mode, flag } } }
      ])
    }
  )

  it('is the VLAN that pods stand on', () => {
    const state = nodeOf({ VLAN: 100 }, { ...FACTS, kernelHasIpv6: true })
    expect(state.links.map(({ name }) => name)).toEqual(['eth0.100', DEVICE])
    expect(state.links[1]?.kind).toMatchObject({ parent: 'eth0.100' })
    expect(state.sysctls.map(({ key }) => key)).toContain('net/ipv6/conf/eth0.100/accept_ra')
  })
})

describe('a peer', () => {
  const near = underlayLease('192.168.77.80/28', '192.168.77.2')
  const far = underlayLease('192.168.77.96/28', '198.51.100.7')
  const commands = (raw: Readonly<Record<string, unknown>>, facts = FACTS) =>
    objectsOf(ipvlan.peerState(facts, near, optionsOf(raw))).flatMap((object) =>
      commandsOf({ ...object, action: 'set' })
    )

  it('needs nothing on the segment, and a route where nodes route', () => {
    expect(ipvlan.peerState(FACTS, near, optionsOf())).toEqual(EMPTY_KERNEL_STATE)
    for (const Mode of ['l3', 'l3s']) {
      expect(commands({ Mode })).toEqual([
        'ip route replace 192.168.77.80/28 via 192.168.77.2 dev eth0 proto 133'
      ])
    }
  })

  it('is routed by the parent, where what pods send is routed', () => {
    const parent = { ...UNDERLAY_PARENT, name: 'eth1' }
    expect(commands({ Mode: 'l3', Parent: 'eth1' }, { ...FACTS, parent })).toEqual([
      'ip route replace 192.168.77.80/28 via 192.168.77.2 dev eth1 proto 133'
    ])
    const elsewhere = { ...parent, onLink: [Prefix.parse('10.1.0.0/16')] }
    expect(() => commands({ Mode: 'l3', Parent: 'eth1' }, { ...FACTS, parent: elsewhere })).toThrow(
      expect.objectContaining({ code: 'TRI_PEER_NOT_ON_LINK' })
    )
  })

  it('is refused behind a router', () => {
    for (const Mode of ['l2', 'l3']) {
      expect(() => ipvlan.peerState(FACTS, far, optionsOf({ Mode }))).toThrow(
        'ipvlan cannot reach the holder of 192.168.77.96/28 at 198.51.100.7: eth0 is 192.168.77.1/24'
      )
    }
    expect(ipvlan.peerState(FACTS, far, optionsOf({ VLAN: 100 }))).toEqual(EMPTY_KERNEL_STATE)
  })
})

describe('pods', () => {
  const linkOf = (raw: Readonly<Record<string, unknown>>) => ipvlan.podLink(FACTS, LEASE, optionsOf(raw))

  it('are on the segment in l2: the router leads out, the node is behind its address among them', () => {
    const link = linkOf({})
    expect(link).toMatchObject({ type: 'child', kind: { type: 'ipvlan', mode: 'l2', flag: 'bridge' } })
    expect(JSON.parse(JSON.stringify(link.families))).toEqual({
      v4: {
        onLink: '192.168.77.0/24',
        reserved: ['192.168.77.64'],
        routes: [
          { destination: '0.0.0.0/0', gateway: '192.168.77.62' },
          { destination: '192.168.77.1/32', gateway: '192.168.77.64' }
        ]
      }
    })
  })

  it('send everything straight on their link in l3: their node routes it', () => {
    for (const Mode of ['l3', 'l3s']) {
      expect(JSON.parse(JSON.stringify(linkOf({ Mode }).families))).toEqual({
        v4: {
          onLink: '192.168.77.0/24',
          reserved: ['192.168.77.64'],
          routes: [{ destination: '0.0.0.0/0' }]
        }
      })
    }
  })
})

describe('a parent that does not fit', () => {
  it('is refused when the lease is made', () => {
    const child = {
      name: 'theirs',
      kind: { type: 'ipvlan', parent: 'eth0', mode: 'l3', flag: 'bridge' }
    } as const
    const facts = { ...FACTS, parent: { ...UNDERLAY_PARENT, children: [child] } }
    expect(() => ipvlan.leaseData(facts, optionsOf())).toThrow(
      'no ipvlan of mode l2 and flag bridge can stand on eth0: theirs is an ipvlan of mode l3 and flag bridge'
    )
    expect(ipvlan.leaseData(facts, optionsOf({ Mode: 'l3' }))).toEqual({})
  })

  it('is any segment in l3: the nodes route', () => {
    const elsewhere = { ...UNDERLAY_PARENT, onLink: [Prefix.parse('10.1.0.0/16')] }
    expect(ipvlan.leaseData({ ...FACTS, parent: elsewhere }, optionsOf({ Mode: 'l3' }))).toEqual({})
    expect(() => ipvlan.leaseData({ ...FACTS, parent: elsewhere }, optionsOf())).toThrow(
      'is not on its segment'
    )
  })
})
