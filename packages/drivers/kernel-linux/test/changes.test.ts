import { readdirSync, readlinkSync, statSync } from 'node:fs'
import type { ChangeOutcome, KernelChange, Link, Route } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LinuxKernel } from '../src/index.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'
import { until } from './until.ts'

const link = (action: KernelChange['action'], value: Link): KernelChange => ({ action, kind: 'link', value })
const route = (action: KernelChange['action'], value: Route): KernelChange => ({
  action,
  kind: 'route',
  value
})
const ip = (text: string): IpAddress => IpAddress.parse(text)
const to = (text: string): Prefix => Prefix.parse(text)

const VXLAN: Link = { name: 'vx0', kind: { type: 'vxlan', vni: 7, port: 8472 }, up: true }

/** IPv4 takes no gateway, on-link or not, in a namespace that has no address at all. */
const DEVICE: readonly KernelChange[] = [
  link('create', VXLAN),
  {
    action: 'create',
    kind: 'address',
    value: { device: 'vx0', address: ip('198.51.100.1'), prefixLength: 32 }
  }
]

let namespace: TestNamespace
let kernel: LinuxKernel

beforeEach(async () => {
  namespace = await testNamespace()
  kernel = await LinuxKernel.open({ namespace: namespace.path })
  await must(...DEVICE)
})
afterEach(async () => {
  kernel.close()
  await namespace.dispose()
})

/** `undefined` for a change that was done. */
const codes = (outcomes: readonly ChangeOutcome[]): unknown[] => outcomes.map(({ error }) => error?.code)

async function must(...changes: KernelChange[]): Promise<void> {
  for (const { error } of await kernel.apply(changes)) if (error !== undefined) throw error
}

/** As `ip` prints them, one line each. */
async function printed(...words: string[]): Promise<string[]> {
  const lines = (await namespace.ip(...words)).split('\n')
  return lines.map((line) => line.trim()).filter((line) => line !== '')
}

const devicesIn = async (where: TestNamespace): Promise<unknown[]> =>
  (await where.json('link', 'show')).map(({ ifname }) => ifname)

const peerRoute = (at: number): Route => ({
  destination: Prefix.of(IpAddress.fromBits('v4', 0x0a000000n + BigInt(at) * 256n), 24),
  gateway: ip('192.0.2.7'),
  device: 'vx0',
  onlink: true,
  protocol: 133
})

describe('a long batch', () => {
  it('of 5,000 routes with three that cannot be: these three fail, each in its place', async () => {
    const changes = Array.from({ length: 5000 }, (_, at) => route('create', peerRoute(at)))
    changes[1234] = route('create', { ...peerRoute(1234), device: 'missing' })
    changes[2468] = route('create', peerRoute(10))
    changes[4999] = route('create', { ...peerRoute(4999), metric: -1 })
    const outcomes = await kernel.apply(changes)
    expect(outcomes.map(({ change }) => change)).toEqual(changes)
    expect(outcomes.flatMap(({ error }, at) => (error === undefined ? [] : [[at, error.code]]))).toEqual([
      [1234, 'TRI_KERNEL_NOT_FOUND'],
      [2468, 'TRI_KERNEL_EXISTS'],
      [4999, 'TRI_KERNEL_REFUSED']
    ])
    expect(await printed('route', 'show', 'proto', '133')).toHaveLength(4997)
    const removals = Array.from({ length: 5000 }, (_, at) => route('remove', peerRoute(at)))
    expect(new Set(codes(await kernel.apply(removals)))).toEqual(new Set([undefined]))
    expect(await printed('route', 'show', 'proto', '133')).toEqual([])
  })

  it('tells each of a thousand refusals', async () => {
    const changes = Array.from({ length: 1000 }, (_, at) => route('create', peerRoute(at)))
    await must(...changes)
    expect(codes(await kernel.apply(changes))).toEqual(new Array(1000).fill('TRI_KERNEL_EXISTS'))
  })

  it('goes on beside another: what both make is made by one and found by the other', async () => {
    const changes = Array.from({ length: 2000 }, (_, at) => route('create', peerRoute(at)))
    const both = await Promise.all([kernel.apply(changes.slice(0, 1200)), kernel.apply(changes.slice(800))])
    const [first = [], second = []] = both.map(codes)
    expect(new Set([...first.slice(0, 800), ...second.slice(400)])).toEqual(new Set([undefined]))
    for (let at = 0; at < 400; at++) {
      expect(new Set([first[800 + at], second[at]])).toEqual(new Set([undefined, 'TRI_KERNEL_EXISTS']))
    }
    expect(await printed('route', 'show', 'proto', '133')).toHaveLength(2000)
  })

  it('finds a device again that another made anew under the same name meanwhile', async () => {
    const long = kernel.apply(Array.from({ length: 8000 }, (_, at) => route('create', peerRoute(at))))
    const anew = kernel.apply([link('remove', VXLAN), ...DEVICE])
    const outcomes = codes(await long)
    expect(codes(await anew)).toEqual([undefined, undefined, undefined])
    // While there was no device they failed; before and after they did not.
    expect(outcomes[0]).toBeUndefined()
    expect(new Set(outcomes.slice(-100))).toEqual(new Set([undefined]))
  })
})

