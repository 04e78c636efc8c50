import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configOf, failureOf } from './plugin.ts'
import { addressesOf, CniWorld } from './world.ts'

/** Of a /24: without the network's own, the gateway's and the broadcast address. */
const PODS = 253
const AT_ONCE = 8

let world: CniWorld
beforeAll(async () => {
  world = await CniWorld.create({ config: 'host-gw' })
})
afterAll(() => world?.dispose())

describe('a whole subnet of pods', () => {
  it('goes up to address 254, refuses the 255th, and gives again what one of them gave back', async () => {
    const config = configOf('1.1.0')
    const empty = await world.leftovers()
    const containers = await Promise.all(Array.from({ length: AT_ONCE }, () => world.container()))
    const targets = Array.from({ length: PODS }, (_, number) => {
      const netns = containers[number % AT_ONCE]?.target.netns ?? ''
      return { containerId: `pod-${number}`, netns, ifname: `eth${number}` }
    })
    const given = new Map<string, (typeof targets)[number]>()
    const waiting = [...targets]
    await Promise.all(
      containers.map(async () => {
        for (let target = waiting.pop(); target !== undefined; target = waiting.pop()) {
          for (const address of addressesOf(await world.plugin.add(target, config)))
            given.set(address, target)
        }
      })
    )
    const lastBytes = [...given.keys()].map((address) => Number(address.split('.')[3])).sort((a, b) => a - b)
    expect(lastBytes).toEqual(Array.from({ length: PODS }, (_, index) => index + 2))

    const late = { containerId: 'late', netns: containers[0]?.target.netns ?? '', ifname: 'late0' }
    const full = await world.leftovers()
    expect(failureOf(await world.plugin.add(late, config)).slice(0, 2)).toEqual([1, 11])
    expect(await world.leftovers()).toBe(full)
    const [address, leaving] = [...given].find(([text]) => text.endsWith('.254')) ?? []
    if (leaving === undefined) throw new Error('254 was given')
    expect(await world.plugin.del(leaving, config)).toMatchObject({ status: 0 })
    expect(addressesOf(await world.plugin.add(late, config))).toEqual([address])

    expect(await world.plugin.whole('GC', { ...config, 'cni.dev/valid-attachments': [] })).toMatchObject({
      status: 0
    })
    expect(await world.leftovers()).toBe(empty)
  })
})
