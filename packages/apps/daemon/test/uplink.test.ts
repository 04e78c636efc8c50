import { parseNetworkConfig } from '@trilane/config'
import type { KernelSnapshot } from '@trilane/contracts'
import { IpAddress, Mac, Prefix, valuesOf } from '@trilane/ip'
import { memoryNode } from '@trilane/kernel-memory'
import { describe, expect, it } from 'vitest'
import { FACTS_SCOPE, nodeFacts, type UplinkWish } from '../src/uplink.ts'

const v4Only = parseNetworkConfig('{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}', {
  source: 'test'
})
const dual = parseNetworkConfig(
  '{"Network": "10.5.0.0/16", "EnableIPv6": true, "IPv6Network": "fd00:5::/48", "Backend": {"Type": "host-gw"}}',
  { source: 'test' }
)
const identity = { machineId: 'a'.repeat(32), name: 'node-a' }
const noWish: UplinkWish = { iface: [], ifaceRegex: [], publicAddresses: {} }

async function snapshotOf(node: Parameters<typeof memoryNode>[0]): Promise<KernelSnapshot> {
  return memoryNode(node).read(FACTS_SCOPE)
}

const address = (text: string): IpAddress => IpAddress.parse(text)

const twoDevices = {
  links: ['eth0 192.0.2.1/24 192.0.2.2/24 fd00::1/64', 'eth1 198.51.100.1/24 fd01::1/64 fd01::2/64 mtu 9000'],
  routes: ['default via 192.0.2.254', 'default via fd00::ff']
}

const v6Only = parseNetworkConfig(
  '{"EnableIPv4": false, "EnableIPv6": true, "IPv6Network": "fd00:5::/48", "Backend": {"Type": "host-gw"}}',
  { source: 'test' }
)
const NETWORKS = { v4: v4Only, v6: v6Only, dual }

/** The device with the addresses on it that are this node's: `eth0 192.0.2.1 fd00::1`. */
function uplinkOf(
  snapshot: KernelSnapshot,
  wish: Partial<UplinkWish>,
  network: keyof typeof NETWORKS = 'v4'
): string {
  const { uplink } = nodeFacts(snapshot, { ...noWish, ...wish }, NETWORKS[network], identity, 'cni0')
  return [uplink.name, ...valuesOf(uplink.addresses).map((own) => String(own.address))].join(' ')
}

async function reached(text: string, node = twoDevices): Promise<Partial<UplinkWish>> {
  return { canReach: { address: address(text), route: await memoryNode(node).routeTo(address(text)) } }
}