describe('bad input', () => {
  it.each<[string, KernelChange]>([
    ['a name with a NUL', link('create', { name: 'br1\0x', kind: { type: 'bridge' } })],
    ['a name that is too long', link('create', { name: 'x'.repeat(16), kind: { type: 'bridge' } })],
    ['an MTU beyond 32 bits', link('create', { name: 'br1', kind: { type: 'bridge' }, mtuBytes: 2 ** 32 })],
    ['a VNI beyond 24 bits', link('create', { name: 'vx1', kind: { type: 'vxlan', vni: 2 ** 24 } })],
    ['a port beyond 16 bits', link('create', { name: 'vx1', kind: { type: 'vxlan', vni: 1, port: 70_000 } })],
    ['a set of a name with a NUL', link('set', { name: 'vx0\0', kind: { type: 'bridge' }, up: false })],
    ['a removal of a name with a NUL', link('remove', { name: 'vx0\0', kind: { type: 'bridge' } })],
    ['a protocol beyond a byte', route('create', { ...peerRoute(1), protocol: 256 + 133 })],
    ['a table beyond 32 bits', route('create', { ...peerRoute(1), table: 2 ** 32 })],
    // It begins with the bytes of an address that is here, 198.51.100.1.
    ['a source of the other family', route('create', { ...peerRoute(1), source: ip('c633:6401::7') })],
    [
      'an IPv4 gateway of an IPv6 route',
      route('create', { destination: to('fd00:7::/64'), gateway: ip('192.0.2.7'), device: 'vx0' })
    ],
    [
      'a prefix length beyond a byte',
      {
        action: 'create',
        kind: 'address',
        value: { device: 'vx0', address: ip('10.9.0.1'), prefixLength: 256 + 24 }
      }
    ],
    [
      'a sysctl that climbs out',
      { action: 'set', kind: 'sysctl', value: { key: '../../tmp/trilane', value: '1' } }
    ]
  ])('%s is refused, changes nothing and stops nothing', async (_what, bad) => {
    const everything = { links: true, addresses: true, routes: 'all' } as const
    // IPv6 writes routes of its own a moment after a device came up.
    await namespace.run('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1')
    const before = await kernel.read(everything)
    const outcomes = await kernel.apply([route('create', peerRoute(8)), bad, route('create', peerRoute(9))])
    expect(codes(outcomes)).toEqual([undefined, 'TRI_KERNEL_REFUSED', undefined])
    await must(route('remove', peerRoute(8)), route('remove', peerRoute(9)))
    expect(await kernel.read(everything)).toEqual(before)
  })
})

