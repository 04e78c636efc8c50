import { parseNetworkConfig } from '@trilane/config'
import type { KernelSnapshot } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { memoryNode } from '@trilane/kernel-memory'
import { describe, expect, it } from 'vitest'
import { nodeFacts, type UplinkWish } from '../src/uplink.ts'

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
  return memoryNode(node).read({ links: true, addresses: true, routes: 'main' })
}

const twoDevices = {
  links: ['eth0 192.0.2.1/24 fd00::1/64', 'eth1 198.51.100.1/24 mtu 9000'],
  routes: ['default via 192.0.2.254']
}

async function uplinkName(
  node: Parameters<typeof memoryNode>[0],
  wish: Partial<UplinkWish>
): Promise<string> {
  return nodeFacts(await snapshotOf(node), { ...noWish, ...wish }, v4Only, identity, 'cni0').uplink.name
}

describe('which device is the uplink', () => {
  it.each<[string, Partial<UplinkWish>, string]>([
    ['the default route', {}, 'eth0'],
    ['a name', { iface: ['eth1'] }, 'eth1'],
    ['the first name that is there', { iface: ['wlan0', 'eth1'] }, 'eth1'],
    ['an address', { iface: ['198.51.100.1'] }, 'eth1'],
    ['a pattern for an address', { ifaceRegex: ['^198\\.51'] }, 'eth1'],
    ['a pattern for a name', { ifaceRegex: ['h1$'] }, 'eth1'],
    ['a name before a pattern', { iface: ['eth0'], ifaceRegex: ['eth1'] }, 'eth0'],
    ['what leads to an address', { reachedBy: 'eth1' }, 'eth1'],
    ['the owner of the public address', { publicAddresses: { v4: IpAddress.parse('198.51.100.1') } }, 'eth1'],
    [
      'the default route when nobody has the public address',
      { publicAddresses: { v4: IpAddress.parse('203.0.113.9') } },
      'eth0'
    ]
  ])('%s', async (_, wish, name) => {
    expect(await uplinkName(twoDevices, wish)).toBe(name)
  })

  it('takes the default route with the lowest metric', async () => {
    const routes = ['default via 192.0.2.254 metric 100', 'default via 198.51.100.254 metric 50']
    expect(await uplinkName({ ...twoDevices, routes }, {})).toBe('eth1')
  })

  it('says what it tried', async () => {
    await expect(uplinkName(twoDevices, { iface: ['wlan0'] })).rejects.toMatchObject({
      code: 'TRI_UPLINK_NOT_FOUND',
      message: expect.stringContaining('--iface wlan0')
    })
    await expect(uplinkName({ links: ['eth0 192.0.2.1/24'] }, {})).rejects.toMatchObject({
      code: 'TRI_UPLINK_NOT_FOUND',
      message: expect.stringContaining('no default route')
    })
  })
})

describe('what is true of it', () => {
  it('has an address of each family of the network, or says which is missing', async () => {
    const facts = nodeFacts(await snapshotOf(twoDevices), noWish, dual, identity, 'cni0')
    expect(JSON.parse(JSON.stringify(facts.publicAddresses))).toEqual({ v4: '192.0.2.1', v6: 'fd00::1' })
    const wish = { ...noWish, iface: ['eth1'] }
    const snapshot = await snapshotOf(twoDevices)
    expect(() => nodeFacts(snapshot, wish, dual, identity, 'cni0')).toThrow(/eth1 has no usable IPv6 address/)
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

  it('is equal text for equal facts', async () => {
    const facts = async (): Promise<string> =>
      JSON.stringify(nodeFacts(await snapshotOf(twoDevices), noWish, dual, identity, 'cni0'))
    expect(await facts()).toBe(await facts())
  })
})
