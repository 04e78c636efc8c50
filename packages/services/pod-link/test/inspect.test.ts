import type { KernelChange, PluggedPod } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { HOST_DEVICE, KEY, POD, REQUEST, type Setup, SPEC, setup } from './bridged-node.ts'

describe('BridgePodLinks.inspect', () => {
  async function pluggedIn(): Promise<
    Setup & { look(more?: Partial<PluggedPod>): Promise<readonly string[]> }
  > {
    const made = await setup()
    const link = await made.links.plug(SPEC, REQUEST)
    return { ...made, look: (more = {}) => made.links.inspect({ key: KEY, namespace: POD, link, ...more }) }
  }

  const set = (name: string, more: object): KernelChange => ({
    kind: 'link',
    action: 'set',
    value: { name, kind: { type: name === 'cni0' ? 'bridge' : 'veth' }, ...more }
  })
  const v4 = IpAddress.parse('10.5.71.9')
  const gateway = IpAddress.parse('10.5.71.1')
  const everywhere = Prefix.parse('0.0.0.0/0')
  const network = Prefix.parse('10.5.0.0/16')

  it('finds nothing in what it has just plugged in, and closes what it opened', async () => {
    const { look, opened } = await pluggedIn()
    expect(await look()).toEqual([])
    for (const handle of opened.pods) await expect(handle.read({})).rejects.toThrow('closed')
  })

  it('sees limits that are others than they were, on both sides', async () => {
    const { links, node, pod } = await setup()
    const limit = { bytesPerSecond: 1_000_000, burstBytes: 20_000 }
    const bandwidth = { ingress: limit, egress: limit }
    const link = await links.plug(SPEC, { ...REQUEST, bandwidth })
    const look = () => links.inspect({ key: KEY, namespace: POD, link })
    expect(await look()).toEqual([])
    // As the kernel rounds it.
    await node.apply([set(HOST_DEVICE, { sendLimit: { ...limit, burstBytes: 20_001 } })])
    expect(await look()).toEqual([])
    await node.apply([set(HOST_DEVICE, { sendLimit: { ...limit, burstBytes: 30_000 } })])
    await pod.apply([set('eth0', { sendLimit: { ...limit, bytesPerSecond: 2_000_000 } })])
    expect(await look()).toEqual([
      `${HOST_DEVICE} may send more or less than 8000000 bit/s`,
      'eth0 may send more or less than 8000000 bit/s'
    ])
  })

  it.each<[string, KernelChange, readonly string[]]>([
    ['its device is down', set(HOST_DEVICE, { up: false }), [`${HOST_DEVICE} is down`]],
    [
      'its device left the bridge',
      set(HOST_DEVICE, { master: null }),
      [`${HOST_DEVICE} is not a port of cni0`]
    ],
    ['the bridge is down', set('cni0', { up: false }), ['cni0 is down']],
    [
      'the gateway has no address',
      { kind: 'address', action: 'remove', value: { device: 'cni0', address: gateway, prefixLength: 24 } },
      ['cni0 has lost the gateway address 10.5.71.1']
    ]
  ])('sees in the node that %s', async (_, change, problems) => {
    const { look, node } = await pluggedIn()
    expect((await node.apply([change]))[0]?.error).toBeUndefined()
    // Linux takes the IPv6 addresses of a device that goes down.
    expect(await look()).toEqual(expect.arrayContaining([...problems]))
  })

  it.each<[string, KernelChange, readonly string[]]>([
    ['is down', set('eth0', { up: false }), ['eth0 is down']],
    ['has another MTU', set('eth0', { mtuBytes: 1400 }), ['eth0 has an MTU of 1400, not 1450']],
    [
      'lost an address',
      { kind: 'address', action: 'remove', value: { device: 'eth0', address: v4, prefixLength: 24 } },
      ['eth0 has lost the address 10.5.71.9/24', 'eth0 has lost the default route by 10.5.71.1']
    ],
    [
      'lost its way out',
      { kind: 'route', action: 'remove', value: { destination: everywhere, gateway, device: 'eth0' } },
      ['eth0 has lost the default route by 10.5.71.1']
    ],
    [
      'lost its way to the other pods',
      { kind: 'route', action: 'remove', value: { destination: network, gateway, device: 'eth0' } },
      ['eth0 has lost the route to 10.5.0.0/16 by 10.5.71.1']
    ]
  ])('sees in the pod that its end %s', async (_, change, problems) => {
    const { look, pod } = await pluggedIn()
    expect((await pod.apply([change]))[0]?.error).toBeUndefined()
    expect(await look()).toEqual(expect.arrayContaining([...problems]))
  })

  it('does not miss the route to the other pods in a pod that a former version plugged in', async () => {
    const { links, pod } = await setup()
    const { routes, ...link } = await links.plug(SPEC, REQUEST)
    expect(routes).toHaveLength(4)
    const gone = { destination: network, gateway, device: 'eth0' }
    await pod.apply([{ kind: 'route', action: 'remove', value: gone }])
    expect(await links.inspect({ key: KEY, namespace: POD, link })).toEqual([])
    await pod.apply([{ kind: 'route', action: 'remove', value: { ...gone, destination: everywhere } }])
    expect(await links.inspect({ key: KEY, namespace: POD, link })).toEqual([
      'eth0 has lost the default route by 10.5.71.1'
    ])
  })

  it('sees another MAC, unless somebody was asked for it', async () => {
    const { look, pod, links } = await pluggedIn()
    const mac = Mac.parse('02:00:00:00:00:77')
    await pod.apply([set('eth0', { mac })])
    expect(await look()).toEqual([expect.stringMatching(/^eth0 has the MAC 02:00:00:00:00:77, not /)])
    expect(await look({ otherMacs: [mac] })).toEqual([])
    expect(await links.isPlugged(KEY)).toBe(true)
  })

  it('sees that the link, the bridge or the namespace is gone', async () => {
    const { look, node, links } = await pluggedIn()
    expect(await look({ namespace: '/run/netns/nobody' })).toEqual([
      expect.stringContaining('/run/netns/nobody is not a network namespace')
    ])
    await links.unplug(KEY)
    expect(await links.isPlugged(KEY)).toBe(false)
    expect(await look()).toEqual([`${HOST_DEVICE} on the node is gone`, `eth0 in ${POD} is gone`])
    await node.apply([{ kind: 'link', action: 'remove', value: { name: 'cni0', kind: { type: 'bridge' } } }])
    expect(await look()).toContain('the bridge cni0 is gone')
  })
})