describe('a removal of an IPv4 route without a metric leaves one that has a metric', () => {
  it.each<[string, Route, readonly Route[]]>([
    ['alone', { destination: to('10.1.0.0/16') }, []],
    ['with a longer prefix inside', { destination: to('10.1.0.0/16') }, [{ destination: to('10.1.0.0/24') }]],
    ['as the default', { destination: to('0.0.0.0/0') }, []],
    ['in another table', { destination: to('10.1.0.0/16'), table: 1000 }, []],
    ['as a blackhole', { destination: to('10.1.0.0/16'), type: 'blackhole' }, []]
  ])('%s', async (_what, value, others) => {
    const plain: Route = { ...value, ...(value.type === 'blackhole' ? {} : { device: 'vx0' }) }
    const inside = others.map((other) => route('create', { ...other, device: 'vx0' }))
    await must(route('create', { ...plain, metric: 100 }), ...inside)
    const all = (): Promise<string[]> => printed('route', 'show', 'table', String(value.table ?? 'main'))
    const before = await all()
    await must(route('remove', plain), route('remove', plain))
    expect(await all()).toEqual(before)
    // In one batch with the route itself, also when it is made there.
    await must(route('create', plain), route('remove', plain), route('remove', plain))
    expect(await all()).toEqual(before)
    await must(route('remove', { ...plain, metric: 100 }))
    expect(await all()).toHaveLength(before.length - 1)
  })
})

describe('a device that is made', () => {
  const BRIDGE: Link = { name: 'br0', kind: { type: 'bridge' } }

  it.each([1450, 1500, 9000])('as a bridge keeps its MTU of %s when its last port goes', async (mtuBytes) => {
    const port: Link = { name: 'va', kind: { type: 'veth', peer: { name: 'vb' } }, mtuBytes: 1400 }
    const mtu = async (): Promise<unknown> => (await namespace.json('link', 'show', 'dev', 'br0'))[0]?.mtu
    await must(link('create', { ...BRIDGE, mtuBytes }), link('create', { ...port, master: 'br0' }))
    expect(await mtu()).toBe(mtuBytes)
    await must(link('remove', port))
    expect(await mtu()).toBe(mtuBytes)
  })

  it('as a bridge may have the smallest MTU, and leaves nothing with one that it cannot have', async () => {
    const outcomes = await kernel.apply(
      [68, 67, 65_536].map((mtuBytes) => link('create', { ...BRIDGE, name: `br${mtuBytes}`, mtuBytes }))
    )
    expect(codes(outcomes)).toEqual([undefined, 'TRI_KERNEL_REFUSED', 'TRI_KERNEL_REFUSED'])
    expect(await devicesIn(namespace)).toEqual(['lo', 'vx0', 'br68'])
  })

  it('in another namespace gets its alias and MTU there, and its namesake here gets nothing', async () => {
    const other = await testNamespace()
    const there = { ...BRIDGE, mtuBytes: 1400, alias: 'trilane:there', namespace: other.path }
    try {
      await must(link('create', { ...BRIDGE, mtuBytes: 1300, alias: 'here' }), link('create', there))
      const read = async (where: TestNamespace): Promise<unknown> =>
        (await where.json('link', 'show', 'dev', 'br0'))[0]
      expect(await read(namespace)).toMatchObject({ mtu: 1300, ifalias: 'here' })
      expect(await read(other)).toMatchObject({ mtu: 1400, ifalias: 'trilane:there' })
      const tooLong = link('create', { ...there, name: 'vx0', alias: 'x'.repeat(300) })
      expect(codes(await kernel.apply([tooLong]))).toEqual(['TRI_KERNEL_REFUSED'])
      expect(await devicesIn(other)).toEqual(['lo', 'br0'])
      expect(await devicesIn(namespace)).toEqual(['lo', 'vx0', 'br0'])
    } finally {
      await other.dispose()
    }
  })

  it('leaves no descriptor of a namespace that it names, made or refused', async () => {
    const other = await testNamespace()
    const peer = { name: 'eth0', namespace: other.path, mac: Mac.parse('0e:2a:00:00:00:01') }
    const pair: Link = { name: 'va', kind: { type: 'veth', peer } }
    await must(link('create', pair))
    expect(codes(await kernel.apply([link('create', pair)]))).toEqual(['TRI_KERNEL_EXISTS'])
    const held = `net:[${statSync(other.path).ino}]`
    await other.dispose()
    expect(openFiles()).not.toContain(held)
  })
})

