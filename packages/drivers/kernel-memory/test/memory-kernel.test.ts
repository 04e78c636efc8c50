import type { Kernel, KernelChange, KernelEvent } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { MemoryMachine, memoryNode } from '@trilane/kernel-memory'
import { describe, expect, it } from 'vitest'

const BRIDGE: KernelChange = {
  kind: 'link',
  action: 'create',
  value: { name: 'cni0', kind: { type: 'bridge' } }
}
const ROUTE: KernelChange = {
  kind: 'route',
  action: 'create',
  value: { destination: Prefix.parse('10.5.2.0/24'), gateway: IpAddress.parse('192.0.2.7'), protocol: 133 }
}

const codes = async (kernel: Kernel, ...changes: KernelChange[]) =>
  (await kernel.apply(changes)).map(({ error }) => error?.code)

describe('memoryNode', () => {
  it('makes cards with addresses and routes, which are no writes', async () => {
    const kernel = memoryNode({
      links: ['eth0 192.0.2.1/24 fd00::1/64 mtu 9000 mac 02:00:00:00:00:01', 'eth1 198.51.100.1/24 down'],
      routes: [
        'default via 192.0.2.254',
        'default via fd00::fe',
        '10.9.0.0/16 via 192.0.2.9 metric 100 proto 4'
      ]
    })
    expect(kernel.writes).toBe(0)
    expect(String(kernel)).toBe(
      [
        'ip link set dev eth0 mtu 9000 address 02:00:00:00:00:01 up',
        'ip address add 192.0.2.1/24 dev eth0',
        'ip address add 198.51.100.1/24 dev eth1',
        'ip address add fd00::1/64 dev eth0',
        'ip -6 route add default via fd00::fe dev eth0',
        'ip route add 10.9.0.0/16 via 192.0.2.9 dev eth0 proto 4 metric 100',
        'ip route add default via 192.0.2.254 dev eth0',
        ''
      ].join('\n')
    )
    const { links } = await kernel.read({ links: true })
    expect(links.map(({ name, up, carrier }) => [name, up, carrier])).toEqual([
      ['lo', true, true],
      ['eth0', true, true],
      ['eth1', false, false]
    ])
  })

  it.each([
    [{ links: ['eth0 192.0.2.1/24 mtux 9000'] }, '"mtux"'],
    [{ links: ['eth0 192.0.2.1/33'] }, 'prefix length'],
    [{ links: ['eth0 mtu many'] }, '"many"'],
    [{ links: ['eth0', 'eth0'] }, 'eth0'],
    [{ routes: ['default through 192.0.2.254'] }, '"through"'],
    [{ routes: ['default via 192.0.2.254'] }, 'invalid gateway']
  ])('says which word of %j it does not understand', (setup, word) => {
    expect(() => memoryNode(setup)).toThrow(word)
  })
})

