import type { KernelObject, Link, LinkKind, Neighbour, Route } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { firstDifference, kindDifference } from '../src/index.ts'
import { address, bridge, ip, mac, neighbour, net, route, vxlan } from './things.ts'

const linkObject = (value: Link): KernelObject => ({ kind: 'link', value })
const routeObject = (value: Route): KernelObject => ({ kind: 'route', value })

/** As the kernel reports it: with every field. */
const READ_ROUTE: Route = {
  ...route('10.5.2.0/24', '192.168.1.2'),
  type: 'unicast',
  metric: 0,
  table: 254,
  scope: 'global',
  source: ip('192.168.1.1')
}

describe('firstDifference of routes', () => {
  it.each<[string, Partial<Route>, Partial<Route>, string | undefined]>([
    ['what is not given is not compared', {}, {}, undefined],
    ['gateway', { gateway: ip('192.168.1.3') }, {}, 'has gateway 192.168.1.2, wanted 192.168.1.3'],
    ['device', { device: 'eth1' }, {}, 'has device eth0, wanted eth1'],
    ['protocol', {}, { protocol: 3 }, 'has protocol 3, wanted 133'],
    ['source', { source: ip('10.5.1.1') }, {}, 'has source 192.168.1.1, wanted 10.5.1.1'],
    ['type', {}, { type: 'blackhole' }, 'has type blackhole, wanted unicast'],
    ['a given default type', { type: 'unicast' }, {}, undefined],
    ['onlink wanted', { onlink: true }, {}, 'has onlink false, wanted true'],
    ['onlink there', { onlink: true }, { onlink: true }, undefined],
    ['onlink not wanted, reported only when set', { onlink: false }, {}, undefined],
    ['onlink not mine to say', {}, { onlink: true }, undefined],
    ['scope', {}, { scope: 'site' }, 'has scope site, wanted global'],
    [
      'several next hops',
      {},
      { nextHops: [{ gateway: ip('192.168.1.2'), device: 'eth0', weight: 1 }] },
      'has next hops in parallel, wanted a single one'
    ]
  ])('%s', (_name, wanted, actual, difference) => {
    const text = firstDifference(
      routeObject({ ...route('10.5.2.0/24', '192.168.1.2'), ...wanted }),
      routeObject({ ...READ_ROUTE, ...actual })
    )
    expect(text).toBe(difference === undefined ? undefined : `route 254 10.5.2.0/24 0 ${difference}`)
  })

  it('a device without a gateway means on this segment', () => {
    const wanted = routeObject({ destination: net('10.5.2.0/24'), device: 'eth0' })
    expect(firstDifference(wanted, routeObject(READ_ROUTE))).toMatch('has gateway 192.168.1.2, wanted none')
  })

  it('IPv6 has no scopes: Linux says global of every route', () => {
    const wanted: Route = { destination: net('fd00:5::/64'), device: 'eth0', protocol: 133 }
    const actual: Route = { ...wanted, type: 'unicast', metric: 1024, table: 254, scope: 'global' }
    expect(firstDifference(routeObject(wanted), routeObject(actual))).toBeUndefined()
  })

  it('a blackhole has no next hop of its own: IPv6 reports lo', () => {
    const wanted: Route = { destination: net('fd00:5::/64'), type: 'blackhole', protocol: 133 }
    expect(firstDifference(routeObject(wanted), routeObject({ ...wanted, device: 'lo' }))).toBeUndefined()
  })
})

