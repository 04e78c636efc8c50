import {
  commandOf,
  type InterfaceAddressReading,
  type KernelSnapshot,
  type KernelState,
  keyOf,
  type Link,
  type LinkReading,
  objectsOf
} from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { podLinkAlias, type SweepScope, sweepChanges, uninstallChanges } from '../src/index.ts'
import { address, bridge, fdb, neighbour, net, route, state, vxlan } from './things.ts'

const SCOPE: SweepScope = { networks: new Map([['default', [net('10.5.0.0/16'), net('fd00:5::/32')]]]) }

function linkRead(link: Link): LinkReading {
  return {
    mtuBytes: 1500,
    up: true,
    master: null,
    ...link,
    index: 7,
    carrier: true,
    operational: true,
    loopback: false
  }
}

function addressRead(
  device: string,
  text: string,
  more: Partial<InterfaceAddressReading> = {}
): InterfaceAddressReading {
  return {
    ...address(device, text),
    scope: 'global',
    permanent: true,
    tentative: false,
    deprecated: false,
    temporary: false,
    ...more
  }
}

function read(parts: Partial<KernelSnapshot>): KernelSnapshot {
  return { ...state({}), links: [], addresses: [], ...parts }
}

function sweep(wanted: Partial<KernelState>, actual: Partial<KernelSnapshot>): string[] {
  const objects = new Map(objectsOf(state(wanted)).map((object) => [keyOf(object), object]))
  return sweepChanges((key) => objects.get(key), read(actual), SCOPE).map(commandOf)
}

const TUNNEL = vxlan('flannel.1', 1)
const BRIDGE = bridge('cni0')
const { alias: _, ...UNMARKED_TUNNEL } = TUNNEL