describe('toString', () => {
  it('is commands that make the same state, sorted within each kind', async () => {
    const kernel = memoryNode({ links: ['eth0 192.0.2.1/24'] })
    kernel.machine.addNamespace('/run/netns/pod')
    const address = IpAddress.parse('10.5.1.1')
    const mac = Mac.parse('02:00:00:00:00:0a')
    const changes: KernelChange[] = [
      {
        kind: 'link',
        action: 'create',
        value: { name: 'cni0', kind: { type: 'bridge' }, alias: 'trilane:default', up: true }
      },
      {
        kind: 'link',
        action: 'create',
        value: {
          name: 'pod0',
          kind: { type: 'veth', peer: { name: 'eth0', namespace: '/run/netns/pod', mtuBytes: 1400 } },
          master: 'cni0',
          hairpin: true,
          up: true
        }
      },
      {
        kind: 'link',
        action: 'create',
        value: { name: 'a-vlan', kind: { type: 'vlan', parent: 'b-bridge', vlanId: 7 } }
      },
      { kind: 'link', action: 'create', value: { name: 'b-bridge', kind: { type: 'bridge' } } },
      {
        kind: 'link',
        action: 'create',
        value: { name: 'a-vlan', kind: { type: 'vlan', parent: 'b-bridge', vlanId: 7 } }
      },
      { kind: 'address', action: 'create', value: { device: 'cni0', address, prefixLength: 24 } },
      ROUTE,
      {
        kind: 'route',
        action: 'create',
        value: { destination: Prefix.parse('fd00:9::/48'), type: 'blackhole' }
      },
      {
        kind: 'neighbour',
        action: 'create',
        value: { device: 'cni0', address: IpAddress.parse('10.5.1.7'), mac }
      },
      { kind: 'sysctl', action: 'set', value: { key: 'net/ipv4/ip_forward', value: '1' } }
    ]
    expect((await codes(kernel, ...changes)).filter((code) => code !== undefined)).toEqual([
      'TRI_KERNEL_NOT_FOUND'
    ])
    expect(String(kernel)).toBe(
      [
        'ip link add name b-bridge type bridge',
        'ip link add name cni0 type bridge',
        'ip link add name pod0 type veth peer name eth0 netns /run/netns/pod mtu 1400',
        'ip link add link b-bridge name a-vlan type vlan id 7',
        'ip link set dev cni0 alias trilane:default up',
        'ip link set dev eth0 up',
        'ip link set dev pod0 master cni0 up',
        'bridge link set dev pod0 hairpin on',
        'ip address add 10.5.1.1/24 dev cni0',
        'ip address add 192.0.2.1/24 dev eth0',
        'ip -6 route add blackhole fd00:9::/48',
        'ip route add 10.5.2.0/24 via 192.0.2.7 dev eth0 proto 133',
        'ip neigh add 10.5.1.7 lladdr 02:00:00:00:00:0a dev cni0 nud permanent',
        'sysctl -w net/ipv4/conf/all/forwarding=1',
        ''
      ].join('\n')
    )
  })
})

describe('a machine', () => {
  it('is the same in every run', async () => {
    const [one, two] = [
      memoryNode({ links: ['eth0 192.0.2.1/24'] }),
      memoryNode({ links: ['eth0 192.0.2.1/24'] })
    ]
    const everything = { links: true, addresses: true, routes: 'all' } as const
    await one.apply([BRIDGE, ROUTE])
    await two.apply([BRIDGE, ROUTE])
    expect(JSON.stringify(await one.read(everything))).toBe(JSON.stringify(await two.read(everything)))
  })

  it('takes a pair away with the namespace that one end is in', async () => {
    const kernel = memoryNode()
    const pod = kernel.machine.addNamespace('/run/netns/pod')
    const peer = { name: 'eth0', namespace: '/run/netns/pod' }
    await kernel.apply([
      { kind: 'link', action: 'create', value: { name: 'pod0', kind: { type: 'veth', peer } } }
    ])
    expect((await pod.read({ links: true })).links).toHaveLength(2)
    kernel.machine.removeNamespace('/run/netns/pod')
    expect((await kernel.read({ links: true })).links.map(({ name }) => name)).toEqual(['lo'])
    await expect(kernel.namespace('/run/netns/pod')).rejects.toMatchObject({ code: 'TRI_NAMESPACE_INVALID' })
  })

  it('refuses a second namespace at one path', () => {
    const machine = new MemoryMachine()
    machine.addNamespace('/run/netns/pod')
    expect(() => machine.addNamespace('/run/netns/pod')).toThrow('/run/netns/pod')
  })
})

describe('a handle', () => {
  it('counts what was asked for through it, and nothing else', async () => {
    const kernel = memoryNode({ links: ['eth0 192.0.2.1/24'] })
    const other = await kernel.namespace('/proc/1/ns/net')
    await other.apply([BRIDGE, BRIDGE])
    await kernel.apply([ROUTE])
    expect([kernel.writes, other.writes]).toEqual([1, 2])
    expect(kernel.changes).toEqual([ROUTE])
  })

  it('remembers announcements', async () => {
    const kernel = memoryNode({ links: ['eth0 192.0.2.1/24'] })
    const announcement = {
      device: 'eth0',
      address: IpAddress.parse('192.0.2.1'),
      mac: Mac.parse('02:00:00:00:00:01')
    }
    await kernel.announce([announcement])
    expect(kernel.announced).toEqual([announcement])
  })

  it('cannot be used when it is closed', async () => {
    const kernel = memoryNode()
    kernel.close()
    await expect(kernel.read({})).rejects.toThrow('closed')
    await expect(kernel.apply([])).rejects.toThrow('closed')
  })
})

