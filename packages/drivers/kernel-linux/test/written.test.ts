import type { KernelChange, Link } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LinuxKernel } from '../src/index.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'

/** What we write, as iproute2 reads it. */

let namespace: TestNamespace
let kernel: LinuxKernel

beforeEach(async () => {
  namespace = await testNamespace()
  kernel = await LinuxKernel.open({ namespace: namespace.path })
})
afterEach(async () => {
  kernel.close()
  await namespace.dispose()
})

async function must(...changes: KernelChange[]): Promise<void> {
  for (const { error } of await kernel.apply(changes)) if (error !== undefined) throw error
}

const ip = (text: string): IpAddress => IpAddress.parse(text)
const MAC = Mac.parse('0e:2a:00:00:00:01')
const PEER_MAC = Mac.parse('0e:2a:00:00:00:02')
const create = (value: Link): KernelChange => ({ action: 'create', kind: 'link', value })
const VXLAN: Link = { name: 'vx0', kind: { type: 'vxlan', vni: 7, port: 8472 }, up: true }
const BRIDGE: Link = { name: 'br0', kind: { type: 'bridge' }, up: true }

const linkIn = async (where: TestNamespace, name: string): Promise<unknown> =>
  (await where.json('link', 'show', 'dev', name))[0]

const bridge = async (...words: string[]): Promise<Readonly<Record<string, unknown>>[]> =>
  JSON.parse(await namespace.run('bridge', '-d', '-j', ...words))

describe('links that are written', () => {
  it('a veth pair with its other end in another namespace, each with its own MTU and MAC', async () => {
    const pod = await testNamespace()
    try {
      await must(
        create(BRIDGE),
        create({
          name: 'va',
          kind: {
            type: 'veth',
            peer: { name: 'eth0', namespace: pod.path, mtuBytes: 1400, mac: PEER_MAC }
          },
          mtuBytes: 1450,
          mac: MAC,
          up: true,
          master: 'br0',
          hairpin: true,
          alias: 'trilane:default:abc:eth0'
        })
      )
      expect(await linkIn(namespace, 'va')).toMatchObject({
        mtu: 1450,
        address: `${MAC}`,
        master: 'br0',
        ifalias: 'trilane:default:abc:eth0',
        linkinfo: { info_kind: 'veth', info_slave_kind: 'bridge' },
        flags: expect.arrayContaining(['UP'])
      })
      expect(await linkIn(pod, 'eth0')).toMatchObject({
        mtu: 1400,
        address: `${PEER_MAC}`,
        linkinfo: { info_kind: 'veth' },
        flags: expect.not.arrayContaining(['UP'])
      })
      expect(await bridge('link', 'show', 'dev', 'va')).toMatchObject([{ ifname: 'va', hairpin: true }])
      await must({
        action: 'set',
        kind: 'link',
        value: { name: 'va', kind: { type: 'veth' }, hairpin: false }
      })
      expect(await bridge('link', 'show', 'dev', 'va')).toMatchObject([{ ifname: 'va', hairpin: false }])
      await must({ action: 'set', kind: 'link', value: { name: 'va', kind: { type: 'veth' }, master: null } })
      expect(await linkIn(namespace, 'va')).not.toHaveProperty('master')
    } finally {
      await pod.dispose()
    }
  })

  it('a vxlan device with all that belongs to it', async () => {
    await must(create(BRIDGE), {
      action: 'create',
      kind: 'address',
      value: { device: 'br0', address: ip('192.0.2.1'), prefixLength: 24 }
    })
    await must(
      create({
        name: 'flannel.70000',
        kind: {
          type: 'vxlan',
          vni: 70_000,
          port: 4789,
          parent: 'br0',
          local: ip('192.0.2.1'),
          learning: false,
          gbp: true
        },
        mac: MAC,
        mtuBytes: 1430
      })
    )
    expect(await linkIn(namespace, 'flannel.70000')).toMatchObject({
      mtu: 1430,
      address: `${MAC}`,
      linkinfo: {
        info_kind: 'vxlan',
        info_data: { id: 70_000, port: 4789, link: 'br0', local: '192.0.2.1', learning: false, gbp: true }
      }
    })
    const kind = { type: 'vxlan', vni: 70_000, learning: true } as const
    await must({ action: 'set', kind: 'link', value: { name: 'flannel.70000', kind } })
    expect(await linkIn(namespace, 'flannel.70000')).toMatchObject({
      linkinfo: { info_data: { id: 70_000, port: 4789, local: '192.0.2.1', learning: true, gbp: true } }
    })
  })

  it('a vxlan device over IPv6', async () => {
    await must(create({ name: 'vx6', kind: { type: 'vxlan', vni: 1, port: 8472, local: ip('fd00::1') } }))
    expect(await linkIn(namespace, 'vx6')).toMatchObject({ linkinfo: { info_data: { local6: 'fd00::1' } } })
  })

  it.each([
    ['of 255 bytes', 'a'.repeat(255)],
    ['of 255 bytes in letters of two', `${'ü'.repeat(127)}!`],
    ['with quotes, a line end and a tab', `it's "so"\t\n$HOME \\`]
  ])('an alias %s', async (_what, alias) => {
    await must(create({ ...BRIDGE, alias }))
    // sysfs belongs to its mount: one of this namespace, in a mount namespace that ends with the command.
    const show = 'mount -t sysfs none /sys && cat /sys/class/net/br0/ifalias'
    expect(await namespace.run('unshare', '--mount', 'sh', '-c', show)).toBe(`${alias}\n`)
    const printed = await namespace.ip('link', 'show', 'dev', 'br0')
    expect(printed).toContain(`alias ${alias}`)
    const { links } = await kernel.read({ links: true })
    expect(links.find(({ name }) => name === 'br0')?.alias).toBe(alias)
  })

  it('a macvlan child in a pod, under its final name, with an alias there', async () => {
    const pod = await testNamespace()
    try {
      await must(
        create(BRIDGE),
        create({
          name: 'eth0',
          kind: { type: 'macvlan', parent: 'br0', mode: 'private' },
          namespace: pod.path,
          mac: MAC,
          alias: 'trilane:lan:abc:eth0'
        })
      )
      expect(await linkIn(pod, 'eth0')).toMatchObject({
        address: `${MAC}`,
        ifalias: 'trilane:lan:abc:eth0',
        linkinfo: { info_kind: 'macvlan', info_data: { mode: 'private' } }
      })
    } finally {
      await pod.dispose()
    }
  })
})

