import type { KernelChange, Logger, PodLinkRequest } from '@trilane/contracts'
import { SILENT_LOGGER } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { describe, expect, it, vi } from 'vitest'
import { HOST_DEVICE, KEY, PATIENT, POD, REQUEST, SPEC, setup } from './bridged-node.ts'

/** A logger that remembers the messages of warnings and errors. */
function recorder(): Logger & { readonly lines: string[] } {
  const lines: string[] = []
  const say = (message: string): void => void lines.push(message)
  const logger = { ...SILENT_LOGGER, info: say, warn: say, error: say, child: () => logger, lines }
  return logger
}

describe('BridgePodLinks.plug', () => {
  it('leaves both namespaces as planned', async () => {
    const { node, pod, links } = await setup()
    const link = await links.plug(SPEC, REQUEST)
    const host = (await node.read({ links: true })).links.find(({ name }) => name === HOST_DEVICE)
    expect(host).toMatchObject({
      mtuBytes: 1450,
      master: 'cni0',
      hairpin: true,
      alias: 'trilane:default:c0ffee:eth0',
      up: true,
      carrier: true
    })
    expect(String(host?.mac)).toBe(String(link.hostMac))
    const inside = await pod.read({ links: true, addresses: true, routes: 'main' })
    const [lo, eth0] = inside.links
    expect(lo).toMatchObject({ name: 'lo', up: true })
    expect(eth0).toMatchObject({ name: 'eth0', mtuBytes: 1450, up: true })
    expect(String(eth0?.mac)).toBe(String(link.podMac))
    const onEth0 = inside.addresses.filter(({ device, scope }) => device === 'eth0' && scope === 'global')
    expect(onEth0.map(({ address, prefixLength }) => `${address}/${prefixLength}`)).toEqual([
      '10.5.71.9/24',
      'fd00:5:0:71::9/64'
    ])
    expect(onEth0.every(({ tentative }) => !tentative)).toBe(true)
    const ways = inside.routes.filter(({ destination }) => destination.length === 0)
    expect(ways.map(({ gateway }) => String(gateway))).toEqual(['10.5.71.1', 'fd00:5:0:71::1'])
  })

  it('announces every address from inside the pod', async () => {
    const { opened, links } = await setup()
    const { podMac } = await links.plug(SPEC, REQUEST)
    const announced = opened.pods.flatMap((handle) => handle.announced)
    expect(announced.map(({ device, address, mac }) => `${device} ${address} ${mac}`)).toEqual([
      `eth0 10.5.71.9 ${podMac}`,
      `eth0 fd00:5:0:71::9 ${podMac}`
    ])
  })

  it('writes what another plugin has given, and nothing of its own', async () => {
    const { node, pod, links } = await setup()
    const given = {
      addresses: [
        { address: IpAddress.parse('10.90.0.5'), prefixLength: 24, gateway: IpAddress.parse('10.90.0.1') },
        { address: IpAddress.parse('10.91.0.5'), prefixLength: 24 }
      ],
      routes: [
        { destination: Prefix.parse('10.0.0.0/8'), gateway: IpAddress.parse('10.90.0.1'), metric: 7 },
        { destination: Prefix.parse('10.92.0.0/16'), table: 100 }
      ],
      bridgeIsGateway: true
    }
    const link = await links.plug(SPEC, { ...REQUEST, given })
    const { addresses, routes } = await pod.read({ addresses: true, routes: 'all' })
    const onEth0 = addresses.filter(({ device, scope }) => device === 'eth0' && scope === 'global')
    expect(onEth0.map(({ address, prefixLength }) => `${address}/${prefixLength}`)).toEqual([
      '10.90.0.5/24',
      '10.91.0.5/24'
    ])
    const texts = routes.map(({ destination, gateway, metric, table }) =>
      [destination, gateway, metric, table].join(' ')
    )
    expect(texts).toContain('10.0.0.0/8 10.90.0.1 7 254')
    expect(texts).toContain('10.92.0.0/16  0 100')
    expect(texts.some((text) => text.startsWith('0.0.0.0/0'))).toBe(false)
    const onBridge = async () =>
      (await node.read({ addresses: true })).addresses.filter(({ device }) => device === 'cni0')
    expect((await onBridge()).map(({ address }) => String(address))).toContain('10.90.0.1')
    const plugged = { key: KEY, namespace: POD, link }
    expect(await links.inspect(plugged)).toEqual([])
    const [gateway] = (await onBridge()).filter(({ address }) => String(address) === '10.90.0.1')
    if (gateway !== undefined) await node.apply([{ kind: 'address', action: 'remove', value: gateway }])
    expect(await links.inspect(plugged)).toEqual(['cni0 has lost the gateway address 10.90.0.1'])
    expect(
      await links.inspect({ ...plugged, link: { ...link, given: { ...given, bridgeIsGateway: false } } })
    ).toEqual([])
  })

  it('closes what it opened, also after an error', async () => {
    const { opened, node, pod, links } = await setup()
    await links.plug(SPEC, REQUEST)
    await links.unplug(KEY)
    node.faults.failNext(({ action }) => action === 'create', 'ENOMEM')
    await expect(links.plug(SPEC, REQUEST)).rejects.toThrow()
    pod.faults.failNext(({ kind }) => kind === 'route', 'ENOMEM')
    await expect(links.plug(SPEC, REQUEST)).rejects.toThrow()
    expect(opened.watches).toBe(0)
    expect(opened.pods).toHaveLength(3)
    for (const handle of opened.pods) await expect(handle.read({})).rejects.toThrow('closed')
  })

  it('counts a pod that cannot be announced as plugged in', async () => {
    const logger = recorder()
    const { opened, links } = await setup({ logger })
    const { namespace } = opened
    opened.namespace = async (path) => {
      const handle = await namespace.call(opened, path)
      handle.announce = () => Promise.reject(new Error('no'))
      return handle
    }
    expect((await links.plug(SPEC, REQUEST)).hostDevice).toBe(HOST_DEVICE)
    expect(logger.lines).toEqual(['pod not announced'])
  })

  it('gives the same names and MACs when the same pod comes again', async () => {
    const { links } = await setup()
    const first = await links.plug(SPEC, REQUEST)
    await links.unplug(KEY)
    expect(JSON.stringify(await links.plug(SPEC, REQUEST))).toBe(JSON.stringify(first))
  })

  it('announces nothing before the carrier, but does not wait for it for ever', async () => {
    let timeIsUp = (): void => {}
    const sleeping = new Promise<void>((resolve) => {
      timeIsUp = resolve
    })
    const { node, opened, links } = await setup({ clock: { ...PATIENT, sleep: () => sleeping } })
    node.faults.loseEvents(100, '')
    opened.isSlow = true
    const plugged = links.plug(SPEC, REQUEST)
    await new Promise((resolve) => setImmediate(resolve))
    const announced = () => opened.pods.flatMap((handle) => handle.announced).length
    expect(announced()).toBe(0)
    timeIsUp()
    await plugged
    expect(announced()).toBe(2)
  })

  it('goes on when events were lost', async () => {
    const { node, opened, links } = await setup()
    opened.isSlow = true
    const plugged = links.plug(SPEC, REQUEST)
    await vi.waitFor(() => expect(opened.watches).toBe(1))
    node.faults.loseEvents(100)
    await node.apply([
      { kind: 'link', action: 'set', value: { name: 'cni0', kind: { type: 'bridge' }, mtuBytes: 1400 } }
    ])
    expect((await plugged).hostDevice).toBe(HOST_DEVICE)
    expect(opened.watches).toBe(0)
  })

  it('serves several pods at once', async () => {
    const { node, links } = await setup()
    const ids = ['a', 'b', 'c', 'd']
    const requests = ids.map((containerId, index): PodLinkRequest => {
      const namespace = `/run/netns/${containerId}`
      node.machine.addNamespace(namespace)
      const v4 = IpAddress.parse(`10.5.71.${20 + index}`)
      return { key: { containerId, ifname: 'eth0' }, namespace, addresses: { v4 } }
    })
    const plugged = await Promise.all(requests.map((request) => links.plug(SPEC, request)))
    expect(new Set(plugged.map(({ hostDevice }) => hostDevice)).size).toBe(ids.length)
    const { links: devices } = await node.read({ links: true })
    expect(devices.filter(({ master, carrier }) => master === 'cni0' && carrier)).toHaveLength(ids.length)
  })

  it('refuses an interface name that the pod has, and leaves that interface alone', async () => {
    const { node, pod, links } = await setup()
    await pod.apply([{ kind: 'link', action: 'create', value: { name: 'eth0', kind: { type: 'bridge' } } }])
    const before = [node.toString(), pod.toString()]
    await expect(links.plug(SPEC, REQUEST)).rejects.toMatchObject({
      code: 'TRI_POD_INTERFACE_EXISTS',
      values: { namespace: POD, ifname: 'eth0' }
    })
    expect([node.toString(), pod.toString()]).toEqual(before)
  })

  it('leaves a foreign device of the derived name alone', async () => {
    const { node, links } = await setup()
    await node.apply([
      { kind: 'link', action: 'create', value: { name: HOST_DEVICE, kind: { type: 'bridge' } } }
    ])
    await expect(links.plug(SPEC, REQUEST)).rejects.toMatchObject({ code: 'TRI_KERNEL_EXISTS' })
    await links.unplug(KEY)
    expect((await node.read({ links: true })).links.map(({ name }) => name)).toContain(HOST_DEVICE)
  })

  it('touches nothing without a namespace', async () => {
    const { node, links } = await setup()
    const before = node.changes.length
    const request = { ...REQUEST, namespace: '/run/netns/none' }
    await expect(links.plug(SPEC, request)).rejects.toMatchObject({ code: 'TRI_NAMESPACE_INVALID' })
    expect(node.changes.length).toBe(before)
  })

  it('lets a pod keep the default route that it has', async () => {
    const logger = recorder()
    const { pod, links } = await setup({ logger })
    await links.plug(SPEC, REQUEST)
    const second = { v4: IpAddress.parse('10.5.71.10') }
    await links.plug(SPEC, { ...REQUEST, key: { ...KEY, ifname: 'net1' }, addresses: second })
    const { routes, addresses } = await pod.read({ routes: 'main', addresses: true })
    expect(addresses.some(({ device }) => device === 'net1')).toBe(true)
    const ways = routes.filter(({ destination }) => destination.toString() === '0.0.0.0/0')
    expect(ways.map(({ device }) => device)).toEqual(['eth0'])
    // The default route, and the one to all pods of the network.
    expect(logger.lines).toEqual(['pod has a route already', 'pod has a route already'])
  })

  const steps: readonly (readonly [string, (change: KernelChange) => boolean])[] = [
    ['the pair', ({ kind, action }) => kind === 'link' && action === 'create'],
    ['lo', ({ kind, value }) => kind === 'link' && value.name === 'lo'],
    ['a sysctl', ({ kind }) => kind === 'sysctl'],
    ['an address', ({ kind, value }) => kind === 'address' && value.address.family === 'v6'],
    [
      'the pod’s end',
      ({ kind, action, value }) => kind === 'link' && action === 'set' && value.name === 'eth0'
    ],
    ['a route', ({ kind }) => kind === 'route']
  ]

  it.each(['node', 'pod'] as const)(
    'leaves nothing when the kernel limits nothing on the side of the %s',
    async (side) => {
      const { node, pod, links } = await setup()
      const before = node.toString()
      const limit = { bytesPerSecond: 1_000_000, burstBytes: 20_000 }
      const isLimit = (change: KernelChange): boolean =>
        change.kind === 'link' && change.value.sendLimit !== undefined
      const kernel = side === 'node' ? node : pod
      kernel.faults.failNext(isLimit, 'EOPNOTSUPP')
      const request = { ...REQUEST, bandwidth: { ingress: limit, egress: limit } }
      await expect(links.plug(SPEC, request)).rejects.toThrow()
      expect(node.toString()).toBe(before)
      await links.plug(SPEC, request)
    }
  )

  it.each(steps)('leaves nothing when the kernel refuses %s', async (_, match) => {
    const { node, pod, links } = await setup()
    const before = node.toString()
    node.faults.failNext(match, 'ENOMEM')
    pod.faults.failNext(match, 'ENOMEM')
    await expect(links.plug(SPEC, REQUEST)).rejects.toMatchObject({ code: 'TRI_KERNEL_REFUSED' })
    expect(node.toString()).toBe(before)
    expect((await pod.read({ links: true })).links.map(({ name }) => name)).toEqual(['lo'])
  })

  it('says why it failed when cleaning up fails too', async () => {
    const logger = recorder()
    const { node, pod, links } = await setup({ logger })
    pod.faults.failNext(({ kind }) => kind === 'route', 'ENOMEM')
    node.faults.failNext(({ action }) => action === 'remove', 'EBUSY')
    await expect(links.plug(SPEC, REQUEST)).rejects.toMatchObject({ values: { errno: 'ENOMEM' } })
    expect(logger.lines).toEqual(['pod link left behind'])
  })
})