describe('sweepChanges', () => {
  it('leaves a device that is kept, and no other', () => {
    const links = [linkRead(TUNNEL), linkRead(BRIDGE)]
    const swept = sweepChanges(() => undefined, read({ links }), { ...SCOPE, kept: new Set(['cni0']) })
    expect(swept.map(commandOf)).toEqual(['ip link del dev flannel.1'])
  })

  it('removes an unwanted device of a network, and nothing on it by itself', () => {
    const actual = {
      links: [linkRead(TUNNEL)],
      addresses: [addressRead('flannel.1', '10.5.1.0/32')],
      neighbours: [neighbour('flannel.1', '10.5.2.0', '0e:00:00:00:00:02')]
    }
    expect(sweep({}, actual)).toEqual(['ip link del dev flannel.1'])
    expect(
      sweep({ links: [TUNNEL], addresses: actual.addresses, neighbours: actual.neighbours }, actual)
    ).toEqual([])
  })

  it.each<[string, Link]>([
    ['without a mark', UNMARKED_TUNNEL],
    ['with a mark of somebody else', bridge('br9', { alias: 'trilane' })],
    ['of a pod', bridge('veth1', { alias: podLinkAlias('default', { containerId: 'c1', ifname: 'eth0' }) })]
  ])('leaves a device %s', (_name, link) => {
    expect(sweep({}, { links: [linkRead(link)] })).toEqual([])
  })

  it('removes unwanted routes of ours, in whatever table, and no others', () => {
    const ours = route('10.5.2.0/24', '192.168.1.2')
    const inTable = route('10.5.2.0/24', '192.168.1.2', { table: 100 })
    const foreign = route('10.5.3.0/24', '192.168.1.3', { protocol: 3 })
    expect(sweep({ routes: [ours] }, { routes: [ours, inTable, foreign] })).toEqual([
      'ip route del 10.5.2.0/24 via 192.168.1.2 dev eth0 proto 133 table 100'
    ])
  })

  it('removes a leftover of ours behind a wanted route, if a removal can tell the two apart', () => {
    const wanted = route('10.5.2.0/24', '192.168.1.2')
    const behind = route('10.5.2.0/24', '192.168.1.9')
    expect(sweep({ routes: [wanted] }, { routes: [wanted, behind] })).toEqual([
      'ip route del 10.5.2.0/24 via 192.168.1.9 dev eth0 proto 133'
    ])
    const twin: typeof wanted = { ...wanted, type: 'blackhole' }
    expect(sweep({ routes: [wanted] }, { routes: [wanted, twin] })).toEqual([])
  })

  it('removes unwanted addresses of its networks from wanted devices that bear the mark', () => {
    const addresses = [
      addressRead('cni0', '10.5.9.1/24'),
      addressRead('cni0', 'fd00:5:9::1/64'),
      addressRead('cni0', '172.16.0.1/24'),
      addressRead('cni0', 'fd00:5::abcd/64', { permanent: false }),
      addressRead('eth0', '10.5.9.1/24')
    ]
    const links = [linkRead(BRIDGE), linkRead({ name: 'eth0', kind: { type: 'other', kernelType: '' } })]
    expect(sweep({ links: [BRIDGE] }, { links, addresses })).toEqual([
      'ip address del 10.5.9.1/24 dev cni0',
      'ip address del fd00:5:9::1/64 dev cni0'
    ])
  })

  it('leaves what is on a device of another kind than wanted: it is foreign, or made again', () => {
    const links = [linkRead(vxlan('cni0', 1))]
    expect(sweep({ links: [BRIDGE] }, { links, addresses: [addressRead('cni0', '10.5.9.1/24')] })).toEqual([])
  })

  it('counts a device as its own when this very pass adopts it', () => {
    const leftover = neighbour('flannel.1', '10.5.2.0', '0e:00:00:00:00:02')
    expect(
      sweep({ links: [TUNNEL] }, { links: [linkRead(UNMARKED_TUNNEL)], neighbours: [leftover] })
    ).toEqual(['ip neigh del 10.5.2.0 dev flannel.1'])
  })

  it('removes unwanted permanent neighbours and forwarding entries from tunnels only', () => {
    const neighbours = [
      neighbour('flannel.1', '10.5.2.0', '0e:00:00:00:00:02'),
      { ...neighbour('flannel.1', '10.5.3.0', '0e:00:00:00:00:03'), state: 'reachable' } as const,
      neighbour('cni0', '10.5.1.7', '0e:00:00:00:00:07')
    ]
    const entry = fdb('flannel.1', '0e:00:00:00:00:02', '192.168.1.2')
    expect(
      sweep(
        { links: [TUNNEL, BRIDGE] },
        { links: [linkRead(TUNNEL), linkRead(BRIDGE)], neighbours, fdb: [entry] }
      )
    ).toEqual([
      'ip neigh del 10.5.2.0 dev flannel.1',
      'bridge fdb del 0e:00:00:00:00:02 dev flannel.1 dst 192.168.1.2 self'
    ])
  })

  it('leaves what a learning tunnel has learnt', () => {
    const kind = { type: 'vxlan', vni: 1, learning: true } as const
    const learning = linkRead({ ...TUNNEL, kind })
    const entry = fdb('flannel.1', '0e:00:00:00:00:02', '192.168.1.2')
    expect(sweep({ links: [{ ...TUNNEL, kind }] }, { links: [learning], fdb: [entry] })).toEqual([])
  })
})

describe('uninstallChanges', () => {
  it('removes routes, then devices, of networks and of pods; what has no mark stays', () => {
    const pod = bridge('veth1', {
      alias: podLinkAlias('blue', { containerId: 'c1', ifname: 'eth0' }),
      master: 'cni0'
    })
    const actual = read({
      links: [linkRead(BRIDGE), linkRead(pod), linkRead(UNMARKED_TUNNEL)],
      routes: [
        route('10.5.2.0/24', '192.168.1.2'),
        route('10.5.2.0/24', '192.168.1.2', { table: 100 }),
        route('10.5.3.0/24', '192.168.1.3', { protocol: 3 })
      ],
      addresses: [addressRead('cni0', '10.5.1.1/24')]
    })
    expect(uninstallChanges(actual).map(commandOf)).toEqual([
      'ip route del 10.5.2.0/24 via 192.168.1.2 dev eth0 proto 133',
      'ip route del 10.5.2.0/24 via 192.168.1.2 dev eth0 proto 133 table 100',
      'ip link del dev veth1',
      'ip link del dev cni0'
    ])
  })
})
