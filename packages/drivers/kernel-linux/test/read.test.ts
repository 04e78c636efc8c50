import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LinuxKernel } from '../src/index.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'

/** What iproute2 writes, as we read it. Compared as JSON: addresses, prefixes and MACs are texts in it. */

let namespace: TestNamespace
let kernel: LinuxKernel

beforeEach(async () => {
  namespace = await testNamespace()
  kernel = await LinuxKernel.open({ namespace: namespace.path })
  await ip('link add d0 type bridge', 'link set d0 up', 'link add d1 type bridge', 'link set d1 up')
})
afterEach(async () => {
  kernel.close()
  await namespace.dispose()
})

async function ip(...commands: string[]): Promise<void> {
  for (const command of commands) await namespace.ip(...command.split(' '))
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

async function route(destination: string): Promise<unknown> {
  const { routes } = await kernel.read({ routes: 'all' })
  return plain(routes.find((each) => `${each.destination}` === destination))
}

async function link(name: string): Promise<unknown> {
  const { links } = await kernel.read({ links: true })
  return plain(links.find((each) => each.name === name))
}

describe('routes that are read', () => {
  beforeEach(() => ip('addr add 10.1.0.1/24 dev d0', 'addr add fd01::1/64 dev d0 nodad'))

  const inMain = { type: 'unicast', table: 254, protocol: 3 }

  it.each([
    [
      'by a gateway',
      'add 10.2.0.0/16 via 10.1.0.9 proto static',
      '10.2.0.0/16',
      { ...inMain, gateway: '10.1.0.9', device: 'd0', metric: 0, protocol: 4, scope: 'global' }
    ],
    [
      'onlink, with a number for a protocol',
      'add 10.2.0.0/16 via 10.2.0.0 dev d1 onlink proto 133 metric 20',
      '10.2.0.0/16',
      {
        ...inMain,
        gateway: '10.2.0.0',
        device: 'd1',
        onlink: true,
        protocol: 133,
        metric: 20,
        scope: 'global'
      }
    ],
    [
      'on link, with a source',
      'add 10.2.0.0/16 dev d1 src 10.1.0.1',
      '10.2.0.0/16',
      { ...inMain, device: 'd1', source: '10.1.0.1', metric: 0, scope: 'link' }
    ],
    [
      'in a table beyond a byte',
      'add default via 10.1.0.9 table 1000',
      '0.0.0.0/0',
      { ...inMain, gateway: '10.1.0.9', device: 'd0', metric: 0, table: 1000, scope: 'global' }
    ],
    [
      'a blackhole',
      'add blackhole 10.2.0.0/16',
      '10.2.0.0/16',
      { ...inMain, type: 'blackhole', metric: 0, scope: 'global' }
    ],
    [
      'with several next hops',
      'add 10.2.0.0/16 nexthop via 10.1.0.8 weight 2 nexthop via 10.1.0.9 dev d0 weight 3',
      '10.2.0.0/16',
      {
        ...inMain,
        metric: 0,
        scope: 'global',
        nextHops: [
          { gateway: '10.1.0.8', device: 'd0', weight: 2 },
          { gateway: '10.1.0.9', device: 'd0', weight: 3 }
        ]
      }
    ],
    [
      'of IPv4 by a gateway of IPv6',
      'add 10.2.0.0/16 via inet6 fd01::9 dev d0',
      '10.2.0.0/16',
      { ...inMain, gateway: 'fd01::9', device: 'd0', metric: 0, scope: 'global' }
    ],
    [
      'of IPv6',
      'add fd02::/64 via fd01::9 metric 77',
      'fd02::/64',
      { ...inMain, gateway: 'fd01::9', device: 'd0', metric: 77, scope: 'global' }
    ],
    [
      'of IPv6, unreachable',
      'add unreachable fd02::/64',
      'fd02::/64',
      { ...inMain, type: 'unreachable', metric: 1024, scope: 'global' }
    ],
    [
      'of IPv6 with several next hops',
      'add fd02::/64 nexthop via fd01::8 dev d0 nexthop via fd01::9 dev d0 weight 4',
      'fd02::/64',
      {
        ...inMain,
        metric: 1024,
        scope: 'global',
        nextHops: [
          { gateway: 'fd01::8', device: 'd0', weight: 1 },
          { gateway: 'fd01::9', device: 'd0', weight: 4 }
        ]
      }
    ]
  ])('%s', async (_what, words, destination, expected) => {
    await ip(`route ${words}`)
    expect(await route(destination)).toEqual({ destination, ...expected })
  })

  it('by a nexthop object have its device and gateway', async () => {
    await ip('nexthop add id 5 via 10.1.0.9 dev d0', 'route add 10.2.0.0/16 nhid 5')
    expect(await route('10.2.0.0/16')).toMatchObject({ gateway: '10.1.0.9', device: 'd0' })
  })

  it('of one protocol are those, and of the main table are those', async () => {
    await ip('route add 10.2.0.0/16 dev d1 proto 133', 'route add 10.3.0.0/16 dev d1 table 1000 proto 133')
    const of = async (routes: 'main' | 'all' | { protocol: number }): Promise<string[]> =>
      (await kernel.read({ routes })).routes
        .filter(({ protocol }) => protocol === 133)
        .map(({ destination }) => `${destination}`)
    expect((await of({ protocol: 133 })).sort()).toEqual(['10.2.0.0/16', '10.3.0.0/16'])
    expect(await of('main')).toEqual(['10.2.0.0/16'])
    expect((await kernel.read({ routes: { protocol: 133 } })).routes).toHaveLength(2)
  })
})

describe('addresses that are read', () => {
  it('have scope, age and state', async () => {
    await namespace.run('sysctl', '-qw', 'net.ipv6.conf.d1.accept_dad=1')
    await ip(
      'addr add 10.1.0.1/24 dev d0',
      'addr add 10.1.0.2/24 dev d0',
      'addr add 10.1.0.3/32 dev d0 valid_lft 1000 preferred_lft 0',
      'addr add 169.254.1.1/16 dev d0 scope link',
      'addr add 10.9.0.1 peer 10.9.0.2/30 dev d0'
    )
    const { addresses } = await kernel.read({ addresses: true })
    const steady = { device: 'd0', scope: 'global', permanent: true, tentative: false, deprecated: false }
    const read = plain(addresses.filter(({ device, address }) => device === 'd0' && address.family === 'v4'))
    expect(read).toEqual(
      expect.arrayContaining([
        { ...steady, address: '10.1.0.1', prefixLength: 24, temporary: false },
        { ...steady, address: '10.1.0.2', prefixLength: 24, temporary: true },
        {
          ...steady,
          address: '10.1.0.3',
          prefixLength: 32,
          permanent: false,
          deprecated: true,
          temporary: false
        },
        { ...steady, address: '169.254.1.1', prefixLength: 16, scope: 'link', temporary: false },
        // Of a point-to-point address our own end.
        { ...steady, address: '10.9.0.1', prefixLength: 30, temporary: false }
      ])
    )
  })

  it('of IPv6 are tentative while duplicate address detection runs', async () => {
    await ip('link add va type veth peer name vb', 'link set va up', 'link set vb up')
    await ip('addr add fd01::1/64 dev va', 'addr add fd01::2/64 dev va nodad')
    const { addresses } = await kernel.read({ addresses: true })
    const read = addresses.filter(({ device, scope }) => device === 'va' && scope === 'global')
    expect(Object.fromEntries(read.map(({ address, tentative }) => [`${address}`, tentative]))).toEqual({
      'fd01::1': true,
      'fd01::2': false
    })
  })
})

describe('links that are read', () => {
  it('a port: its bridge, hairpin, alias, carrier', async () => {
    await ip('link add va type veth peer name vb', 'link set va master d0 up alias trilane:default')
    await namespace.run('bridge', 'link', 'set', 'dev', 'va', 'hairpin', 'on')
    expect(await link('va')).toMatchObject({
      kind: { type: 'veth' },
      master: 'd0',
      hairpin: true,
      alias: 'trilane:default',
      up: true,
      carrier: false,
      loopback: false
    })
    await ip('link set vb up')
    expect(await link('va')).toMatchObject({ carrier: true })
    expect(await link('vb')).not.toHaveProperty('hairpin')
    expect(await link('lo')).toMatchObject({ loopback: true, kind: { type: 'other', kernelType: '' } })
  })

  it('a vxlan device', async () => {
    await ip('link add vx0 type vxlan id 70000 dstport 4789 local 10.1.0.1 dev d0 nolearning gbp')
    expect(await link('vx0')).toMatchObject({
      kind: {
        type: 'vxlan',
        vni: 70_000,
        port: 4789,
        parent: 'd0',
        local: '10.1.0.1',
        learning: false,
        gbp: true
      }
    })
    await ip('link add vx6 type vxlan id 1 dstport 8472 local fd01::1')
    expect(await link('vx6')).toMatchObject({ kind: { local: 'fd01::1', learning: true, gbp: false } })
  })

  it.each(['bridge', 'private', 'vepa', 'passthru'])('a macvlan in mode %s', async (mode) => {
    await ip(`link add m0 link d0 type macvlan mode ${mode}`)
    expect(await link('m0')).toMatchObject({ kind: { type: 'macvlan', parent: 'd0', mode } })
  })

  it('a macvlan whose parent is in another namespace has none here', async () => {
    const pod = await testNamespace()
    const there = await LinuxKernel.open({ namespace: pod.path })
    try {
      await namespace.ip(...'link add m0 link d0 type macvlan mode bridge'.split(' '))
      await namespace.ip('link', 'set', 'm0', 'netns', pod.name)
      const { links } = await there.read({ links: true })
      expect(links.find(({ name }) => name === 'm0')?.kind).toEqual({
        type: 'macvlan',
        parent: '',
        mode: 'bridge'
      })
    } finally {
      there.close()
      await pod.dispose()
    }
  })
})

describe('neighbours and forwarding entries that are read', () => {
  it('have their states, also those without a MAC', async () => {
    await ip(
      'neigh add 10.1.0.5 lladdr 02:00:00:00:00:05 dev d0 nud stale',
      'neigh add 10.1.0.6 lladdr 02:00:00:00:00:06 dev d0 nud permanent',
      'neigh add 10.1.0.7 dev d0 nud failed',
      'neigh add fd01::5 lladdr 02:00:00:00:00:07 dev d0 nud noarp',
      'neigh add 10.1.0.8 lladdr 02:00:00:00:00:08 dev d1 nud permanent'
    )
    const { neighbours } = await kernel.read({ neighboursOf: ['d0', 'missing'] })
    const told = neighbours.filter(({ address }) => !address.isMulticast)
    expect(plain(told)).toEqual(
      expect.arrayContaining([
        { device: 'd0', address: '10.1.0.5', mac: '02:00:00:00:00:05', state: 'stale' },
        { device: 'd0', address: '10.1.0.6', mac: '02:00:00:00:00:06', state: 'permanent' },
        { device: 'd0', address: '10.1.0.7', state: 'failed' },
        { device: 'd0', address: 'fd01::5', mac: '02:00:00:00:00:07', state: 'noarp' }
      ])
    )
    expect(told.map(({ address }) => `${address}`)).not.toContain('10.1.0.8')
  })

  it('of a vxlan device with several destinations, and none of a bridge', async () => {
    await ip('link add vx0 type vxlan id 7 dstport 8472', 'link set vx0 up')
    const entry = ['dev', 'vx0', 'dst']
    await namespace.run('bridge', 'fdb', 'add', '02:00:00:00:00:05', ...entry, '192.0.2.5', 'self')
    await namespace.run('bridge', 'fdb', 'append', '00:00:00:00:00:00', ...entry, '192.0.2.6', 'self')
    await namespace.run('bridge', 'fdb', 'append', '00:00:00:00:00:00', ...entry, '192.0.2.7', 'self')
    await namespace.run('bridge', 'fdb', 'add', '02:00:00:00:00:09', 'dev', 'd0', 'self')
    const { fdb } = await kernel.read({ fdbOf: ['vx0', 'd0', 'missing'] })
    expect(plain(fdb)).toEqual(
      expect.arrayContaining([
        { device: 'vx0', mac: '02:00:00:00:00:05', destination: '192.0.2.5' },
        { device: 'vx0', mac: '00:00:00:00:00:00', destination: '192.0.2.6' },
        { device: 'vx0', mac: '00:00:00:00:00:00', destination: '192.0.2.7' }
      ])
    )
    expect(fdb).toHaveLength(3)
  })
})