describe('BridgePodLinks.unplug', () => {
  it('takes both ends away and nothing else', async () => {
    const { node, pod, links } = await setup()
    const before = [node.toString(), (await pod.read({ links: true })).links.length]
    await links.plug(SPEC, REQUEST)
    await links.unplug(KEY)
    expect([node.toString(), (await pod.read({ links: true })).links.length]).toEqual(before)
  })

  it('takes a pair that a killed process could not mark any more, and none with another MAC', async () => {
    const { node, links } = await setup()
    const { hostMac } = await links.plug(SPEC, REQUEST)
    await links.unplug(KEY)
    const veth = {
      name: HOST_DEVICE,
      kind: { type: 'veth', peer: { name: 'eth0', namespace: POD } }
    } as const
    const names = async () => (await node.read({ links: true })).links.map(({ name }) => name)
    await node.apply([
      { kind: 'link', action: 'create', value: { ...veth, mac: Mac.parse('02:00:00:00:00:01') } }
    ])
    await links.unplug(KEY)
    expect(await names()).toContain(HOST_DEVICE)
    await node.apply([
      { kind: 'link', action: 'set', value: { ...veth, ...(hostMac === undefined ? {} : { mac: hostMac }) } }
    ])
    await links.unplug(KEY)
    expect(await names()).not.toContain(HOST_DEVICE)
  })

  it('succeeds when there is nothing, twice, and after the namespace is gone', async () => {
    const { node, links } = await setup()
    await links.unplug(KEY)
    await links.plug(SPEC, REQUEST)
    node.machine.removeNamespace(POD)
    await links.unplug(KEY)
    await links.unplug(KEY)
    expect((await node.read({ links: true })).links.map(({ name }) => name)).toEqual([
      'lo',
      'uplink0',
      'cni0'
    ])
  })

  it('reports what the kernel refuses', async () => {
    const { node, links } = await setup()
    await links.plug(SPEC, REQUEST)
    node.faults.failNext(({ action }) => action === 'remove', 'EBUSY')
    await expect(links.unplug(KEY)).rejects.toMatchObject({ code: 'TRI_KERNEL_REFUSED' })
    await links.unplug(KEY)
  })
})
