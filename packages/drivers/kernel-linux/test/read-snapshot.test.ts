import { execFileSync } from 'node:child_process'
import { type KernelChange, type ReadScope, TrilaneError } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LinuxKernel } from '../src/index.ts'
import { NetworkNamespace, warmThreadPool } from '../src/namespaces.ts'
import { NetlinkSocket } from '../src/netlink-socket.ts'
import { readSnapshot } from '../src/read-snapshot.ts'
import { RTM } from '../src/rtnetlink.ts'
import { lastErrno, sys } from '../src/syscalls.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'

const DEVICES = 'devices'

describe('a reading while others change the devices', () => {
  let namespace: TestNamespace
  let opened: NetworkNamespace
  let made = 0

  beforeEach(async () => {
    await warmThreadPool()
    made = 0
    namespace = await testNamespace()
    opened = NetworkNamespace.open(namespace.path)
  })

  afterEach(async () => {
    opened.close()
    await namespace.dispose()
  })

  /** A device with an address and a route, made before this returns. */
  function makeDevice(): void {
    const name = `late${made++}`
    const input = `link add ${name} up type bridge\naddress add 10.9.${made}.1/24 dev ${name}\n`
    execFileSync('nsenter', [`--net=${namespace.path}`, 'ip', '-batch', '-'], { input })
  }

  /** A socket on which the dump of addresses comes too late: a device was made just before. */
  function lateSocket(times: number): NetlinkSocket {
    const send: typeof sys.send = Object.assign(
      (fd: number, data: Uint8Array, length: number, flags: number) => {
        if (Buffer.from(data).readUInt16LE(4) === RTM.GETADDR && made < times) makeDevice()
        return sys.send(fd, data, length, flags)
      },
      { async: sys.send.async }
    )
    const calls = { send, recv: sys.recv, close: sys.close, errno: lastErrno }
    return opened.run(() => new NetlinkSocket({ calls }))
  }

  const read = (socket: NetlinkSocket) =>
    readSnapshot(
      { socket, inside: (act) => opened.run(act), isOwn: false, nameNow: () => undefined },
      { links: true, addresses: true, routes: 'main' }
    )

  it('has the device of each address and route that it has', async () => {
    const socket = lateSocket(2)
    try {
      const { links, addresses, routes } = await read(socket)
      expect(links.map(({ name }) => name)).toEqual(expect.arrayContaining(['late0', 'late1']))
      expect(addresses.map(({ address }) => `${address}`)).toEqual(
        expect.arrayContaining(['10.9.1.1', '10.9.2.1'])
      )
      const route = routes.find(({ destination }) => destination.equals(Prefix.parse('10.9.1.0/24')))
      expect(route?.device).toBe('late0')
    } finally {
      socket.close()
    }
  })

  it('is given up when they never rest, and says so', async () => {
    const socket = lateSocket(100)
    try {
      await expect(read(socket)).rejects.toSatisfy(
        (error) =>
          TrilaneError.is(error, 'TRI_KERNEL_READ_INCOMPLETE') &&
          TrilaneError.from(error).message.includes(DEVICES)
      )
      expect(made).toBe(5)
    } finally {
      socket.close()
    }
  })
})

describe('a reading of a part', () => {
  it('has the kernel leave out the rest: it costs no more than it brings', async () => {
    await warmThreadPool()
    const namespace = await testNamespace()
    const opened = NetworkNamespace.open(namespace.path)
    let received = 0
    const recv: typeof sys.recv = (...args) => {
      const length = sys.recv(...args)
      received += Math.max(length, 0)
      return length
    }
    const calls = { send: sys.send, recv, close: sys.close, errno: lastErrno }
    const socket = opened.run(() => new NetlinkSocket({ calls }))
    const writer = await LinuxKernel.open({ namespace: namespace.path })
    const bytesOf = async (scope: ReadScope): Promise<number> => {
      received = 0
      await readSnapshot(
        { socket, inside: (act) => opened.run(act), isOwn: false, nameNow: () => undefined },
        scope
      )
      return received
    }
    try {
      const many = Array.from({ length: 500 }, (_, at) =>
        IpAddress.fromBits('v4', 0x0a000000n + BigInt(at * 256))
      )
      const mac = Mac.parse('02:00:00:00:00:01')
      await writer.apply([
        ...['vx0', 'vx1'].map((name, at): KernelChange => {
          return {
            action: 'create',
            kind: 'link',
            value: { name, kind: { type: 'vxlan', vni: at }, up: true }
          }
        }),
        ...many.flatMap((address): KernelChange[] => [
          { action: 'set', kind: 'neighbour', value: { device: 'vx0', address, mac } },
          {
            action: 'set',
            kind: 'fdb',
            value: { device: 'vx0', mac: Mac.derive(`${address}`), destination: address }
          },
          {
            action: 'set',
            kind: 'route',
            value: { device: 'vx0', destination: Prefix.of(address, 24), protocol: 133 }
          }
        ])
      ])
      const nothing = await bytesOf({})
      const few = 2000
      for (const [part, whole] of [
        [{ routes: { protocol: 134 } }, { routes: { protocol: 133 } }],
        [{ neighboursOf: ['vx1'] }, { neighboursOf: ['vx0'] }],
        [{ fdbOf: ['vx1'] }, { fdbOf: ['vx0'] }]
      ] satisfies [ReadScope, ReadScope][]) {
        expect((await bytesOf(part)) - nothing).toBeLessThan(few)
        expect((await bytesOf(whole)) - nothing).toBeGreaterThan(10 * few)
      }
    } finally {
      writer.close()
      socket.close()
      opened.close()
      await namespace.dispose()
    }
  })
})
