import type { KernelChange } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LinuxKernel } from '../src/index.ts'
import { NetlinkSocket } from '../src/netlink-socket.ts'
import { Place } from '../src/place.ts'
import { ERRNO, lastErrno, sys } from '../src/syscalls.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'

const BRIDGE: KernelChange = {
  action: 'create',
  kind: 'link',
  value: { name: 'br0', kind: { type: 'bridge' }, up: true }
}

describe('what cannot be done', () => {
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

  it('an address where IPv6 is off is refused, not forbidden: being root would not help', async () => {
    await kernel.apply([
      BRIDGE,
      { action: 'set', kind: 'sysctl', value: { key: 'net/ipv6/conf/br0/disable_ipv6', value: '1' } }
    ])
    const [outcome] = await kernel.apply([
      {
        action: 'create',
        kind: 'address',
        value: { device: 'br0', address: IpAddress.parse('fd05::1'), prefixLength: 64 }
      }
    ])
    expect(outcome?.error?.code).toBe('TRI_KERNEL_REFUSED')
    expect(outcome?.error?.message).toContain('ip address add fd05::1/64 dev br0')
    expect(outcome?.error?.message).toContain('EACCES')
  })

  it.each(['a'.repeat(16), 'a\0b', ''])('a device %j is not there, as no device can be', async (name) => {
    const outcomes = await kernel.apply([
      {
        action: 'create',
        kind: 'address',
        value: { device: name, address: IpAddress.parse('10.9.0.1'), prefixLength: 24 }
      },
      { action: 'remove', kind: 'route', value: { device: name, destination: Prefix.parse('10.9.0.0/24') } },
      { action: 'create', kind: 'link', value: { name: 'made', kind: { type: 'macvlan', parent: name } } }
    ])
    expect(outcomes.map(({ error }) => error?.code)).toEqual([
      'TRI_KERNEL_NOT_FOUND',
      undefined,
      'TRI_KERNEL_NOT_FOUND'
    ])
  })

  it('a sysctl that may only be read is forbidden', async () => {
    const [outcome] = await kernel.apply([
      {
        action: 'set',
        kind: 'sysctl',
        value: { key: 'net/ipv4/tcp_available_congestion_control', value: 'x' }
      }
    ])
    expect(outcome?.error?.code).toBe('TRI_KERNEL_PERMISSION')
  })

  it('the kernel is quoted in its own words', async () => {
    const [, outcome] = await kernel.apply([
      BRIDGE,
      {
        action: 'create',
        kind: 'route',
        value: { destination: Prefix.parse('10.9.0.0/16'), gateway: IpAddress.parse('192.0.2.9') }
      }
    ])
    expect(outcome?.error?.message).toContain('Nexthop has invalid gateway')
  })

  it('a master of a device that is made elsewhere is refused: it would be taken for one there', async () => {
    const elsewhere = await testNamespace()
    try {
      const outcomes = await kernel.apply([
        BRIDGE,
        {
          action: 'create',
          kind: 'link',
          value: { name: 'made', kind: { type: 'bridge' }, namespace: elsewhere.path, master: 'br0' }
        }
      ])
      expect(outcomes.map(({ error }) => error?.code)).toEqual([undefined, 'TRI_KERNEL_REFUSED'])
      expect((await elsewhere.json('link', 'show')).map(({ ifname }) => ifname)).toEqual(['lo'])
    } finally {
      await elsewhere.dispose()
    }
  })

  it('one announcement that fails stops none of the others', async () => {
    await namespace.ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1')
    await namespace.ip('link', 'set', 'v0', 'up')
    await namespace.ip('link', 'set', 'v1', 'up')
    const [link] = (await kernel.read({ links: true })).links.filter(({ name }) => name === 'v0')
    const mac = link?.mac ?? Mac.parse('02:00:00:00:00:01')
    const sent = async (): Promise<number> => {
      const [v0] = await namespace.json('-s', 'link', 'show', 'dev', 'v0')
      return (v0 as { stats64: { tx: { packets: number } } }).stats64.tx.packets
    }
    const address = IpAddress.parse('10.9.0.1')
    // IPv6 says hello by itself.
    await namespace.run('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1')
    const before = await sent()
    await expect(
      kernel.announce([
        { device: 'missing', address, mac },
        { device: 'v0', address, mac }
      ])
    ).rejects.toMatchObject({ code: 'TRI_KERNEL_NOT_FOUND' })
    expect((await sent()) - before).toBe(1)
  })
})

describe('a socket that has lost an answer', () => {
  it('is replaced by another for the next request', () => {
    let made = 0
    const place = new Place(undefined, () => {
      const loses = made++ === 0
      const recv: typeof sys.recv = (...args) => (loses ? -1 : sys.recv(...args))
      const errno = (): number => (loses ? ERRNO.ENOBUFS : lastErrno())
      return new NetlinkSocket({ calls: { send: sys.send, recv, close: sys.close, errno } })
    })
    try {
      expect(() => place.indexOf('lo')).toThrow('ENOBUFS')
      expect(place.indexOf('lo')).toBe(1)
      expect(place.nameOf(1)).toBe('lo')
      expect(made).toBe(2)
    } finally {
      place.close()
    }
  })
})

describe('a kernel that has been closed', () => {
  it('touches no descriptor any more: each may be another file by then', async () => {
    const namespace = await testNamespace()
    try {
      const kernel = await LinuxKernel.open({ namespace: namespace.path })
      await kernel.apply([BRIDGE])
      kernel.close()
      kernel.close()
      const closed = { code: 'TRI_INTERNAL' }
      await expect(kernel.read({ links: true })).rejects.toMatchObject(closed)
      await expect(kernel.routeTo(IpAddress.parse('10.0.0.1'))).rejects.toMatchObject(closed)
      await expect(kernel.announce([])).rejects.toMatchObject(closed)
      expect(() => kernel.watch(() => {})).toThrow('closed')
      const outcomes = await kernel.apply([
        { action: 'set', kind: 'link', value: { name: 'br0', kind: { type: 'bridge' }, up: false } },
        { action: 'remove', kind: 'link', value: { name: 'br0', kind: { type: 'bridge' } } },
        { action: 'set', kind: 'sysctl', value: { key: 'net/ipv4/ip_forward', value: '1' } },
        BRIDGE
      ])
      expect(outcomes.map(({ error }) => error?.code)).toEqual(Array(4).fill('TRI_INTERNAL'))
      expect(await namespace.json('link', 'show', 'up', 'dev', 'br0')).toHaveLength(1)
    } finally {
      await namespace.dispose()
    }
  })
})
