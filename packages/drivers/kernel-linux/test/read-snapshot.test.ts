import { TrilaneError } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
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
  let writer: LinuxKernel
  let made = 0

  beforeEach(async () => {
    await warmThreadPool()
    made = 0
    namespace = await testNamespace()
    opened = NetworkNamespace.open(namespace.path)
    writer = await LinuxKernel.open({ namespace: namespace.path })
  })

  afterEach(async () => {
    writer.close()
    opened.close()
    await namespace.dispose()
  })

  /** A device with an address and a route, made before this returns: nothing in it waits. */
  function makeDevice(): void {
    const name = `late${made++}`
    void writer.apply([
      { action: 'create', kind: 'link', value: { name, kind: { type: 'bridge' }, up: true } },
      {
        action: 'create',
        kind: 'address',
        value: { device: name, address: IpAddress.parse(`10.9.${made}.1`), prefixLength: 24 }
      }
    ])
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
      { socket, inside: (act) => opened.run(act) },
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
