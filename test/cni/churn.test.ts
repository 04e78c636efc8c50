import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { underlayConfig } from '../cluster/underlay.ts'
import { configOf } from './plugin.ts'
import { addressesOf, CniWorld } from './world.ts'

const WORKERS = 8
/** Of one ADD and one DEL each, by every worker: 1,000. */
const ROUNDS = 125
/** Of the first rounds, after which the daemon's memory has its size. */
const WARM_ROUNDS = 62
/** What the daemon may take more for 500 pods: it goes up and down by 20, and 64 KiB for each would be seen. */
const GROWTH_MIB = 32

const LAN = { config: { text: underlayConfig({ backend: '{Type: macvlan}', dual: true }) } }

describe.each([
  ['bridged', undefined],
  ['macvlan', LAN]
])('%s pods that come and go, eight at a time', (_, options) => {
  let world: CniWorld
  beforeAll(async () => {
    world = await CniWorld.create(options)
  })
  afterAll(() => world?.dispose())

  it('never share an address, and leave nothing, also of the daemon’s memory', async () => {
    const config = configOf('1.0.0')
    const empty = await world.leftovers()
    let warmMib = Number.NaN
    const inUse = new Set<string>()
    const containers = await Promise.all(Array.from({ length: WORKERS }, () => world.container()))
    await Promise.all(
      containers.map(async ({ target: { netns } }, worker) => {
        for (let round = 0; round < ROUNDS; round++) {
          const target = { containerId: `c-${worker}-${round}`, netns }
          const addresses = addressesOf(await world.plugin.add(target, config))
          expect(addresses).toHaveLength(2)
          expect(addresses.filter((address) => inUse.has(address))).toEqual([])
          for (const address of addresses) inUse.add(address)
          await sleep(5)
          // Another pod may have them before the plugin ends.
          for (const address of addresses) inUse.delete(address)
          const ended = { ...target, netns: round % 3 === 0 ? '' : netns }
          expect(await world.plugin.del(ended, config)).toMatchObject({ status: 0, stdout: '', stderr: '' })
          if (worker === 0 && round === WARM_ROUNDS) warmMib = residentMib(world)
        }
      })
    )
    expect(await world.leftovers()).toBe(empty)
    expect(residentMib(world) - warmMib).toBeLessThan(GROWTH_MIB)
  }, 240_000)
})

/** What the daemon holds of the machine's memory. */
function residentMib({ node }: CniWorld): number {
  const status = readFileSync(`/proc/${node.program.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}