describe('faults', () => {
  it('refuse the next change that matches, with the words given', async () => {
    const kernel = memoryNode({ links: ['eth0 192.0.2.1/24'] })
    kernel.faults.failNext(({ kind }) => kind === 'route', 'ENOMEM', 'no room')
    const [link, route] = await kernel.apply([BRIDGE, ROUTE])
    expect(link?.error).toBeUndefined()
    expect(route?.error?.message).toBe(
      'the kernel refused `ip route add 10.5.2.0/24 via 192.0.2.7 proto 133`: ENOMEM (no room)'
    )
    expect(await codes(kernel, ROUTE)).toEqual([undefined])
  })

  it('refuse every change that matches until they are ended', async () => {
    const kernel = memoryNode()
    const end = kernel.faults.failAll(({ kind }) => kind === 'link', 'EPERM')
    expect(await codes(kernel, BRIDGE, BRIDGE)).toEqual(['TRI_KERNEL_PERMISSION', 'TRI_KERNEL_PERMISSION'])
    end()
    expect(await codes(kernel, BRIDGE)).toEqual([undefined])
  })

  it('meet every handle of the namespace, and no other namespace', async () => {
    const kernel = memoryNode()
    const pod = kernel.machine.addNamespace('/run/netns/pod')
    kernel.faults.failAll(() => true)
    const other = await kernel.namespace('/proc/1/ns/net')
    expect(await codes(other, BRIDGE)).toEqual(['TRI_KERNEL_REFUSED'])
    expect(await codes(pod, BRIDGE)).toEqual([undefined])
  })

  it('take a link type away, and give it back', async () => {
    const kernel = memoryNode()
    const end = kernel.faults.refuseLinkType('bridge')
    expect(await codes(kernel, BRIDGE)).toEqual(['TRI_KERNEL_UNSUPPORTED'])
    end()
    expect(await codes(kernel, BRIDGE)).toEqual([undefined])
  })

  it('make a device vanish, with what Linux takes with it', async () => {
    const kernel = memoryNode({ links: ['eth0 192.0.2.1/24'], routes: ['default via 192.0.2.254'] })
    const events: KernelEvent[] = []
    kernel.watch((event) => events.push(event))
    kernel.faults.loseDevice('eth0')
    expect(String(kernel)).toBe('')
    await Promise.resolve()
    expect(events.at(-1)).toMatchObject({ kind: 'link', gone: true, value: { name: 'eth0' } })
    expect(() => kernel.faults.loseDevice('eth0')).toThrow('eth0')
  })

  it('lose events, and say so once', async () => {
    const kernel = memoryNode()
    const events: KernelEvent[] = []
    kernel.watch((event) => events.push(event))
    kernel.faults.loseEvents(2)
    const bridges = ['a', 'b', 'c'].map(
      (name) => ({ ...BRIDGE, value: { ...BRIDGE.value, name } }) as KernelChange
    )
    await kernel.apply(bridges)
    expect(events.map((event) => (event.kind === 'link' ? event.value.name : event.kind))).toEqual([
      'lost',
      'c'
    ])
  })

  it('interrupt reads', async () => {
    const kernel = memoryNode()
    kernel.faults.interruptReads(1)
    await expect(kernel.read({ links: true })).rejects.toMatchObject({ code: 'TRI_KERNEL_READ_INCOMPLETE' })
    expect((await kernel.read({ links: true })).links).toHaveLength(1)
  })
})

describe('what Linux refuses', () => {
  it('a bridge as a port of a bridge, and lo', async () => {
    const kernel = memoryNode()
    await kernel.apply([BRIDGE])
    const before = String(kernel)
    const port = (name: string): KernelChange => ({
      kind: 'link',
      action: 'set',
      value: { name, kind: { type: 'bridge' }, master: 'cni0' }
    })
    expect(await codes(kernel, port('cni0'), port('lo'))).toEqual([
      'TRI_KERNEL_REFUSED',
      'TRI_KERNEL_REFUSED'
    ])
    const nested: KernelChange = {
      kind: 'link',
      action: 'create',
      value: { name: 'br1', kind: { type: 'bridge' }, master: 'cni0' }
    }
    expect(await codes(kernel, nested)).toEqual(['TRI_KERNEL_REFUSED'])
    expect(String(kernel)).toBe(before)
  })
})
