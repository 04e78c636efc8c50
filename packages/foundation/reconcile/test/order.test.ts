import { commandOf, type KernelChange, type KernelObject } from '@trilane/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orderChanges } from '../src/index.ts'
import { address, bridge, fdb, neighbour, route, vxlan } from './things.ts'

const change = (action: KernelChange['action'], object: KernelObject): KernelChange => ({ ...object, action })
const link = (value: (KernelObject & { kind: 'link' })['value']): KernelObject => ({ kind: 'link', value })
const routeTo = (...parts: Parameters<typeof route>): KernelObject => ({
  kind: 'route',
  value: route(...parts)
})
const addressOn = (...parts: Parameters<typeof address>): KernelObject => ({
  kind: 'address',
  value: address(...parts)
})
const neighbourOf = (...parts: Parameters<typeof neighbour>): KernelObject => ({
  kind: 'neighbour',
  value: neighbour(...parts)
})
const fdbOf = (...parts: Parameters<typeof fdb>): KernelObject => ({ kind: 'fdb', value: fdb(...parts) })
const { up: _, ...down } = vxlan('flannel.1', 1)
const DIRECT: KernelObject = {
  kind: 'route',
  value: { destination: route('10.9.0.0/16', '10.9.0.1').destination, device: 'eth0' }
}

/** Every kind of change once, in the order in which they must be done. */
const IN_ORDER: readonly KernelChange[] = [
  change('remove', link(vxlan('flannel.1', 9))),
  change('create', link(down)),
  change('set', link({ name: 'cni0', kind: { type: 'bridge' }, mtuBytes: 1450 })),
  change('set', { kind: 'sysctl', value: { key: 'net/ipv4/ip_forward', value: '1' } }),
  change('remove', addressOn('cni0', '10.5.1.1/24')),
  change('set', addressOn('cni0', '10.5.1.2/24')),
  change('set', link({ name: 'flannel.1', kind: { type: 'vxlan', vni: 1 }, up: true })),
  change('set', neighbourOf('flannel.1', '10.5.2.0', '0e:00:00:00:00:02')),
  change('set', fdbOf('flannel.1', '0e:00:00:00:00:02', '192.168.1.2')),
  change('remove', routeTo('10.5.2.0/24', '192.168.1.9')),
  change('set', DIRECT),
  change('set', routeTo('10.5.2.0/24', '192.168.1.2')),
  change('remove', routeTo('10.5.3.0/24', '192.168.1.3')),
  change('remove', {
    kind: 'route',
    value: { destination: route('10.8.0.0/16', '10.8.0.1').destination, device: 'eth0' }
  }),
  change('remove', fdbOf('flannel.1', '0e:00:00:00:00:03', '192.168.1.3')),
  change('remove', neighbourOf('flannel.1', '10.5.3.0', '0e:00:00:00:00:03')),
  change('remove', addressOn('cni0', '10.7.0.1/24')),
  change('remove', link(bridge('cni9')))
]

describe('orderChanges', () => {
  it('restores the one safe order from any other', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...IN_ORDER], { minLength: IN_ORDER.length }), (shuffled) => {
        expect(orderChanges(shuffled).map(commandOf)).toEqual(IN_ORDER.map(commandOf))
      })
    )
  })

  it('makes first what others stand on, and removes it last', () => {
    const chain = [
      link({ name: 'child', kind: { type: 'macvlan', parent: 'tagged' } }),
      link({ name: 'tagged', kind: { type: 'vlan', parent: 'br0', vlanId: 7 } }),
      link({ name: 'br0', kind: { type: 'bridge' }, master: 'br1' }),
      link({ name: 'br1', kind: { type: 'bridge' } })
    ]
    const names = (action: KernelChange['action']): string[] =>
      orderChanges(chain.map((object) => change(action, object))).map(({ value }) =>
        'name' in value ? value.name : ''
      )
    expect(names('create')).toEqual(['br1', 'br0', 'tagged', 'child'])
    expect(names('remove')).toEqual(['child', 'tagged', 'br0', 'br1'])
  })

  it('gives a device its MTU before something is made on it that needs it', () => {
    const parent = change('set', link({ name: 'cni0', kind: { type: 'bridge' }, mtuBytes: 1450 }))
    const other = change('set', link({ name: 'br9', kind: { type: 'bridge' }, mtuBytes: 1450 }))
    const kind = { type: 'macvlan', parent: 'cni0', mode: 'bridge' } as const
    const child = change('create', link({ name: 'mv0', kind, mtuBytes: 1450 }))
    expect(orderChanges([other, child, parent])).toEqual([parent, child, other])
  })

  it('devices that stand on each other end somewhere', () => {
    const circle = [
      change('create', link({ name: 'a', kind: { type: 'macvlan', parent: 'b' } })),
      change('create', link({ name: 'b', kind: { type: 'macvlan', parent: 'a' } }))
    ]
    expect(orderChanges(circle)).toHaveLength(2)
  })

  it('removes an IPv6 address before it comes back with another prefix length', () => {
    const written = change('set', addressOn('cni0', 'fd00:5::1/48'))
    const removed = change('remove', addressOn('cni0', 'fd00:5::1/64'))
    expect(orderChanges([written, removed])).toEqual([removed, written])
  })

  it('an address that moves to another device is for a moment on both', () => {
    const written = change('set', addressOn('cni1', '10.5.1.1/24'))
    const removed = change('remove', addressOn('cni0', '10.5.1.1/24'))
    expect(orderChanges([removed, written])).toEqual([written, removed])
  })

  it.each<[string, KernelObject]>([
    ['routes', routeTo('10.5.2.0/24', '10.5.2.0', { device: 'flannel.1' })],
    ['neighbours', neighbourOf('flannel.1', '10.5.2.0', '0e:00:00:00:00:02')]
  ])('removes what may be the last IPv4 address of a device before its %s are written', (_name, object) => {
    const written = change('set', object)
    const removed = change('remove', addressOn('flannel.1', '10.5.9.0/32'))
    expect(orderChanges([written, removed])).toEqual([removed, written])
  })

  it('leaves it to the end when another address is written', () => {
    const written = [
      change('set', addressOn('flannel.1', '10.5.1.0/32')),
      change('set', routeTo('10.5.2.0/24', '10.5.2.0', { device: 'flannel.1' }))
    ]
    const removed = change('remove', addressOn('flannel.1', '10.5.9.0/32'))
    expect(orderChanges([removed, ...written])).toEqual([...written, removed])
  })

  it('keeps everything, once', () => {
    const routes = [2, 3, 4].map((number) =>
      change('set', routeTo(`10.5.${number}.0/24`, `192.168.1.${number}`))
    )
    expect(orderChanges(routes)).toEqual(routes)
  })
})
