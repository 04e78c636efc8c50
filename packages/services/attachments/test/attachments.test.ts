import { SILENT_LOGGER, TrilaneError } from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { Attachments } from '../src/index.ts'
import { SPEC, textOf, World } from './world.ts'

const REQUEST = { containerId: 'a', ifname: 'eth0', namespace: '/run/netns/a' }
const KEY = { containerId: 'a', ifname: 'eth0' }

describe('attach', () => {
  it('reserves, writes down, plugs, writes down', async () => {
    const world = new World()
    const record = await world.start().attach(REQUEST)
    expect(world.steps).toEqual(['read a', 'reserve a', 'write plugging a', 'plug a', 'write plugged a'])
    expect(record).toMatchObject({
      network: 'default',
      key: KEY,
      namespace: '/run/netns/a',
      phase: 'plugged'
    })
    expect(world.records.get(textOf(KEY))).toEqual(record)
    expect(world.links.get(textOf(KEY))?.addresses).toEqual(record.addresses)
  })

  it.each(['reserve', 'write'])('touches the kernel only when %s is done as well', async (slow) => {
    const world = new World()
    let go = () => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const { pool, store, podLinks: links } = world
    const attachments = new Attachments({
      network: 'default',
      pool: {
        ...pool,
        reserve: async (key) => {
          if (slow === 'reserve') await gate
          return pool.reserve(key)
        }
      },
      store: {
        ...store,
        write: async (record) => {
          if (slow === 'write') await gate
          return store.write(record)
        }
      },
      links,
      hostPorts: world.hostPorts,
      ipam: world.ipam,
      foreignLinks: world.foreignLinks,
      spec: () => SPEC,
      logger: SILENT_LOGGER
    })
    const attached = attachments.attach(REQUEST)
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(world.steps).toEqual(['read a', slow === 'reserve' ? 'write plugging a' : 'reserve a'])
    go()
    await attached
    expect(world.steps.slice(-2)).toEqual(['plug a', 'write plugged a'])
  })

  it('leaves the addresses that its key has from somebody else', async () => {
    const world = new World()
    await world.pool.reserve(KEY)
    await expect(world.start().attach(REQUEST)).rejects.toMatchObject({ code: 'TRI_POD_EXISTS' })
    expect([world.reserved.size, world.records.size, world.links.size]).toEqual([1, 0, 0])
  })

  it('passes on the address and the MAC that were asked for', async () => {
    const world = new World()
    const v4 = IpAddress.parse('10.5.71.9')
    const mac = Mac.parse('0e:2a:00:00:00:01')
    const { link, addresses } = await world.start().attach({ ...REQUEST, addresses: { v4 }, mac })
    expect(addresses).toEqual({ v4 })
    expect(link?.podMac).toBe(mac)
  })

  it('refuses a key that is attached, and leaves it attached', async () => {
    const world = new World()
    const attachments = world.start()
    const record = await attachments.attach(REQUEST)
    await expect(attachments.attach(REQUEST)).rejects.toMatchObject({ code: 'TRI_POD_EXISTS' })
    expect(await attachments.list()).toEqual([record])
    expect(world.links.size).toBe(1)
  })

  it('touches nothing before it is known how', async () => {
    const world = new World()
    const { pool, store, podLinks: links } = world
    const notReady = TrilaneError.of('TRI_NOT_READY', { network: 'default', reason: 'no lease' })
    const spec = (): never => {
      throw notReady
    }
    const attachments = new Attachments({
      network: 'default',
      pool,
      store,
      links,
      hostPorts: world.hostPorts,
      ipam: world.ipam,
      foreignLinks: world.foreignLinks,
      spec,
      logger: SILENT_LOGGER
    })
    await expect(attachments.attach(REQUEST)).rejects.toBe(notReady)
    expect(world.steps).toEqual([])
  })

  it.each([0, 1, 2, 3, 4])('leaves nothing when step %i fails', async (step) => {
    const world = new World()
    const attachments = world.start()
    world.failAt = new Set([step])
    await expect(attachments.attach(REQUEST)).rejects.toMatchObject({ values: { problem: `step ${step}` } })
    expect(world.isEmpty).toBe(true)
    expect((await attachments.attach(REQUEST)).phase).toBe('plugged')
  })

  it.each([5, 6, 7, 8])(
    'says why it failed when undoing fails too, in step %i, and can be repeated',
    async (step) => {
      const world = new World()
      const attachments = world.start()
      world.failAt = new Set([4, step])
      await expect(attachments.attach(REQUEST)).rejects.toMatchObject({ values: { problem: 'step 4' } })
      expect(world.records.get(textOf(KEY))?.phase).toBe('plugging')
      expect((await attachments.attach(REQUEST)).phase).toBe('plugged')
      expect(world.reserved.size).toBe(1)
    }
  )

  it('does not give one address to two pods that are attached at once', async () => {
    const world = new World()
    const attachments = world.start()
    const ids = ['a', 'b', 'c', 'd', 'e']
    const records = await Promise.all(
      ids.map((containerId) => attachments.attach({ ...REQUEST, containerId }))
    )
    expect(new Set(records.map(({ addresses }) => String(addresses.v4))).size).toBe(ids.length)
    // Side by side: the second pod starts before the first one is done.
    expect(world.steps.indexOf('read e')).toBeLessThan(world.steps.indexOf('write plugged a'))
  })
})

