import { beforeEach, describe, expect, it } from 'vitest'
import type { Attachments } from '../src/index.ts'
import { World } from './world.ts'

const KEY = { containerId: 'a', ifname: 'eth0' }
const REQUEST = { ...KEY, namespace: '/run/netns/a' }

/** Of a detach: read, unplug, release, remove. */
const RELEASE = 2
const REMOVE = 3

let world: World
let attachments: Attachments
beforeEach(async () => {
  world = new World()
  attachments = world.start()
  await attachments.attach(REQUEST)
  world.steps.length = 0
})

const isRefused = (...steps: number[]) => {
  world.failAt = new Set(steps)
}

describe('a detach whose files the disk does not let go', () => {
  it.each([
    [RELEASE, 1],
    [REMOVE, 0]
  ])(
    'in step %i succeeds once the link is gone, and is done when the disk takes it',
    async (step, reserved) => {
      isRefused(step)
      await attachments.detach(KEY)
      expect([world.links.size, world.records.size, world.reserved.size]).toEqual([0, 1, reserved])
      isRefused(world.steps.length + RELEASE)
      await attachments.settle()
      expect(world.records.size).toBe(1)
      await attachments.settle()
      expect(world.isEmpty).toBe(true)
      world.steps.length = 0
      await attachments.settle()
      expect(world.steps).toEqual([])
    }
  )

  it('is repeated by the next detach', async () => {
    isRefused(RELEASE)
    await attachments.detach(KEY)
    await attachments.detach(KEY)
    expect(world.isEmpty).toBe(true)
  })

  it('lets its key be attached again', async () => {
    isRefused(RELEASE)
    await attachments.detach(KEY)
    expect((await attachments.attach(REQUEST)).phase).toBe('plugged')
    await attachments.settle()
    expect(world.links.size).toBe(1)
  })

  it('is done by the next process', async () => {
    isRefused(RELEASE)
    await attachments.detach(KEY)
    await world.start().recover()
    expect(world.isEmpty).toBe(true)
  })

  it('fails as long as there is a link', async () => {
    isRefused(1)
    await expect(attachments.detach(KEY)).rejects.toThrow('step 1')
    expect(world.links.size).toBe(1)
  })
})

describe('a detach of what nobody could tell to have ended', () => {
  it('fails: mere addresses', async () => {
    const key = { ...KEY, containerId: 'b' }
    await attachments.reserve({ ...key, namespace: '/run/netns/b' })
    isRefused(world.steps.length + RELEASE)
    await expect(attachments.detach(key)).rejects.toThrow()
    await attachments.detach(key)
    expect([...world.reserved.values()]).toEqual(['a/eth0'])
  })

  it('fails: addresses of another plugin', async () => {
    const key = { ...KEY, containerId: 'b' }
    await attachments.attach({ ...key, namespace: '/run/netns/b', ipam: world.theirs('b') })
    isRefused(world.steps.length + RELEASE)
    await expect(attachments.detach(key)).rejects.toThrow()
    expect(world.given.size).toBe(1)
  })

  it('fails: an address without a record', async () => {
    const key = { ...KEY, containerId: 'b' }
    await world.pool.reserve(key)
    isRefused(world.steps.length + RELEASE)
    await expect(attachments.detach(key)).rejects.toThrow()
  })
})
