import {
  type AddressHolder,
  type ChildPodLink,
  type Kernel,
  type KernelChange,
  SILENT_LOGGER,
  TrilaneError
} from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { type MemoryKernel, MemoryMachine, memoryNode } from '@trilane/kernel-memory'
import { describe, expect, it } from 'vitest'
import { ChildPodLinks } from '../src/index.ts'

const POD = '/run/netns/pod'
const KEY = { containerId: 'c0ffee', ifname: 'eth0' }
const A = IpAddress.parse('192.168.77.65')
const GATEWAY = IpAddress.parse('192.168.77.1')
const ADDRESS = IpAddress.parse('192.168.77.66')
const REQUEST = { key: KEY, namespace: POD, addresses: { v4: ADDRESS } }

const MACVLAN: ChildPodLink = {
  type: 'child',
  kind: { type: 'macvlan', parent: 'uplink0', mode: 'bridge' },
  mtuBytes: 1500,
  probeMs: 10,
  families: {
    v4: {
      onLink: Prefix.parse('192.168.77.0/24'),
      reserved: [A, GATEWAY],
      routes: [
        { destination: Prefix.parse('0.0.0.0/0'), gateway: GATEWAY },
        { destination: Prefix.parse('192.168.77.10/32'), gateway: A }
      ]
    }
  }
}
const IPVLAN: ChildPodLink = {
  ...MACVLAN,
  kind: { type: 'ipvlan', parent: 'uplink0', mode: 'l2', flag: 'bridge' }
}

/** The node's kernel, with a segment on which these machines answer. */
function answering(node: MemoryKernel, holders: readonly AddressHolder[]): Kernel {
  return Object.assign(Object.create(node) as Kernel, {
    read: (...args: Parameters<Kernel['read']>) => node.read(...args),
    apply: (...args: Parameters<Kernel['apply']>) => node.apply(...args),
    namespace: (path: string) => node.namespace(path),
    probe: async () => holders
  })
}

function setup(holders: readonly AddressHolder[] = [], machineId = 'blue') {
  const machine = new MemoryMachine()
  const node = memoryNode({ machine, links: ['uplink0 192.168.77.10/24'] })
  const pod = machine.addNamespace(POD)
  const kernel = answering(node, holders)
  const links = new ChildPodLinks({ kernel, network: 'lan', machineId, logger: SILENT_LOGGER })
  return { machine, node, pod, links }
}

const set = (name: string, more: object): KernelChange => ({
  kind: 'link',
  action: 'set',
  value: { name, kind: { type: 'other', kernelType: '' }, ...more }
})