describe('addresses that are written', () => {
  it('of both families, IPv6 at once usable when asked for', async () => {
    await must(
      create(BRIDGE),
      ...[
        { address: ip('10.5.7.1'), prefixLength: 24 },
        { address: ip('10.5.7.2'), prefixLength: 32 },
        { address: ip('fd00:5:7::1'), prefixLength: 64, skipDad: true }
      ].map(
        (value): KernelChange => ({ action: 'create', kind: 'address', value: { device: 'br0', ...value } })
      )
    )
    const [read] = await namespace.json('addr', 'show', 'dev', 'br0')
    expect(read?.addr_info).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ local: '10.5.7.1', prefixlen: 24, scope: 'global' }),
        expect.objectContaining({ local: '10.5.7.2', prefixlen: 32, scope: 'global' }),
        expect.objectContaining({ local: 'fd00:5:7::1', prefixlen: 64, nodad: true })
      ])
    )
    expect(JSON.stringify(read?.addr_info)).not.toContain('broadcast')
  })
})

describe('routes that are written', () => {
  beforeEach(async () => {
    await must(
      create(VXLAN),
      ...['10.5.7.0/32', 'fd00:5:7::1/64'].map(
        (text): KernelChange => ({
          action: 'create',
          kind: 'address',
          value: {
            device: 'vx0',
            address: ip(text.split('/')[0] ?? ''),
            prefixLength: Number(text.split('/')[1]),
            skipDad: true
          }
        })
      )
    )
  })

  it.each([
    [
      'onlink, as flannel has them',
      { destination: '10.5.9.0/24', gateway: '10.5.9.0', device: 'vx0', onlink: true, protocol: 133 },
      { dst: '10.5.9.0/24', gateway: '10.5.9.0', dev: 'vx0', protocol: '133', flags: ['onlink'] }
    ],
    [
      'with metric, source and scope',
      { destination: '10.6.0.0/16', device: 'vx0', metric: 77, source: '10.5.7.0', scope: 'link' },
      { dst: '10.6.0.0/16', dev: 'vx0', metric: 77, prefsrc: '10.5.7.0', scope: 'link', protocol: 'boot' }
    ],
    [
      'in table 1000',
      { destination: '10.7.0.0/16', device: 'vx0', table: 1000 },
      { dst: '10.7.0.0/16', dev: 'vx0', table: '1000' }
    ],
    [
      'a blackhole',
      { destination: '10.5.0.0/16', type: 'blackhole' },
      { type: 'blackhole', dst: '10.5.0.0/16' }
    ],
    [
      'the default',
      { destination: '0.0.0.0/0', device: 'vx0', gateway: '10.5.0.1', onlink: true },
      { dst: 'default', gateway: '10.5.0.1', dev: 'vx0' }
    ],
    [
      'by a gateway of IPv6',
      { destination: '10.8.0.0/16', device: 'vx0', gateway: 'fd00:5:7::9' },
      { dst: '10.8.0.0/16', via: { family: 'inet6', host: 'fd00:5:7::9' }, dev: 'vx0' }
    ],
    [
      'of IPv6 by a gateway',
      { destination: 'fd00:9::/64', gateway: 'fd00:5:7::9', device: 'vx0', protocol: 133, metric: 50 },
      { dst: 'fd00:9::/64', gateway: 'fd00:5:7::9', dev: 'vx0', protocol: '133', metric: 50 }
    ],
    [
      'of IPv6 without a metric, which Linux gives one',
      { destination: 'fd00:a::/64', device: 'vx0' },
      { dst: 'fd00:a::/64', dev: 'vx0', metric: 1024 }
    ]
  ])('%s', async (_what, wish, expected) => {
    const value = {
      ...wish,
      destination: Prefix.parse(wish.destination),
      ...('gateway' in wish && wish.gateway !== undefined ? { gateway: ip(wish.gateway) } : {}),
      ...('source' in wish && wish.source !== undefined ? { source: ip(wish.source) } : {})
    } as Extract<KernelChange, { readonly kind: 'route' }>['value']
    await must({ action: 'create', kind: 'route', value })
    const family = value.destination.family === 'v6' ? ['-6'] : []
    const routes = async () => namespace.json(...family, 'route', 'show', 'table', 'all')
    expect(await routes()).toContainEqual(expect.objectContaining(expected))
    await must({ action: 'remove', kind: 'route', value })
    expect(await routes()).not.toContainEqual(expect.objectContaining(expected))
  })
})

