import { commandOf, type KernelObject, type KernelSnapshot, type Link, objectsOf } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { compare, diff, indexSnapshot } from '../src/index.ts'
import { bridge, ip, neighbour, net, route, state, vxlan } from './things.ts'

function read(parts: Partial<KernelSnapshot>): KernelSnapshot {
  return { ...state({}), links: [], addresses: [], ...parts }
}

const linkRead = (link: ReturnType<typeof bridge>) =>
  ({
    mtuBytes: 1500,
    up: true,
    master: null,
    ...link,
    index: 7,
    carrier: true,
    operational: true,
    loopback: false
  }) as const

const commands = (wanted: readonly KernelObject[], actual: KernelSnapshot): string[] =>
  diff(wanted, actual).map(commandOf)

describe('diff', () => {
  it('makes a device down and brings it up by itself, so that addresses can come between', () => {
    expect(diff(objectsOf(state({ links: [bridge('cni0')] })), read({}))).toEqual([
      {
        action: 'create',
        kind: 'link',
        value: { name: 'cni0', kind: { type: 'bridge' }, alias: 'trilane:default' }
      },
      { action: 'set', kind: 'link', value: { name: 'cni0', kind: { type: 'bridge' }, up: true } }
    ])
  })

  it('sets only attributes that differ', () => {
    const wanted = objectsOf(state({ links: [bridge('cni0', { mtuBytes: 1400, master: null })] }))
    expect(diff(wanted, read({ links: [linkRead(bridge('cni0'))] }))).toEqual([
      { action: 'set', kind: 'link', value: { name: 'cni0', kind: { type: 'bridge' }, mtuBytes: 1400 } }
    ])
  })

  it('changes a mode on the living device, apart from other attributes', () => {
    const child = (mode: 'bridge' | 'private' | 'passthru', mtuBytes: number): Link => ({
      name: 'mv0',
      kind: { type: 'macvlan', parent: 'eth0', mode },
      alias: 'trilane:default',
      mtuBytes
    })
    const set = (value: Partial<Link>) => ({ action: 'set', kind: 'link', value: { name: 'mv0', ...value } })
    const changes = (from: Link, to: Link) =>
      diff([{ kind: 'link', value: to }], read({ links: [linkRead(from)] }))
    expect(changes(child('private', 1500), child('bridge', 1400))).toEqual([
      set({ kind: { type: 'macvlan', parent: 'eth0', mode: 'bridge' } }),
      set({ kind: { type: 'macvlan', parent: 'eth0' }, mtuBytes: 1400 })
    ])
    expect(changes(child('passthru', 1500), child('bridge', 1500)).map(({ action }) => action)).toEqual([
      'remove',
      'create'
    ])
  })

  it('moves a tunnel to another uplink as it stands, with all that is on it', () => {
    const before = vxlan('flannel.1', 1, { mtuBytes: 1450 })
    const kind = { ...before.kind, parent: 'eth1', local: ip('192.168.1.9') } as const
    const gate = neighbour('flannel.1', '10.5.2.0', '0e:00:00:00:00:02')
    const wanted = objectsOf(state({ links: [{ ...before, kind }], neighbours: [gate] }))
    const actual = read({ links: [linkRead(before)], neighbours: [gate] })
    expect(diff(wanted, actual)).toEqual([
      { action: 'set', kind: 'link', value: { name: 'flannel.1', kind } }
    ])
  })

  it('gives ports back to a bridge that is made again', () => {
    const wanted = state({ links: [bridge('port', { master: 'br0' }), bridge('br0')] })
    const actual = read({ links: [linkRead(bridge('port', { master: 'br0' })), linkRead(vxlan('br0', 1))] })
    expect(commands(objectsOf(wanted), actual)).toContain('ip link set dev port master br0')
  })

  it('writes a route without a device again when the device that it left by is made again', () => {
    const { device: _, ...wish } = route('10.5.2.0/24', '10.5.2.1')
    const wanted = state({ links: [bridge('br0')], routes: [wish] })
    const actual = read({ links: [linkRead(vxlan('br0', 1))], routes: [{ ...wish, device: 'br0' }] })
    expect(commands(objectsOf(wanted), actual)).toContain(
      'ip route replace 10.5.2.0/24 via 10.5.2.1 proto 133'
    )
  })

  it('writes a parameter of a device again when the device is made again', () => {
    const sysctl = { key: 'net/ipv4/conf/br0/rp_filter', value: '2' }
    const wanted = state({ links: [bridge('br0')], sysctls: [sysctl] })
    const actual = read({ links: [linkRead(vxlan('br0', 1))], sysctls: [sysctl] })
    expect(commands(objectsOf(wanted), actual)).toContain('sysctl -w net/ipv4/conf/br0/rp_filter=2')
  })

  it('compares the first of several routes of one key: the others carry nothing', () => {
    const wish = route('10.5.2.0/24', '192.168.1.2')
    const other = route('10.5.2.0/24', '192.168.1.9', { protocol: 3 })
    const wanted = objectsOf(state({ routes: [wish] }))
    expect(diff(wanted, read({ routes: [wish, other] }))).toEqual([])
    expect(commands(wanted, read({ routes: [other, wish] }))).toEqual([
      // Linux refuses to replace the first by one that is there already.
      'ip route del 10.5.2.0/24 via 192.168.1.2 dev eth0 proto 133',
      'ip route replace 10.5.2.0/24 via 192.168.1.2 dev eth0 proto 133'
    ])
  })

  it('replaces a route with several next hops', () => {
    const wish = route('10.5.2.0/24', '192.168.1.2')
    const hops = [{ gateway: ip('192.168.1.2'), device: 'eth0', weight: 1 }]
    const several = { destination: net('10.5.2.0/24'), protocol: 133, nextHops: hops }
    expect(commands(objectsOf(state({ routes: [wish] })), read({ routes: [several] }))).toEqual([
      'ip route replace 10.5.2.0/24 via 192.168.1.2 dev eth0 proto 133'
    ])
  })

  it('makes no pod link again that is not the wanted one', () => {
    const wanted = objectsOf(state({ links: [vxlan('x', 1, { alias: 'trilane:default:c1:eth0' })] }))
    const actions = (alias: string): string[] =>
      diff(wanted, read({ links: [linkRead(bridge('x', { alias }))] })).map(({ action }) => action)
    expect(actions('trilane:default:c1:eth0')).toEqual(['remove', 'create', 'set'])
    expect(actions('trilane:default:c2:eth0')).toEqual([])
  })
})

describe('compare', () => {
  it('names foreign devices that are in the way, and what it made again', () => {
    const { alias: _, ...foreign } = vxlan('foreign', 1)
    const actual = read({ links: [linkRead(foreign), linkRead(vxlan('ours', 2))] })
    const comparison = compare(
      objectsOf(state({ links: [bridge('foreign'), bridge('ours')] })),
      indexSnapshot(actual)
    )
    expect(comparison.refused.map(({ error }) => error?.code)).toEqual(['TRI_KERNEL_EXISTS'])
    expect([...comparison.blocked]).toEqual(['foreign'])
    expect([...comparison.recreated]).toEqual([['ours', 'link ours has type vxlan, wanted bridge']])
  })
})
