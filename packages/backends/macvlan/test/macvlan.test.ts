import { UNDERLAY_PARENT, underlayFacts, underlayLease } from '@trilane/compliance'
import { EMPTY_KERNEL_STATE, objectsOf } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { macvlan } from '../src/index.ts'

/** A node `192.168.77.1/24` whose pods are on its own segment, from `.64` on. */
const FACTS = underlayFacts(['v4'])
const LEASE = underlayLease('192.168.77.64/28', '192.168.77.1')
const optionsOf = (raw: Readonly<Record<string, unknown>> = {}) => macvlan.parseOptions(raw)
const nodeOf = (raw: Readonly<Record<string, unknown>> = {}, facts = FACTS) =>
  macvlan.nodeState(facts, LEASE, optionsOf(raw))
const summaryOf = (state: ReturnType<typeof nodeOf>) =>
  objectsOf(state).map(({ kind, value }) => `${kind} ${'name' in value ? value.name : ''}`.trim())

describe('options', () => {
  it('have defaults: bridge on the uplink, with a way between node and pods', () => {
    expect(optionsOf()).toEqual({ mode: 'bridge', gateways: {}, hostAccess: true, probeMs: 10 })
  })

  it('have no way between node and pods in modes that do not let it through', () => {
    for (const Mode of ['private', 'vepa', 'passthru']) expect(optionsOf({ Mode }).hostAccess).toBe(false)
  })

  it('say who of a node does not reach whom', () => {
    const said = (raw: Readonly<Record<string, unknown>>) => macvlan.separations?.(optionsOf(raw))
    const between = 'node and own pods'
    expect(said({})).toEqual([])
    expect(said({ HostAccess: false })).toEqual([{ between, reason: 'HostAccess is false' }])
    const reason = 'in mode private nothing passes between two macvlans'
    expect(said({ Mode: 'private' })).toEqual([
      { between, reason },
      { between: 'pods of one node', reason }
    ])
    expect(said({ Mode: 'passthru' })).toHaveLength(1)
    expect(said({ Mode: 'vepa' })?.[1]?.reason).toMatch(/where the switch sends back/)
  })

  it('name the parent', () => {
    expect(macvlan.parentDevice?.(optionsOf())).toBeUndefined()
    expect(macvlan.parentDevice?.(optionsOf({ parent: 'eth1' }))).toBe('eth1')
  })

  it('may change while pods talk, those apart that say where pods are', () => {
    expect(macvlan.liveOptionNames).toEqual(['MTU', 'Gateway', 'IPv6Gateway', 'HostAccess', 'ProbeMs'])
  })
})

describe('what the node needs', () => {
  it('is its own macvlan beside those of its pods', () => {
    expect(summaryOf(nodeOf())).toEqual(['link host-37a8eec1', 'address', 'route', 'sysctl', 'sysctl'])
    expect(nodeOf().links).toMatchObject([
      { kind: { type: 'macvlan', parent: 'eth0', mode: 'bridge' }, mtuBytes: 1500 }
    ])
    expect(nodeOf({ MTU: 1400 }).links).toMatchObject([{ mtuBytes: 1400 }])
  })

  it('is nothing where the node does not reach its pods', () => {
    expect(nodeOf({ HostAccess: false })).toEqual(EMPTY_KERNEL_STATE)
    expect(nodeOf({ Mode: 'passthru' })).toEqual(EMPTY_KERNEL_STATE)
  })

  it('is the VLAN that pods stand on, and both refuse router advertisements', () => {
    const state = nodeOf({ VLAN: 100 }, { ...FACTS, kernelHasIpv6: true })
    expect(state.links.map(({ name, kind }) => [name, 'parent' in kind && kind.parent])).toEqual([
      ['eth0.100', 'eth0'],
      ['host-37a8eec1', 'eth0.100']
    ])
    expect(state.sysctls.map(({ key }) => key)).toEqual([
      'net/ipv4/conf/host-37a8eec1/arp_filter',
      'net/ipv4/conf/host-37a8eec1/rp_filter',
      'net/ipv6/conf/eth0.100/accept_ra',
      'net/ipv6/conf/host-37a8eec1/accept_ra'
    ])
    expect(nodeOf({ VLAN: 100, HostAccess: false }).links.map(({ name }) => name)).toEqual(['eth0.100'])
  })
})

describe('a peer', () => {
  const near = underlayLease('192.168.77.80/28', '192.168.77.2')
  const far = underlayLease('192.168.77.96/28', '198.51.100.7')

  it('needs nothing on the segment', () => {
    expect(macvlan.peerState(FACTS, near, optionsOf())).toEqual(EMPTY_KERNEL_STATE)
  })

  it('is refused behind a router, where that can be told', () => {
    expect(() => macvlan.peerState(FACTS, far, optionsOf())).toThrow(
      'macvlan cannot reach the holder of 192.168.77.96/28 at 198.51.100.7: eth0 is 192.168.77.1/24'
    )
    for (const raw of [{ VLAN: 100 }, { Parent: 'eth1' }]) {
      const parent =
        'Parent' in raw ? { ...UNDERLAY_PARENT, name: 'eth1', addresses: [], onLink: [] } : UNDERLAY_PARENT
      expect(macvlan.peerState({ ...FACTS, parent }, far, optionsOf(raw))).toEqual(EMPTY_KERNEL_STATE)
    }
  })
})

describe('pods', () => {
  it('are children of the parent or of its VLAN, with the mode that was asked for', () => {
    expect(macvlan.podLink(FACTS, LEASE, optionsOf({ Mode: 'vepa', MTU: 1400 }))).toMatchObject({
      type: 'child',
      kind: { type: 'macvlan', parent: 'eth0', mode: 'vepa' },
      mtuBytes: 1400
    })
    expect(macvlan.podLink(FACTS, LEASE, optionsOf({ VLAN: 100 }))).toMatchObject({
      kind: { parent: 'eth0.100' }
    })
  })
})

describe('a parent that does not fit', () => {
  it('is refused when the lease is made', () => {
    const wireless = { ...FACTS, parent: { ...UNDERLAY_PARENT, isWireless: true } }
    expect(() => macvlan.leaseData(wireless, optionsOf())).toThrow('macvlan cannot be used on eth0')
    expect(macvlan.leaseData(FACTS, optionsOf())).toEqual({})
  })
})
