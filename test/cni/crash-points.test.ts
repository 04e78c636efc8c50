import { describe, expect, it } from 'vitest'
import { underlayConfig } from '../cluster/underlay.ts'
import { killAtEach, POOL_WRITES, type Verb } from './crash.ts'
import { CniWorld } from './world.ts'

const LAN = { config: { text: underlayConfig({ backend: '{Type: macvlan}', dual: true }) } }

describe.concurrent('a daemon that is killed before each of its writes', () => {
  it.each<[Verb, string, object | undefined, number]>([
    ['ADD', 'a bridged pod', undefined, 20],
    ['DEL', 'a bridged pod', undefined, 5],
    ['GC', 'bridged pods', undefined, 5],
    ['ADD', 'a macvlan pod', LAN, 10],
    ['DEL', 'a macvlan pod', LAN, 5],
    ['GC', 'macvlan pods', LAN, 5]
  ])(
    'in %s of %s, starts again, and nothing is left when the pod has ended',
    async (verb, _, options, atLeast) => {
      const world = await CniWorld.create(options)
      try {
        const kills = await killAtEach(world, verb)
        // The device is made, or removed, by another thread.
        expect(kills[POOL_WRITES[0]]).toBe(1)
        const total = Object.values(kills).reduce((sum, count) => sum + count, 0)
        expect(total, JSON.stringify(kills)).toBeGreaterThanOrEqual(atLeast)
      } finally {
        await world.dispose()
      }
    },
    180_000
  )
})
