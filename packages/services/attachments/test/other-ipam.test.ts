import { describe, expect, it } from 'vitest'
import { GIVEN, textOf, World } from './world.ts'

const REQUEST = { containerId: 'a', ifname: 'eth0', namespace: '/run/netns/a' }
const KEY = { containerId: 'a', ifname: 'eth0' }

describe('with another plugin for addresses', () => {
  it('writes down how to give back, asks, plugs in what it was given, and gives back', async () => {
    const world = new World()
    const attachments = world.start()
    const record = await attachments.attach({ ...REQUEST, ipam: world.theirs('a') })
    const asked = ['read a', 'write plugging a', 'their ADD a', 'plug a', 'write plugged a']
    expect(world.steps).toEqual(asked)
    expect(record).toMatchObject({ ipam: { type: 'theirs', config: 'a' } })
    expect(String(record.addresses.v4)).toBe('10.90.0.97')
    expect(world.links.get(textOf(KEY))?.given).toEqual(GIVEN)
    await attachments.check(REQUEST)
    await attachments.detach(KEY)
    expect(world.steps.slice(-5)).toEqual(['read a', 'unplug a', 'their DEL a', 'release a', 'remove a'])
    expect(world.isEmpty).toBe(true)
  })

  it('gives back by a better call, if there is one', async () => {
    const world = new World()
    const attachments = world.start()
    await attachments.attach({ ...REQUEST, ipam: world.theirs('a') })
    const { call } = world.theirs('b')
    await attachments.detach(KEY, { ipam: { ...call, config: 'a' } })
    expect(world.steps.slice(-3)).toEqual(['their DEL b', 'release a', 'remove a'])
  })

  it.each([2, 3, 4])('P167, P168: gives back when step %i fails', async (step) => {
    const world = new World()
    const attachments = world.start()
    world.failAt = new Set([step])
    await expect(attachments.attach({ ...REQUEST, ipam: world.theirs('a') })).rejects.toThrow(`step ${step}`)
    expect(world.steps).toContain('their DEL a')
    expect(world.isEmpty).toBe(true)
  })

  it('keeps the record while nothing can be given back', async () => {
    const world = new World()
    const attachments = world.start()
    await attachments.attach({ ...REQUEST, ipam: world.theirs('a') })
    world.steps.length = 0
    world.failAt = new Set([2])
    await expect(attachments.detach(KEY)).rejects.toThrow('step 2')
    expect(world.records.size).toBe(1)
    await attachments.detach(KEY)
    expect(world.isEmpty).toBe(true)
  })
})