describe('detach', () => {
  it('looks for the link where the record says, else where the caller does', async () => {
    const world = new World()
    const attachments = world.start()
    await attachments.attach(REQUEST)
    await attachments.detach(KEY, { namespace: '/run/netns/other' })
    await attachments.detach(KEY, { namespace: '/run/netns/other' })
    await attachments.detach(KEY)
    expect(world.unpluggedIn).toEqual([REQUEST.namespace, '/run/netns/other', undefined])
  })

  it('unplugs, releases, forgets', async () => {
    const world = new World()
    const attachments = world.start()
    await attachments.attach(REQUEST)
    await attachments.detach(KEY)
    expect(world.steps.slice(-4)).toEqual(['read a', 'unplug a', 'release a', 'remove a'])
    expect(world.isEmpty).toBe(true)
  })

  it('succeeds when there is nothing, only an address, or only a link', async () => {
    const world = new World()
    const attachments = world.start()
    await attachments.detach(KEY)
    await world.pool.reserve(KEY)
    await attachments.detach(KEY)
    expect(world.isEmpty).toBe(true)
    await world.podLinks.plug(SPEC, { key: KEY, namespace: '/run/netns/a', addresses: {} })
    await attachments.detach(KEY)
    expect(world.isEmpty).toBe(true)
  })

  it.each([0, 1])('keeps the record when step %i fails, so that it can be repeated', async (step) => {
    const world = new World()
    await world.start().attach(REQUEST)
    const attachments = world.start()
    world.failAt = new Set([step])
    await expect(attachments.detach(KEY)).rejects.toMatchObject({ values: { problem: `step ${step}` } })
    expect([world.records.size, world.reserved.size]).toEqual([1, 1])
    await attachments.detach(KEY)
    expect(world.isEmpty).toBe(true)
  })

  it('waits for the attach of the same key that was asked for before', async () => {
    const world = new World()
    const attachments = world.start()
    const [record] = await Promise.all([attachments.attach(REQUEST), attachments.detach(KEY)])
    expect(record.phase).toBe('plugged')
    expect(world.isEmpty).toBe(true)
    expect(world.steps.indexOf('unplug a')).toBe(world.steps.indexOf('write plugged a') + 2)
  })

  it('of a key comes to its turn after a failed attach', async () => {
    const world = new World()
    const attachments = world.start()
    world.failAt = new Set([3])
    const attached = attachments.attach(REQUEST)
    const detached = attachments.detach(KEY)
    await expect(attached).rejects.toMatchObject({ code: 'TRI_FILE' })
    await detached
    expect(world.isEmpty).toBe(true)
  })
})

describe('recover', () => {
  it.each([3, 4])('undoes what a crash in step %i left, and keeps what was attached', async (step) => {
    const world = new World()
    const before = world.start()
    await before.attach({ ...REQUEST, containerId: 'b' })
    world.crashAt = world.steps.length + step
    await expect(before.attach(REQUEST)).rejects.toThrow()
    expect(world.records.size).toBe(2)
    const after = world.start()
    await after.recover()
    expect((await after.list()).map(({ key }) => key.containerId)).toEqual(['b'])
    expect([world.reserved.size, world.records.size, world.links.size]).toEqual([1, 1, 1])
  })

  it('goes on after a record that cannot be undone', async () => {
    const world = new World()
    for (const containerId of ['a', 'b']) {
      const before = world.start()
      world.crashAt = 3
      await expect(before.attach({ ...REQUEST, containerId })).rejects.toThrow()
    }
    const after = world.start()
    world.failAt = new Set([0])
    await after.recover()
    expect([...world.records.keys()]).toEqual(['a/eth0'])
    await after.recover()
    expect(world.isEmpty).toBe(true)
  })

  it('leaves the records of other networks alone', async () => {
    const world = new World()
    const record = await world.start().attach(REQUEST)
    world.records.set('other', { ...record, network: 'other', phase: 'plugging' })
    const after = world.start()
    await after.recover()
    expect(world.records.has('other')).toBe(true)
    expect((await after.list()).map(({ network }) => network)).toEqual(['default'])
  })
})

