import { describe, expect, it } from 'vitest'
import { textOf, World } from './world.ts'

const REQUEST = { containerId: 'a', ifname: 'eth0', namespace: '/run/netns/a' }
const KEY = { containerId: 'a', ifname: 'eth0' }

describe('host ports', () => {
  const hostPorts = [{ protocol: 'tcp', hostPort: 8080, podPort: 80 }] as const

  it('are opened before the pod is plugged in, and are in its record', async () => {
    const world = new World()
    const record = await world.start().attach({ ...REQUEST, hostPorts })
    expect(record.hostPorts).toEqual(hostPorts)
    expect(world.ports.get(textOf(KEY))).toEqual(hostPorts)
    expect(world.steps.slice(-3)).toEqual(['publish a', 'plug a', 'write plugged a'])
  })

  it.each([0, 1, 2, 3, 4, 5])('leave nothing when step %i of the attachment fails', async (step) => {
    const world = new World()
    const attachments = world.start()
    world.failAt = new Set([step])
    await expect(attachments.attach({ ...REQUEST, hostPorts })).rejects.toMatchObject({
      values: { problem: `step ${step}` }
    })
    expect(world.isEmpty).toBe(true)
  })

  it('go with the pod', async () => {
    const world = new World()
    const attachments = world.start()
    await attachments.attach({ ...REQUEST, hostPorts })
    await attachments.detach(KEY)
    expect(world.isEmpty).toBe(true)
  })

  it('are open in the next life, but for those of pods that have ended', async () => {
    const world = new World()
    const first = world.start()
    await first.attach({ ...REQUEST, hostPorts })
    await first.attach({ ...REQUEST, containerId: 'b', hostPorts: [{ ...hostPorts[0], hostPort: 8081 }] })
    await world.podLinks.unplug({ containerId: 'b', ifname: 'eth0' })
    const next = world.start()
    await next.recover()
    expect([...world.ports.keys()]).toEqual([textOf(KEY)])
  })

  it('stay closed when the pod is detached while a new life begins', async () => {
    const world = new World()
    await world.start().attach({ ...REQUEST, hostPorts })
    const next = world.start()
    const recovered = next.recover()
    await next.detach(KEY)
    await recovered
    expect(world.isEmpty).toBe(true)
  })

  it('that are closed show in a check', async () => {
    const world = new World()
    const attachments = world.start()
    await attachments.attach({ ...REQUEST, hostPorts })
    await attachments.check(REQUEST)
    world.ports.clear()
    await expect(attachments.check(REQUEST)).rejects.toMatchObject({
      values: { problem: 'its host ports are not open' }
    })
  })
})

describe('addresses alone', () => {
  it('are reserved, written down and checked, and no link is made', async () => {
    const world = new World()
    const attachments = world.start()
    const record = await attachments.reserve({ ...REQUEST, cniNetwork: 'theirs' })
    expect(record).toMatchObject({ phase: 'reserved', cniNetwork: 'theirs' })
    expect(world.links.size).toBe(0)
    await attachments.check(REQUEST)
    world.reserved.clear()
    await expect(attachments.check(REQUEST)).rejects.toMatchObject({ code: 'TRI_POD_CHANGED' })
  })

  it.each([0, 1, 2, 3])('leave nothing when step %i fails', async (step) => {
    const world = new World()
    const attachments = world.start()
    world.failAt = new Set([step])
    await expect(attachments.reserve(REQUEST)).rejects.toMatchObject({ values: { problem: `step ${step}` } })
    expect(world.isEmpty).toBe(true)
  })

  it('stay over a new life and without a list, and go with a list that has them not, or with detach', async () => {
    const world = new World()
    await world.start().reserve({ ...REQUEST, cniNetwork: 'theirs' })
    const next = world.start()
    await next.recover()
    await next.collect('theirs', undefined)
    await next.collect('theirs', [KEY])
    expect(world.reserved.size).toBe(1)
    await next.collect('theirs', [])
    expect(world.isEmpty).toBe(true)
    await next.reserve(REQUEST)
    await expect(next.reserve(REQUEST)).rejects.toMatchObject({ code: 'TRI_POD_EXISTS' })
    await expect(next.attach(REQUEST)).rejects.toMatchObject({ code: 'TRI_POD_EXISTS' })
    await next.detach(KEY)
    expect(world.isEmpty).toBe(true)
  })
})