describe('which device is the uplink', () => {
  it.each<[string, Partial<UplinkWish>, Readonly<Record<keyof typeof NETWORKS, string>>]>([
    ['the default route', {}, { v4: 'eth0 192.0.2.1', v6: 'eth0 fd00::1', dual: 'eth0 192.0.2.1 fd00::1' }],
    [
      'a name',
      { iface: ['eth1'] },
      { v4: 'eth1 198.51.100.1', v6: 'eth1 fd01::1', dual: 'eth1 198.51.100.1 fd01::1' }
    ],
    [
      'the first name that is there',
      { iface: ['wlan0', 'eth1'] },
      { v4: 'eth1 198.51.100.1', v6: 'eth1 fd01::1', dual: 'eth1 198.51.100.1 fd01::1' }
    ],
    [
      'an IPv4 address, which is the node’s then',
      { iface: ['192.0.2.2'] },
      { v4: 'eth0 192.0.2.2', v6: 'eth0 fd00::1', dual: 'eth0 192.0.2.2 fd00::1' }
    ],
    [
      'an IPv6 address, which is the node’s then',
      { iface: ['fd01::2'] },
      { v4: 'eth1 198.51.100.1', v6: 'eth1 fd01::2', dual: 'eth1 198.51.100.1 fd01::2' }
    ],
    [
      'an IPv4 address, and the public address for IPv6',
      { iface: ['198.51.100.1'], publicAddresses: { v6: address('fd01::2') } },
      { v4: 'eth1 198.51.100.1', v6: 'eth1 fd01::2', dual: 'eth1 198.51.100.1 fd01::2' }
    ],
    [
      'a pattern for addresses of every family',
      { ifaceRegex: ['^198\\.51|^fd01::2$'] },
      { v4: 'eth1 198.51.100.1', v6: 'eth1 fd01::2', dual: 'eth1 198.51.100.1 fd01::2' }
    ],
    [
      'a pattern for a name',
      { ifaceRegex: ['h1$'] },
      { v4: 'eth1 198.51.100.1', v6: 'eth1 fd01::1', dual: 'eth1 198.51.100.1 fd01::1' }
    ],
    [
      'a pattern that fits an address before one that fits a name',
      { ifaceRegex: ['eth1', '192|fd00'] },
      { v4: 'eth1 198.51.100.1', v6: 'eth1 fd01::1', dual: 'eth1 198.51.100.1 fd01::1' }
    ],
    [
      'a name before a pattern',
      { iface: ['eth0'], ifaceRegex: ['eth1'] },
      { v4: 'eth0 192.0.2.1', v6: 'eth0 fd00::1', dual: 'eth0 192.0.2.1 fd00::1' }
    ],
    [
      'the owner of the public addresses, and they are the node’s',
      { publicAddresses: { v4: address('198.51.100.1'), v6: address('fd01::2') } },
      { v4: 'eth1 198.51.100.1', v6: 'eth1 fd01::2', dual: 'eth1 198.51.100.1 fd01::2' }
    ],
    [
      'the default route when nobody has the public address: a NAT is before it',
      { publicAddresses: { v4: address('203.0.113.9') } },
      { v4: 'eth0 192.0.2.1', v6: 'eth0 fd00::1', dual: 'eth0 192.0.2.1 fd00::1' }
    ]
  ])('%s', async (_, wish, expected) => {
    const snapshot = await snapshotOf(twoDevices)
    for (const family of ['v4', 'v6', 'dual'] as const) {
      expect(uplinkOf(snapshot, wish, family), family).toBe(expected[family])
    }
  })

  it('a pattern fits an address in only one family: then a name decides, or nothing', async () => {
    const snapshot = await snapshotOf(twoDevices)
    expect(uplinkOf(snapshot, { ifaceRegex: ['^198'] }, 'v4')).toBe('eth1 198.51.100.1')
    expect(() => uplinkOf(snapshot, { ifaceRegex: ['^198'] }, 'dual')).toThrow(
      /no device fits --iface-regex \^198/
    )
  })

  it.each([
    ['198.51.100.77', 'eth1 198.51.100.1'],
    ['8.8.8.8', 'eth0 192.0.2.1'],
    ['198.51.100.1', 'eth1 198.51.100.1']
  ])('what leads to %s', async (target, expected) => {
    expect(uplinkOf(await snapshotOf(twoDevices), await reached(target))).toBe(expected)
  })

  it('the source address of the route to an address', async () => {
    const { canReach } = await reached('8.8.8.8')
    if (canReach?.route === undefined) throw new Error('no route')
    const route = { ...canReach.route, source: address('192.0.2.2') }
    const wish = { canReach: { ...canReach, route } }
    expect(uplinkOf(await snapshotOf(twoDevices), wish)).toBe('eth0 192.0.2.2')
  })

  it('not the default route when what was named does not fit', async () => {
    const snapshot = await snapshotOf(twoDevices)
    expect(() => uplinkOf(snapshot, { iface: ['wlan0'], ifaceRegex: ['^wl'] })).toThrow(
      /no device fits --iface wlan0, --iface-regex \^wl/
    )
    const wish = { canReach: { address: address('10.0.0.1'), route: undefined } }
    expect(() => uplinkOf(snapshot, wish)).toThrow(/--iface-can-reach 10.0.0.1 \(there is no route to it\)/)
  })

  it('no device that carries pods, whatever a pattern says', async () => {
    const links = ['cni0 10.5.1.1/24', 'eth0 10.1.0.1/16', 'eth1', 'eth2 192.0.2.1/24']
    const snapshot = await snapshotOf({ links })
    const wish = { ifaceRegex: ['^10\\.|cni'] }
    expect(uplinkOf(snapshot, wish)).toBe('eth0 10.1.0.1')
    const marked = snapshot.links.map((link) =>
      link.name === 'eth0' ? { ...link, alias: 'trilane:default' } : link
    )
    expect(() => uplinkOf({ ...snapshot, links: marked }, wish)).toThrow(/no device fits/)
    // Of several names the first that can be used; `lo` cannot.
    expect(uplinkOf({ ...snapshot, links: marked }, { ifaceRegex: ['^[el]'] })).toBe('eth2 192.0.2.1')
  })

  it('the next that was named when one lacks an address', async () => {
    const node = { links: ['eth0 192.0.2.1/24', 'eth1 198.51.100.1/24 fd01::1/64', 'eth2'] }
    const snapshot = await snapshotOf(node)
    expect(uplinkOf(snapshot, { iface: ['eth2', 'eth0', 'eth1'] }, 'dual')).toBe('eth1 198.51.100.1 fd01::1')
    expect(() => uplinkOf(snapshot, { iface: ['eth2', 'eth0'] }, 'dual')).toThrow(
      /--iface eth2 \(eth2 has no usable IPv4 address.*--iface eth0 \(eth0 has no usable IPv6 address/
    )
  })

  it('the default route with the lowest metric', async () => {
    const routes = ['default via 192.0.2.254 metric 100', 'default via 198.51.100.254 metric 50']
    expect(uplinkOf(await snapshotOf({ ...twoDevices, routes }), {})).toBe('eth1 198.51.100.1')
  })

  it('of several next hops the heaviest whose device is up', async () => {
    const snapshot = await snapshotOf({ ...twoDevices, routes: [] })
    const [eth0, eth1] = snapshot.links.filter(({ loopback }) => !loopback)
    if (eth0 === undefined || eth1 === undefined) throw new Error('two devices were made')
    const uplinks = (weights: readonly [number, number], eth1Carrier = true): string => {
      const nextHops = [
        { device: 'eth0', gateway: address('192.0.2.254'), weight: weights[0] },
        { device: 'eth1', gateway: address('198.51.100.254'), weight: weights[1] }
      ]
      const routes = [{ destination: Prefix.parse('0.0.0.0/0'), nextHops }]
      const links = [eth0, { ...eth1, carrier: eth1Carrier }]
      return uplinkOf({ ...snapshot, links, routes }, {})
    }
    expect(uplinks([1, 1])).toBe('eth0 192.0.2.1')
    expect(uplinks([1, 3])).toBe('eth1 198.51.100.1')
    expect(uplinks([1, 3], false)).toBe('eth0 192.0.2.1')
  })

  it('none when the default routes of the families leave by different devices, or the public addresses', async () => {
    const routes = ['default via 192.0.2.254', 'default via fd01::ff']
    const snapshot = await snapshotOf({ ...twoDevices, routes })
    expect(() => uplinkOf(snapshot, {}, 'dual')).toThrow(
      /the default routes leave by eth0 and eth1: say with --iface/
    )
    expect(uplinkOf(snapshot, {}, 'v6')).toBe('eth1 fd01::1')
    const publicAddresses = { v4: address('192.0.2.1'), v6: address('fd01::1') }
    expect(() => uplinkOf(snapshot, { publicAddresses }, 'dual')).toThrow(
      /the public addresses are on eth0 and eth1: say with --iface/
    )
  })

  it('the default route of one family when the other has none', async () => {
    const snapshot = await snapshotOf({ ...twoDevices, routes: ['default via fd01::ff'] })
    expect(uplinkOf(snapshot, {}, 'dual')).toBe('eth1 198.51.100.1 fd01::1')
  })

  it('no default route that leads nowhere', async () => {
    const snapshot = await snapshotOf({ ...twoDevices, routes: ['default via 198.51.100.254 metric 50'] })
    const nowhere = { destination: Prefix.parse('0.0.0.0/0'), type: 'unreachable', metric: 4 } as const
    const routes = [{ ...nowhere, device: 'eth0' }, ...snapshot.routes]
    expect(uplinkOf({ ...snapshot, routes }, {})).toBe('eth1 198.51.100.1')
  })

  it('without a default route the only device with addresses', async () => {
    const links = [
      'eth0 192.0.2.1/24',
      'eth1 fd01::1/64 198.51.100.1/24',
      'eth2 fe80::1/64',
      'cni0 10.5.1.1/24'
    ]
    const snapshot = await snapshotOf({ links })
    expect(uplinkOf(snapshot, {}, 'dual')).toBe('eth1 198.51.100.1 fd01::1')
    expect(() => uplinkOf(snapshot, {}, 'v4')).toThrow(
      /there is no default route, and the addresses are on eth0 and eth1: say with --iface/
    )
    const none = await snapshotOf({ links: ['eth0', 'cni0 10.5.1.1/24'] })
    expect(() => uplinkOf(none, {})).toThrow(/there is no default route, and no device has an address/)
  })
})

describe('which of its addresses', () => {
  const own = (text: string, more: Partial<KernelSnapshot['addresses'][number]>) => ({
    device: 'eth0',
    address: address(text),
    prefixLength: 24,
    scope: 'global' as const,
    permanent: true,
    tentative: false,
    deprecated: false,
    temporary: false,
    ...more
  })

  it.each([
    ['the first of equals', [own('192.0.2.1', {}), own('192.0.2.2', {})], '192.0.2.1'],
    ['global before link-local', [own('169.254.1.1', {}), own('192.0.2.2', {})], '192.0.2.2'],
    [
      'global scope before the link’s',
      [own('192.0.2.1', { scope: 'link' }), own('192.0.2.2', {})],
      '192.0.2.2'
    ],
    ['permanent before leased', [own('192.0.2.1', { permanent: false }), own('192.0.2.2', {})], '192.0.2.2'],
    [
      'lasting before temporary',
      [own('192.0.2.1', { permanent: false, temporary: true }), own('192.0.2.2', { permanent: false })],
      '192.0.2.2'
    ],
    ['none that is deprecated', [own('192.0.2.1', { deprecated: true }), own('192.0.2.2', {})], '192.0.2.2'],
    ['link-local if there is nothing else', [own('169.254.1.1', {})], '169.254.1.1']
  ])('%s', async (_, addresses, expected) => {
    const snapshot = await snapshotOf({ links: ['eth0'] })
    expect(uplinkOf({ ...snapshot, addresses }, { iface: ['eth0'] })).toBe(`eth0 ${expected}`)
  })

  it('never 127.0.0.1, and never fe80::', async () => {
    const snapshot = await snapshotOf({ links: ['eth0'] })
    const addresses = [own('127.0.0.1', { scope: 'host' }), own('fe80::1', {})]
    for (const family of ['v4', 'v6'] as const) {
      expect(() => uplinkOf({ ...snapshot, addresses }, { iface: ['eth0'] }, family)).toThrow(/no usable/)
    }
  })
})

describe('what is true of it', () => {
  it('publishes an address of each family of the network', async () => {
    const facts = nodeFacts(await snapshotOf(twoDevices), noWish, dual, identity, 'cni0')
    expect(JSON.parse(JSON.stringify(facts.publicAddresses))).toEqual({ v4: '192.0.2.1', v6: 'fd00::1' })
  })

  it('publishes another address when told so', async () => {
    const wish = { ...noWish, publicAddresses: { v4: IpAddress.parse('203.0.113.9') } }
    const facts = nodeFacts(await snapshotOf(twoDevices), wish, v4Only, identity, 'cni0')
    expect(String(facts.publicAddresses.v4)).toBe('203.0.113.9')
    expect(String(facts.uplink.addresses.v4?.address)).toBe('192.0.2.1')
  })

  it('knows what is on its segment: its networks and routes without a gateway, not what lies behind one', async () => {
    const routes = ['default via 192.0.2.254', '203.0.113.0/24 dev eth0', '10.9.0.0/16 via 192.0.2.9']
    const facts = nodeFacts(await snapshotOf({ ...twoDevices, routes }), noWish, v4Only, identity, 'cni0')
    const onLink = facts.uplink.onLink.map(String)
    expect(onLink).toEqual(expect.arrayContaining(['192.0.2.0/24', '203.0.113.0/24', 'fd00::/64']))
    expect(onLink).not.toContain('10.9.0.0/16')
    expect(onLink).not.toContain('198.51.100.0/24')
    expect(onLink).not.toContain('0.0.0.0/0')
  })

  it('knows whether the kernel has IPv6, also for a network that has none', async () => {
    const snapshot = await snapshotOf(twoDevices)
    expect(nodeFacts(snapshot, noWish, v4Only, identity, 'cni0').kernelHasIpv6).toBe(true)
    const without = { ...snapshot, sysctls: [] }
    expect(nodeFacts(without, noWish, v4Only, identity, 'cni0').kernelHasIpv6).toBe(false)
  })

  it('knows the MAC of the bridge that pods are plugged into', async () => {
    const snapshot = await snapshotOf(twoDevices)
    expect(nodeFacts(snapshot, noWish, v4Only, identity, 'cni0')).not.toHaveProperty('bridgeMac')
    const [some] = snapshot.links
    if (some === undefined) throw new Error('there are links')
    const mac = Mac.parse('0a:58:0a:05:47:01')
    const of = (type: 'bridge' | 'veth') => {
      const links = [...snapshot.links, { ...some, name: 'cni0', kind: { type }, mac }]
      return String(nodeFacts({ ...snapshot, links }, noWish, v4Only, identity, 'cni0').bridgeMac)
    }
    expect(of('bridge')).toBe('0a:58:0a:05:47:01')
    expect(of('veth')).toBe('undefined')
  })

  it('is equal text for equal facts', async () => {
    const facts = async (): Promise<string> =>
      JSON.stringify(nodeFacts(await snapshotOf(twoDevices), noWish, dual, identity, 'cni0'))
    expect(await facts()).toBe(await facts())
  })
})