describe('check', () => {
  it('is silent about what is as it was attached', async () => {
    const world = new World()
    const attachments = world.start()
    await attachments.attach(REQUEST)
    await attachments.check(REQUEST)
  })

  it('tells every difference at once', async () => {
    const world = new World()
    const attachments = world.start()
    await attachments.attach(REQUEST)
    world.problems = ['eth0 is down', 'cni0 is down']
    for (const text of world.reserved.keys()) world.reserved.set(text, 'another/eth0')
    await expect(attachments.check(REQUEST)).rejects.toMatchObject({
      code: 'TRI_POD_CHANGED',
      message: 'a/eth0: the address 10.5.71.2 is not reserved for it; eth0 is down; cni0 is down'
    })
  })

  it('says so when the pod is not attached', async () => {
    const attachments = new World().start()
    await expect(attachments.check(REQUEST)).rejects.toMatchObject({
      code: 'TRI_POD_CHANGED',
      message: 'a/eth0: it is not attached'
    })
  })
})

describe('collect', () => {
  const pod = (containerId: string, cniNetwork?: string) => ({
    ...REQUEST,
    containerId,
    ...(cniNetwork === undefined ? {} : { cniNetwork })
  })

  /** Attached: a and b by the CNI network "blue", c by another, d by none. */
  async function fourPods() {
    const world = new World()
    const attachments = world.start()
    for (const request of [pod('a', 'blue'), pod('b', 'blue'), pod('c', 'green'), pod('d')]) {
      await attachments.attach(request)
    }
    return { world, attachments }
  }

  it('detaches what is not on the list, of that CNI network alone', async () => {
    const { world, attachments } = await fourPods()
    const others = [KEY, { containerId: 'nobody', ifname: 'eth0' }]
    expect(await attachments.collect('blue', others)).toEqual([])
    expect([...world.records.keys()]).toEqual(['a/eth0', 'c/eth0', 'd/eth0'])
    expect([...world.links.keys()]).toEqual(['a/eth0', 'c/eth0', 'd/eth0'])
  })

  it('detaches all of it for an empty list, and tells interfaces of one container apart', async () => {
    const { world, attachments } = await fourPods()
    await attachments.attach({ ...pod('a', 'blue'), ifname: 'net1' })
    await attachments.collect('blue', [{ containerId: 'a', ifname: 'net1' }])
    expect([...world.records.keys()]).toEqual(['c/eth0', 'd/eth0', 'a/net1'])
    await attachments.collect('blue', [])
    expect([...world.records.keys()]).toEqual(['c/eth0', 'd/eth0'])
  })

  it('without a list detaches only what has no link any more', async () => {
    const { world, attachments } = await fourPods()
    world.links.delete('b/eth0')
    world.links.delete('c/eth0')
    expect(await attachments.collect('blue', undefined)).toEqual([])
    expect([...world.records.keys()]).toEqual(['a/eth0', 'c/eth0', 'd/eth0'])
  })

  it('goes on behind one that cannot be detached, and tells why', async () => {
    const { world, attachments } = await fourPods()
    world.steps.length = 0
    world.failAt = new Set([0])
    const failures = await attachments.collect('blue', [])
    expect(failures.map(({ code }) => code)).toEqual(['TRI_FILE'])
    expect(world.records.size).toBe(3)
  })
})

describe('pods that ended without a word', () => {
  it('leave their addresses to the next when there is no other', async () => {
    const world = new World()
    world.room = 2
    const attachments = world.start()
    for (const containerId of ['a', 'b']) await attachments.attach({ ...REQUEST, containerId })
    const third = attachments.attach({ ...REQUEST, containerId: 'c' })
    await expect(third).rejects.toMatchObject({ code: 'TRI_ADDRESSES_EXHAUSTED' })
    expect(await attachments.hasRoom()).toBe(false)
    expect([...world.records.keys()]).toEqual(['a/eth0', 'b/eth0'])

    world.links.delete('a/eth0')
    expect(await attachments.hasRoom()).toBe(true)
    expect(world.reserved.size).toBe(2)
    await attachments.attach({ ...REQUEST, containerId: 'c' })
    expect([...world.records.keys()]).toEqual(['b/eth0', 'c/eth0'])
    expect([...world.reserved.values()].sort()).toEqual(['b/eth0', 'c/eth0'])
  })

  it('keep theirs while there are others', async () => {
    const world = new World()
    const attachments = world.start()
    await attachments.attach(REQUEST)
    world.links.clear()
    await attachments.attach({ ...REQUEST, containerId: 'b' })
    expect([...world.records.keys()]).toEqual(['a/eth0', 'b/eth0'])
  })

  it('are undone by recover, as after a restart of the machine', async () => {
    const world = new World()
    for (const containerId of ['a', 'b']) await world.start().attach({ ...REQUEST, containerId })
    world.links.delete('a/eth0')
    await world.start().recover()
    expect([...world.records.keys()]).toEqual(['b/eth0'])
    expect([...world.reserved.values()]).toEqual(['b/eth0'])
  })
})

describe('find', () => {
  it('gives the record of a key, and of nothing else', async () => {
    const attachments = new World().start()
    const record = await attachments.attach({ ...REQUEST, cniNetwork: 'blue' })
    expect(record.cniNetwork).toBe('blue')
    expect(await attachments.find(KEY)).toEqual(record)
    expect(await attachments.find({ ...KEY, ifname: 'net1' })).toBeUndefined()
  })
})
