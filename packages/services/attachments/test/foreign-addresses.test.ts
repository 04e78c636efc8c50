import { IpAddress } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { World } from './world.ts'

const REQUEST = { containerId: 'a', ifname: 'eth0', namespace: '/run/netns/a' }

describe('an address that another machine of the segment has', () => {
  it('is passed over, told, and free again', async () => {
    const world = new World()
    const attachments = world.start()
    world.foreign = new Set(['10.5.71.2', '10.5.71.3'])
    const { addresses } = await attachments.attach(REQUEST)
    expect(String(addresses.v4)).toBe('10.5.71.4')
    expect(world.told).toEqual(['10.5.71.2', '10.5.71.3'])
    expect([...world.reserved.keys()]).toEqual(['10.5.71.4'])
  })

  it('is refused when it was asked for', async () => {
    const world = new World()
    const attachments = world.start()
    world.foreign = new Set(['10.5.71.5'])
    const request = { ...REQUEST, addresses: { v4: IpAddress.parse('10.5.71.5') } }
    await expect(attachments.attach(request)).rejects.toMatchObject({ code: 'TRI_ADDRESS_IN_USE' })
    expect(world.told).toEqual(['10.5.71.5'])
    expect(world.isEmpty).toBe(true)
  })

  it('is not searched for without end: a segment full of them is a wrong config', async () => {
    const world = new World()
    const attachments = world.start()
    world.room = 1000
    world.foreign = { has: () => true }
    await expect(attachments.attach(REQUEST)).rejects.toMatchObject({ code: 'TRI_ADDRESS_IN_USE' })
    expect(world.told).toHaveLength(17)
    expect(world.isEmpty).toBe(true)
  })
})