describe('a kernel that is closed while it removes a device', () => {
  it('finishes that', async () => {
    const pair: Link = { name: 'va', kind: { type: 'veth', peer: { name: 'vb' } } }
    await must(link('create', pair))
    const another = await LinuxKernel.open({ namespace: namespace.path })
    const removal = another.apply([link('remove', pair)])
    another.close()
    expect(codes(await removal)).toEqual([undefined])
    expect(await devicesIn(namespace)).toEqual(['lo', 'vx0'])
  })
})

/** What the descriptors of this process stand for. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      // That of the directory itself.
      return []
    }
  })
}

describe('an IPv6 route whose gateway lies in it', () => {
  const subnet = to('fd00:5:0:7::/64')
  const tunnel: Route = {
    destination: subnet,
    gateway: ip('fd00:5:0:7::'),
    device: 'vx0',
    onlink: true,
    protocol: 133
  }
  const direct: Route = { destination: subnet, gateway: ip('fd77::2'), device: 'br0', protocol: 133 }

  beforeEach(() =>
    must(
      link('create', { name: 'br0', kind: { type: 'bridge' }, up: true }),
      {
        action: 'create',
        kind: 'address',
        value: { device: 'br0', address: ip('fd77::1'), prefixLength: 64, skipDad: true }
      },
      route('set', direct)
    )
  )

  it('replaces one by another device, without a moment in which there is none', async () => {
    const seen: string[] = []
    const watch = kernel.watch((event) => {
      if (event.kind !== 'route' || event.value.destination.length < subnet.length) return
      const { destination, device } = event.value
      if (subnet.contains(destination)) seen.push(`${event.gone ? '-' : '+'}${destination} ${device}`)
    })
    await must(route('set', tunnel))
    expect(await printed('-6', 'route', 'show', 'proto', '133')).toEqual([
      expect.stringMatching(/^fd00:5:0:7::\/64 via fd00:5:0:7:: dev vx0 .*onlink/)
    ])
    await must(route('set', direct))
    expect(await printed('-6', 'route', 'show', 'proto', '133')).toEqual([
      expect.stringMatching(/^fd00:5:0:7::\/64 via fd77::2 dev br0/)
    ])
    await until('the last is told', () => seen.at(-1) === '+fd00:5:0:7::/64 br0')
    watch.close()
    expect(seen).toEqual([
      '+fd00:5:0:7::/128 vx0',
      '+fd00:5:0:7::/64 vx0',
      '-fd00:5:0:7::/128 vx0',
      '+fd00:5:0:7::/64 br0'
    ])
  })

  it("leaves a route to the gateway alone that is somebody else's", async () => {
    const foreign: Route = { destination: to('fd00:5:0:7::/128'), device: 'vx0', protocol: 4 }
    await must(route('set', foreign), route('set', tunnel))
    expect(await printed('-6', 'route', 'show', 'proto', '4')).toHaveLength(1)
  })

  it('is still refused for what else is wrong with it', async () => {
    const elsewhere: Route = { ...tunnel, gateway: ip('fd77::1') }
    expect(codes(await kernel.apply([route('set', elsewhere)]))).toEqual(['TRI_KERNEL_REFUSED'])
    const outcomes = await kernel.apply([route('set', { ...tunnel, source: ip('fd00:9::1') })])
    expect(outcomes[0]?.error?.message).toMatch(/Invalid source address/)
    expect(await printed('-6', 'route', 'show', 'proto', '133')).toEqual([
      expect.stringMatching(/^fd00:5:0:7::\/64 via fd77::2 dev br0/)
    ])
  })
})