describe('firstDifference of links', () => {
  const read = { ...vxlan('flannel.1', 1), mtuBytes: 1450, mac: mac('0e:00:00:00:00:01'), master: null }

  it.each<[string, Link, string | undefined]>([
    ['equal', vxlan('flannel.1', 1), undefined],
    ['vni', vxlan('flannel.1', 2), 'link flannel.1 has vni 1, wanted 2'],
    ['another type', bridge('flannel.1'), 'link flannel.1 has type vxlan, wanted bridge'],
    ['mtu', vxlan('flannel.1', 1, { mtuBytes: 1400 }), 'link flannel.1 has mtuBytes 1450, wanted 1400'],
    [
      'mac',
      vxlan('flannel.1', 1, { mac: mac('0e:00:00:00:00:02') }),
      'link flannel.1 has mac 0e:00:00:00:00:01, wanted 0e:00:00:00:00:02'
    ],
    ['equal mac', vxlan('flannel.1', 1, { mac: mac('0E:00:00:00:00:01') }), undefined],
    ['no master', vxlan('flannel.1', 1, { master: null }), undefined],
    ['master', vxlan('flannel.1', 1, { master: 'br0' }), 'link flannel.1 has no master, wanted br0'],
    ['namespace is never read back', vxlan('flannel.1', 1, { namespace: '/run/netns/x' }), undefined]
  ])('%s', (_name, wanted, difference) => {
    expect(firstDifference(linkObject(wanted), linkObject(read))).toBe(difference)
  })

  it('the other end of a pair is never read back', () => {
    const wanted: Link = { name: 'v0', kind: { type: 'veth', peer: { name: 'eth0' } } }
    expect(kindDifference(wanted, { name: 'v0', kind: { type: 'veth' } })).toBeUndefined()
  })

  it.each<[LinkKind, LinkKind, string | undefined]>([
    [
      { type: 'vlan', parent: 'eth0', vlanId: 7 },
      { type: 'vlan', parent: 'eth0', vlanId: 8 },
      'vlanId 8, wanted 7'
    ],
    [
      { type: 'vlan', parent: 'eth0', vlanId: 7 },
      { type: 'vlan', parent: 'eth1', vlanId: 7 },
      'parent eth1, wanted eth0'
    ],
    [
      { type: 'vxlan', vni: 1, parent: 'eth0', local: ip('192.168.1.1'), learning: true },
      { type: 'vxlan', vni: 1, parent: 'eth1', local: ip('192.168.1.9'), learning: false },
      undefined
    ],
    [
      { type: 'vxlan', vni: 1, local: ip('192.168.1.1') },
      { type: 'vxlan', vni: 1, local: ip('fd00::9') },
      'local fd00::9, wanted 192.168.1.1'
    ],
    [{ type: 'vxlan', vni: 1, gbp: true }, { type: 'vxlan', vni: 1, gbp: false }, 'gbp false, wanted true'],
    [{ type: 'vxlan', vni: 1 }, { type: 'vxlan', vni: 1, port: 4789 }, undefined],
    [{ type: 'vxlan', vni: 1, port: 8472 }, { type: 'vxlan', vni: 1, port: 4789 }, 'port 4789, wanted 8472']
  ])('what cannot be changed: %j against %j', (wanted, actual, difference) => {
    const text = kindDifference({ name: 'x', kind: wanted }, { name: 'x', kind: actual })
    expect(text).toBe(difference === undefined ? undefined : `link x has ${difference}`)
  })
})

describe('firstDifference of the rest', () => {
  it('an address is all key; whether detection of duplicates was skipped is not read back', () => {
    const wanted = { ...address('cni0', 'fd00:5::1/64'), skipDad: true }
    const actual = address('cni0', 'fd00:5::1/64')
    expect(
      firstDifference({ kind: 'address', value: wanted }, { kind: 'address', value: actual })
    ).toBeUndefined()
  })

  it.each<[string, Partial<Neighbour>, string | undefined]>([
    ['equal', {}, undefined],
    ['learnt by the kernel', { state: 'reachable' }, 'has state reachable, wanted permanent'],
    ['another mac', { mac: mac('0e:00:00:00:00:03') }, 'has mac 0e:00:00:00:00:03, wanted 0e:00:00:00:00:02']
  ])('neighbour: %s', (_name, actual, difference) => {
    const { state: _, ...wanted } = neighbour('flannel.1', '10.5.2.0', '0e:00:00:00:00:02')
    const value = { ...neighbour('flannel.1', '10.5.2.0', '0e:00:00:00:00:02'), ...actual }
    const text = firstDifference({ kind: 'neighbour', value: wanted }, { kind: 'neighbour', value })
    expect(text).toBe(difference === undefined ? undefined : `neighbour flannel.1 10.5.2.0 ${difference}`)
  })

  it.each([
    ['1', '1\n', undefined],
    ['32768 60999', '32768\t60999\n', undefined],
    ['1', '0\n', 'sysctl k has value 0, wanted 1']
  ])('sysctl %j against %j', (wanted, actual, difference) => {
    const object = (value: string): KernelObject => ({ kind: 'sysctl', value: { key: 'k', value } })
    expect(firstDifference(object(wanted), object(actual))).toBe(difference)
  })
})