describe.each([
  ['macvlan', MACVLAN],
  ['ipvlan', IPVLAN]
] as const)('a pod on a %s', (type, spec) => {
  it('is made in the pod alone, under its final name, marked, with addresses and routes', async () => {
    const { node, pod, links } = setup()
    const link = await links.plug(spec, REQUEST)
    expect((await node.read({ links: true })).links.map(({ name }) => name)).toEqual(['lo', 'uplink0'])
    const inside = await pod.read({ links: ['eth0'], addresses: true, routes: 'main' })
    expect(inside.links[0]).toMatchObject({
      kind: { type },
      up: true,
      mtuBytes: 1500,
      alias: 'trilane:lan:c0ffee:eth0'
    })
    expect(
      inside.addresses.filter(({ device }) => device === 'eth0').map(({ address }) => String(address))
    ).toContain('192.168.77.66')
    expect(
      inside.routes
        .filter(({ protocol }) => protocol !== 2)
        .map((route) => `${route.destination} ${route.gateway}`)
    ).toEqual(['0.0.0.0/0 192.168.77.1', '192.168.77.10/32 192.168.77.65'])
    expect(link).toMatchObject({ child: spec.kind, mtuBytes: 1500 })
    expect(link).not.toHaveProperty('hostDevice')
    expect(String(link.podMac)).toBe(String(inside.links[0]?.mac))
  })

  it('is looked at without a complaint, and with one for each change', async () => {
    const { pod, links } = setup()
    const link = await links.plug(spec, REQUEST)
    const look = () => links.inspect({ key: KEY, namespace: POD, link })
    expect(await look()).toEqual([])
    const destination = Prefix.parse('192.168.77.10/32')
    await pod.apply([{ kind: 'route', action: 'remove', value: { destination, gateway: A, device: 'eth0' } }])
    expect(await look()).toEqual(['eth0 has lost the route to 192.168.77.10/32 by 192.168.77.65'])
    await pod.apply([
      { kind: 'address', action: 'remove', value: { device: 'eth0', address: ADDRESS, prefixLength: 24 } }
    ])
    expect(await look()).toContain('eth0 has lost the address 192.168.77.66/24')
    await pod.apply([set('eth0', { alias: 'somebody else' })])
    expect(await look()).toContain(`eth0 in ${POD} is another device than was attached`)
  })

  it('is no larger than its parent has become a moment ago', async () => {
    const { node, pod, links } = setup()
    await node.apply([set('uplink0', { mtuBytes: 1400 })])
    expect(await links.plug(spec, REQUEST)).toMatchObject({ mtuBytes: 1400 })
    expect((await pod.read({ links: ['eth0'] })).links).toMatchObject([{ mtuBytes: 1400 }])
  })

  it('has the MTU of its parent while that is lower', async () => {
    const { node, pod, links } = setup()
    const link = await links.plug(spec, REQUEST)
    await node.apply([set('uplink0', { mtuBytes: 1400 })])
    await pod.apply([set('eth0', { mtuBytes: 1400 })])
    expect(await links.inspect({ key: KEY, namespace: POD, link })).toEqual([])
    await node.apply([set('uplink0', { mtuBytes: 1500 })])
    await pod.apply([set('eth0', { mtuBytes: 1300 })])
    expect(await links.inspect({ key: KEY, namespace: POD, link })).toEqual([
      'eth0 has an MTU of 1300, not 1500'
    ])
  })

  it('is removed where it is, once; a second time, and without a namespace, there is nothing to do', async () => {
    const { pod, links } = setup()
    await links.plug(spec, REQUEST)
    expect(await links.isPlugged(KEY, POD)).toBe(true)
    expect(await links.unplug(KEY)).toBe(false)
    expect(await links.unplug(KEY, '/run/netns/gone')).toBe(false)
    expect(await links.unplug(KEY, POD)).toBe(true)
    expect(await links.unplug(KEY, POD)).toBe(false)
    expect(await links.isPlugged(KEY, POD)).toBe(false)
    expect((await pod.read({ links: true })).links.map(({ name }) => name)).toEqual(['lo'])
  })

  it('does not touch another pod’s device that the path leads to by now', async () => {
    const { links } = setup()
    await links.plug(spec, { ...REQUEST, key: { containerId: 'another', ifname: 'eth0' } })
    expect(await links.isPlugged(KEY, POD)).toBe(false)
    expect(await links.unplug(KEY, POD)).toBe(false)
    expect(await links.isPlugged({ containerId: 'another', ifname: 'eth0' }, POD)).toBe(true)
  })

  it('is found by what it is when the process ended before it wrote the mark', async () => {
    const { pod, links } = setup()
    await links.plug(spec, REQUEST)
    await pod.apply([
      set('eth0', { alias: '' }),
      { kind: 'address', action: 'remove', value: { device: 'eth0', address: ADDRESS, prefixLength: 24 } }
    ])
    expect(await links.unplug(KEY, POD)).toBe(true)
  })

  it('is refused when another machine has the address, and leaves nothing', async () => {
    const mac = Mac.parse('02:aa:00:00:00:01')
    const { pod, links } = setup([{ device: 'uplink0', address: ADDRESS, mac }])
    await expect(links.plug(spec, REQUEST)).rejects.toMatchObject({
      code: 'TRI_ADDRESS_IN_USE',
      values: { device: 'uplink0' }
    })
    expect((await pod.read({ links: true })).links.map(({ name }) => name)).toEqual(['lo'])
    await expect(links.plug({ ...spec, probeMs: 0 }, REQUEST)).resolves.toBeDefined()
  })

  it('leaves nothing when the pod’s side fails', async () => {
    const { pod, links } = setup()
    pod.faults.failNext(({ kind }) => kind === 'address', 'ENOMEM')
    await expect(links.plug(spec, REQUEST)).rejects.toThrow()
    expect((await pod.read({ links: true })).links.map(({ name }) => name)).toEqual(['lo'])
  })

  it.each([
    ['EBUSY', 'TRI_PARENT_BUSY'],
    ['ENOMEM', 'TRI_KERNEL_REFUSED']
  ] as const)('says of %s at its creation %s', async (errno, code) => {
    const { node, links } = setup()
    node.faults.failNext(({ action }) => action === 'create', errno)
    const error = await links.plug(spec, REQUEST).catch((caught: unknown) => caught)
    expect(TrilaneError.from(error).code).toBe(code)
  })

  it('does not take the place of an interface that is there', async () => {
    const { links } = setup()
    await links.plug(spec, REQUEST)
    await expect(links.plug(spec, REQUEST)).rejects.toMatchObject({ code: 'TRI_POD_INTERFACE_EXISTS' })
    expect(await links.isPlugged(KEY, POD)).toBe(true)
  })

  it('refuses a limit on what it receives, which nothing on the node could keep', async () => {
    const { links } = setup()
    const bandwidth = { ingress: { bytesPerSecond: 1000, burstBytes: 2000 } }
    await expect(links.plug(spec, { ...REQUEST, bandwidth })).rejects.toMatchObject({
      code: 'TRI_REQUEST_INVALID'
    })
  })

  it('refuses an address of another network', async () => {
    const { links } = setup()
    const addresses = { v4: IpAddress.parse('10.5.1.2') }
    await expect(links.plug(spec, { ...REQUEST, addresses })).rejects.toMatchObject({
      code: 'TRI_ADDRESS_NOT_ALLOWED'
    })
  })
})

describe('MAC addresses', () => {
  const mac = Mac.parse('0e:2a:00:00:00:01')

  it('of macvlans follow from network and key, or from the request', async () => {
    const { links } = setup()
    const first = await links.plug(MACVLAN, REQUEST)
    await links.unplug(KEY, POD)
    expect(String((await links.plug(MACVLAN, REQUEST)).podMac)).toBe(String(first.podMac))
    await links.unplug(KEY, POD)
    expect(String((await links.plug(MACVLAN, { ...REQUEST, mac })).podMac)).toBe(String(mac))
  })

  it('of macvlans differ between nodes whose runtimes give their containers the same ids', async () => {
    const [here, there] = [setup([], 'blue'), setup([], 'green')]
    const [one, other] = [await here.links.plug(MACVLAN, REQUEST), await there.links.plug(MACVLAN, REQUEST)]
    expect(String(one.podMac)).not.toBe(String(other.podMac))
  })

  it('of ipvlans are the parent’s, and cannot be others', async () => {
    const { node, links } = setup()
    const [parent] = (await node.read({ links: ['uplink0'] })).links
    expect(String((await links.plug(IPVLAN, REQUEST)).podMac)).toBe(String(parent?.mac))
    await links.unplug(KEY, POD)
    await expect(links.plug(IPVLAN, { ...REQUEST, mac })).rejects.toMatchObject({
      code: 'TRI_REQUEST_INVALID'
    })
  })
})
