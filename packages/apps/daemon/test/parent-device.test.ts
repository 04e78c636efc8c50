import type { KernelChange } from '@trilane/contracts'
import { memoryNode } from '@trilane/kernel-memory'
import { describe, expect, it } from 'vitest'
import { parentDevice } from '../src/parent-device.ts'
import { FACTS_SCOPE } from '../src/uplink.ts'

const NODE = {
  links: ['eth0 192.168.77.10/24 fd00:77::10/64', 'eth1 mtu 9000'],
  routes: [
    'default via 192.168.77.2 metric 200',
    'default via 192.168.77.1 metric 100',
    'default via fd00:77::1'
  ]
}

const child = (name: string, parent: string, alias?: string): KernelChange => ({
  kind: 'link',
  action: 'create',
  value: {
    name,
    kind: { type: 'macvlan', parent, mode: 'bridge' },
    ...(alias === undefined ? {} : { alias })
  }
})

describe('parentDevice', () => {
  it('is the uplink when none is named, with its segment, its best gateways and what stands on it', async () => {
    const kernel = memoryNode(NODE)
    const outcomes = await kernel.apply([
      child('theirs', 'eth0', 'somebody'),
      child('others', 'eth0', 'trilane:blue'),
      child('ours', 'eth0', 'trilane:lan'),
      child('elsewhere', 'eth1')
    ])
    expect(outcomes.flatMap(({ error }) => error ?? [])).toEqual([])
    const parent = parentDevice(await kernel.read(FACTS_SCOPE), {}, 'eth0', 'lan')
    expect(JSON.parse(JSON.stringify(parent))).toMatchObject({
      name: 'eth0',
      mtuBytes: 1500,
      isWireless: false,
      addresses: [
        { address: '192.168.77.10', prefixLength: 24 },
        { address: 'fd00:77::10', prefixLength: 64 }
      ],
      gateways: { v4: '192.168.77.1', v6: 'fd00:77::1' }
    })
    expect(parent.onLink.map(String)).toEqual(expect.arrayContaining(['192.168.77.0/24', 'fd00:77::/64']))
    expect(parent.children.map(({ name }) => name)).toEqual(['others', 'theirs'])
  })

  it('knows whether it is down', async () => {
    const { links, ...more } = await memoryNode(NODE).read(FACTS_SCOPE)
    expect(parentDevice({ ...more, links }, {}, 'eth0', 'lan').isDown).toBeUndefined()
    const down = links.map((link) => ({ ...link, up: false }))
    expect(parentDevice({ ...more, links: down }, {}, 'eth0', 'lan').isDown).toBe(true)
  })

  it('knows what stands on its VLANs', async () => {
    const kernel = memoryNode(NODE)
    const kind = { type: 'vlan', parent: 'eth0', vlanId: 100 } as const
    const outcomes = await kernel.apply([
      { kind: 'link', action: 'create', value: { name: 'eth0.100', kind } },
      child('theirs', 'eth0.100')
    ])
    expect(outcomes.flatMap(({ error }) => error ?? [])).toEqual([])
    const parent = parentDevice(await kernel.read(FACTS_SCOPE), {}, 'eth0', 'lan')
    expect(parent.children.map(({ name }) => name)).toEqual(['eth0.100', 'theirs'])
  })

  it('may have no address and no gateway', async () => {
    const parent = parentDevice(await memoryNode(NODE).read(FACTS_SCOPE), { name: 'eth1' }, 'eth0', 'lan')
    expect(parent).toMatchObject({ name: 'eth1', mtuBytes: 9000, addresses: [], gateways: {}, children: [] })
  })

  it('is named with those that could be it when it is not there', async () => {
    const snapshot = await memoryNode(NODE).read(FACTS_SCOPE)
    expect(() => parentDevice(snapshot, { name: 'eth2' }, 'eth0', 'lan')).toThrow(
      'pods of lan are to stand on the device eth2, which this node does not have; it has eth0, eth1'
    )
  })

  it('is followed to its new name, which its children follow too', async () => {
    const snapshot = await memoryNode(NODE).read(FACTS_SCOPE)
    const former = parentDevice(snapshot, { name: 'eth1' }, 'eth0', 'lan')
    const links = snapshot.links.map((link) => (link.name === 'eth1' ? { ...link, name: 'lan1' } : link))
    const renamed = parentDevice({ ...snapshot, links }, { name: 'eth1', former }, 'eth0', 'lan')
    expect(renamed).toMatchObject({ name: 'lan1', index: former.index })
  })
})
