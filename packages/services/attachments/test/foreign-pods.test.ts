import { Mac } from '@trilane/ip'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Attachments } from '../src/index.ts'
import { NETWORK, World } from './world.ts'

const KEY = { containerId: 'a', ifname: 'eth0' }
const KNOWN = { namespace: '/run/netns/a', hostDevices: [{ name: 'veth7', mac: Mac.derive('x') }] }

let world: World
let attachments: Attachments
beforeEach(() => {
  world = new World()
  attachments = world.start()
})

describe('a pod that another program attached', () => {
  it('is taken out by detach, by what its runtime knows, when it has an address here', async () => {
    await attachments.detach(KEY, KNOWN)
    expect(world.foreignPods).toEqual([])
    await world.pool.reserve(KEY)
    await attachments.detach(KEY)
    expect(world.foreignPods).toEqual([])
    const { v4 } = await world.pool.reserve(KEY)
    await attachments.detach(KEY, KNOWN)
    expect(world.foreignPods).toEqual([{ key: KEY, addresses: [v4], ...KNOWN }])
    expect(world.isEmpty).toBe(true)
  })

  it('keeps its address when its link cannot be removed', async () => {
    await world.pool.reserve(KEY)
    world.foreignLinks.remove = async () => {
      throw new Error('no')
    }
    await expect(attachments.detach(KEY, KNOWN)).rejects.toThrow('no')
    expect(world.reserved.size).toBe(1)
  })

  it('is none when there is a record', async () => {
    await attachments.attach({ ...KEY, namespace: '/run/netns/a' })
    await attachments.detach(KEY, KNOWN)
    expect(world.foreignPods).toEqual([])
  })
})

describe('addresses without a record', () => {
  beforeEach(async () => {
    for (const containerId of ['a', 'b']) await world.pool.reserve({ ...KEY, containerId })
    await attachments.attach({ containerId: 'socket', ifname: 'eth0', namespace: '/run/netns/s' })
  })
  const holders = () => [...world.reserved.values()].sort()

  it('are freed by GC of the CNI network of this name, unless they are valid', async () => {
    expect(await attachments.collect(NETWORK, [KEY])).toEqual([])
    expect(holders()).toEqual(['a/eth0', 'socket/eth0'])
    expect(await attachments.collect(NETWORK, [])).toEqual([])
    expect(holders()).toEqual(['socket/eth0'])
  })

  it('are left by GC of another name, and by one without a list', async () => {
    await attachments.collect('other', [])
    await attachments.collect(NETWORK, undefined)
    expect(holders()).toEqual(['a/eth0', 'b/eth0', 'socket/eth0'])
  })

  it('are not freed from under a pod that is being attached', async () => {
    let go = () => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const { write } = world.store
    world.store.write = async (written) => {
      await gate
      await write(written)
    }
    const attached = attachments.attach({ containerId: 'late', ifname: 'eth0', namespace: '/run/netns/l' })
    const turns = async () => {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    await turns()
    expect(holders()).toContain('late/eth0')
    const collected = attachments.collect(NETWORK, [])
    await turns()
    go()
    const record = await attached
    expect(await collected).toEqual([])
    expect(holders()).toEqual(['late/eth0', 'socket/eth0'])
    expect(String(world.links.get('late/eth0')?.addresses.v4)).toBe(String(record.addresses.v4))
  })
})