describe('neighbours and forwarding entries that are written', () => {
  it('of both families', async () => {
    await must(
      create(VXLAN),
      ...['10.5.9.0', 'fd00:5:9::'].map(
        (text): KernelChange => ({
          action: 'create',
          kind: 'neighbour',
          value: { device: 'vx0', address: ip(text), mac: MAC }
        })
      )
    )
    for (const [family, dst] of [
      ['-4', '10.5.9.0'],
      ['-6', 'fd00:5:9::']
    ] as const) {
      expect(await namespace.json(family, 'neigh', 'show', 'dev', 'vx0')).toContainEqual(
        expect.objectContaining({ dst, lladdr: `${MAC}`, state: ['PERMANENT'] })
      )
    }
  })

  it('the entry of a VTEP, and nothing when it is removed', async () => {
    const entry = (destination: string, action: KernelChange['action'] = 'create'): KernelChange => ({
      action,
      kind: 'fdb',
      value: { device: 'vx0', mac: MAC, destination: ip(destination) }
    })
    await must(create(VXLAN), entry('192.0.2.7'))
    const entries = (): Promise<Readonly<Record<string, unknown>>[]> => bridge('fdb', 'show', 'dev', 'vx0')
    expect(await entries()).toContainEqual(
      expect.objectContaining({ mac: `${MAC}`, dst: '192.0.2.7', state: 'permanent', flags: ['self'] })
    )
    await must(entry('192.0.2.7', 'remove'))
    expect(await entries()).not.toContainEqual(expect.objectContaining({ mac: `${MAC}` }))
  })
})
