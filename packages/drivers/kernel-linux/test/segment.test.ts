import { readdir, readlink } from 'node:fs/promises'
import { IpAddress, Mac } from '@trilane/ip'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LinuxSegment } from '../src/index.ts'
import { NetworkNamespace } from '../src/namespaces.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'

const ip = IpAddress.parse
const WAIT_MS = 3_000
const SHORT_MS = 60

let here: TestNamespace
let there: TestNamespace
let segment: LinuxSegment
let mac: Mac

beforeEach(async () => {
  here = await testNamespace()
  there = await testNamespace()
  await here.ip('link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb', 'netns', there.name)
  for (const [namespace, device, number] of [
    [here, 'va', 1],
    [there, 'vb', 2]
  ] as const) {
    await namespace.ip('link', 'set', device, 'up')
    await namespace.ip('address', 'add', `192.0.2.${number}/24`, 'dev', device)
    await namespace.ip('address', 'add', `fd00:a::${number}/64`, 'dev', device, 'nodad')
  }
  const [link] = await there.json('link', 'show', 'dev', 'vb')
  mac = Mac.parse(String(link?.address))
  segment = await LinuxSegment.open({ namespace: here.path })
  // The group of an IPv6 address is joined a moment after it is given.
  await vi.waitFor(async () => expect(await resolve('fd00:a::1', 'fd00:a::2')).toBe(`${mac}`), WAIT_MS)
})

afterEach(async () => {
  segment.close()
  await here.dispose()
  await there.dispose()
})

const resolve = async (source: string, address: string, waitMs = SHORT_MS): Promise<string | undefined> => {
  const found = await segment.resolve({ device: 'va', source: ip(source) }, ip(address), waitMs)
  return found?.toString()
}

const ping = (source: string, address: string, sizeBytes: number, waitMs = WAIT_MS) =>
  segment.ping({ device: 'va', source: ip(source) }, { address: ip(address), mac, sizeBytes }, waitMs)

describe.each([
  ['v4', '192.0.2.', 1500],
  ['v6', 'fd00:a::', 1500]
] as const)('a question on the segment (%s)', (_, network, mtuBytes) => {
  it('is answered whichever address it is asked with', async () => {
    expect(await resolve(`${network}1`, `${network}2`, WAIT_MS)).toBe(`${mac}`)
    expect(await resolve(`${network}99`, `${network}2`, WAIT_MS)).toBe(`${mac}`)
    expect(await resolve(`${network}1`, `${network}77`)).toBeUndefined()
  })

  it('pings, in packets of the size asked for', async () => {
    expect(await ping(`${network}1`, `${network}2`, 64)).toBe(true)
    expect(await ping(`${network}1`, `${network}2`, mtuBytes)).toBe(true)
    await there.ip('link', 'set', 'vb', 'mtu', '1400')
    expect(await ping(`${network}1`, `${network}2`, 1400)).toBe(true)
    expect(await ping(`${network}1`, `${network}2`, mtuBytes, SHORT_MS)).toBe(false)
  })

  it('counts a ping as arrived when the other one looks for its sender', async () => {
    // Nobody here answers for that address: the reply itself never comes.
    expect(await ping(`${network}99`, `${network}2`, 64)).toBe(true)
  })

  it('says that nothing arrived', async () => {
    expect(await ping(`${network}1`, `${network}77`, 64, SHORT_MS)).toBe(false)
  })
})

describe('DHCP', () => {
  it('has no offer where there is no server', async () => {
    expect(await segment.dhcpOffer('va', SHORT_MS)).toBeUndefined()
  })
})

describe('a device that is down, missing or without a MAC', () => {
  it('says so', async () => {
    await here.ip('link', 'set', 'va', 'down')
    await expect(segment.dhcpOffer('va', SHORT_MS)).rejects.toMatchObject({ code: 'TRI_KERNEL_REFUSED' })
    await expect(resolve('192.0.2.1', '192.0.2.2')).rejects.toMatchObject({ code: 'TRI_KERNEL_REFUSED' })
    await expect(segment.dhcpOffer('missing', SHORT_MS)).rejects.toMatchObject({
      code: 'TRI_KERNEL_NOT_FOUND'
    })
    await expect(segment.promiscuity('missing')).rejects.toMatchObject({ code: 'TRI_KERNEL_NOT_FOUND' })
  })
})

describe('a device that hears everything', () => {
  it('does so until it is ended', async () => {
    expect(await segment.promiscuity('va')).toBe(0)
    const end = await segment.hearEverything('va')
    expect(await segment.promiscuity('va')).toBe(1)
    end()
    end()
    await vi.waitFor(async () => expect(await segment.promiscuity('va')).toBe(0), WAIT_MS)
  })
})

describe('a scratch namespace', () => {
  it('is empty, takes devices that stand on one of here, and ends with its handle', async () => {
    const before = await namespacesHeld()
    const scratch = await segment.scratch()
    expect((await scratch.kernel.read({ links: true })).links.map(({ name }) => name)).toContain('lo')
    expect(await readlink('/proc/thread-self/ns/net')).not.toBe(await readlink(scratch.path))
    expect(await namespacesHeld()).toBeGreaterThan(before)
    scratch.close()
    scratch.close()
    expect(await namespacesHeld()).toBe(before)
  })

  it('leaves this thread where it was, or ends the process', async () => {
    const own = await readlink('/proc/thread-self/ns/net')
    NetworkNamespace.create().close()
    expect(await readlink('/proc/thread-self/ns/net')).toBe(own)
  })
})

async function namespacesHeld(): Promise<number> {
  const files = await readdir('/proc/self/fd')
  const targets = await Promise.all(files.map((file) => readlink(`/proc/self/fd/${file}`).catch(() => '')))
  return targets.filter((target) => target.startsWith('net:')).length
}
