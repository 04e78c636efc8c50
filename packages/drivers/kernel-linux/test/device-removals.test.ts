import { afterEach, beforeEach, expect, it } from 'vitest'
import { DeviceRemovals } from '../src/device-removals.ts'
import { NetworkNamespace } from '../src/namespaces.ts'
import { NetlinkSocket } from '../src/netlink-socket.ts'
import { messagesOf } from '../src/reader.ts'
import { RTM, RTNLGRP } from '../src/rtnetlink.ts'
import { ERRNO, lastErrno, sys } from '../src/syscalls.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'

const DEVICES = ['d0', 'd1', 'd2', 'd3', 'd4', 'd5']

let namespace: TestNamespace
let inside: NetworkNamespace
let removals: DeviceRemovals
/** Types of the messages of each send. */
let sent: number[][]
/** Requests that Linux has done, and that have not returned. */
let held: (() => void)[]
let isHolding: boolean
let underWay: Promise<void> | undefined

beforeEach(async () => {
  namespace = await testNamespace()
  for (const name of DEVICES) await namespace.ip('link', 'add', name, 'type', 'bridge')
  inside = NetworkNamespace.open(namespace.path)
  sent = []
  held = []
  isHolding = false
  underWay = undefined
  removals = new DeviceRemovals({
    openSocket: () => inside.run(() => new NetlinkSocket({ calls: { ...sys, send, errno: lastErrno } })),
    openLinkEvents: () => inside.run(() => new NetlinkSocket({ groups: [RTNLGRP.LINK] })),
    underWay: () => underWay
  })
})
afterEach(async () => {
  letGo()
  removals.close()
  inside.close()
  await namespace.dispose()
})

/** Sends at once, and returns when the test says so. */
const send = Object.assign(sys.send, {
  async: (...[fd, data, length, flags, done]: Parameters<typeof sys.send.async>) => {
    sent.push([...messagesOf(Buffer.from(data.subarray(0, length)))].map(({ type }) => type))
    const result = sys.send(fd, data, length, flags)
    if (isHolding) held.push(() => done(null, result))
    else done(null, result)
  }
})

function letGo(): void {
  isHolding = false
  for (const done of held.splice(0)) done()
}

const left = async (): Promise<unknown[]> =>
  (await namespace.json('link', 'show')).map(({ ifname }) => ifname)
const remove = (...names: string[]): Promise<number[]> =>
  Promise.all(names.map(async (name) => (await removals.remove(name)).errno))

it('a device is removed when Linux says so, before the request returns', async () => {
  isHolding = true
  expect(await remove('d0')).toEqual([0])
  expect(held).toHaveLength(1)
  expect(await left()).toEqual(['lo', 'd1', 'd2', 'd3', 'd4', 'd5'])
})

it('those that wait for a thread go together, whoever asked for them, and no other', async () => {
  isHolding = true
  expect([await remove('d0'), await remove('d1')]).toEqual([[0], [0]])
  const waiting = [remove('d2', 'd4'), remove('d5')]
  await new Promise((resolve) => setImmediate(resolve))
  expect(sent).toEqual([[RTM.DELLINK], [RTM.DELLINK]])
  letGo()
  expect(await Promise.all(waiting)).toEqual([[0, 0], [0]])
  expect(sent.slice(2)).toEqual([[RTM.NEWLINK, RTM.NEWLINK, RTM.NEWLINK, RTM.DELLINK]])
  expect(await left()).toEqual(['lo', 'd3'])
})

it('what is not there costs the others of its group nothing', async () => {
  expect(await remove('d0', 'missing', 'd1')).toEqual([0, ERRNO.ENODEV, 0])
  expect(await remove('missing')).toEqual([ERRNO.ENODEV])
  expect(await left()).toEqual(['lo', 'd2', 'd3', 'd4', 'd5'])
})

it('nor does one that Linux does not remove', async () => {
  expect(await remove('d0', 'lo', 'd1')).toEqual([0, ERRNO.EOPNOTSUPP, 0])
  expect(sent).toHaveLength(2)
  expect(await left()).toEqual(['lo', 'd2', 'd3', 'd4', 'd5'])
})

it('comes behind what is under way', async () => {
  let end = () => {}
  underWay = new Promise((resolve) => (end = resolve))
  const removing = remove('d0')
  await new Promise((resolve) => setImmediate(resolve))
  expect(sent).toEqual([])
  end()
  expect(await removing).toEqual([0])
})

it('of two who want the same device gone both hear of it', async () => {
  expect(await remove('d0', 'd0', 'd1')).toEqual([0, 0, 0])
})

it('what was asked for before the close is done', async () => {
  const removing = remove('d0', 'd1')
  removals.close()
  expect(await removing).toEqual([0, 0])
  expect(await left()).toEqual(['lo', 'd2', 'd3', 'd4', 'd5'])
})
