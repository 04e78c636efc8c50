import { needsLinkTypes } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { underlayConfig } from '../cluster/underlay.ts'
import { killAtEach, type Verb } from '../cni/crash.ts'
import { configOf, failureOf, jsonOf } from '../cni/plugin.ts'
import { addressesOf, CniWorld, resultOf } from '../cni/world.ts'

needsLinkTypes('ipvlan')

const CONFIG = configOf('1.1.0')
/** A guest kernel takes minutes for all crash points. */
const IS_LONG = process.env.TRILANE_LONG === '1'

describe('the plugin for an ipvlan network', () => {
  let world: CniWorld
  beforeAll(async () => {
    world = await CniWorld.create({ config: { text: underlayConfig({ backend: '{Type: ipvlan}' }) } })
  })
  afterAll(() => world?.dispose())

  it('gives pods the node’s MAC, is checked, refuses a MAC, and leaves nothing', async () => {
    const empty = await world.leftovers()
    const { target, place } = await world.container()
    const [uplink] = JSON.parse(await world.node.ip('-json', 'link', 'show', 'eth0')) as { address: string }[]
    const added = await world.plugin.add(target, CONFIG)
    const { interfaces } = resultOf(added)
    expect(interfaces).toEqual([{ name: 'eth0', mac: uplink?.address, mtu: 1500, sandbox: target.netns }])
    const checked = { ...CONFIG, prevResult: jsonOf(added) }
    expect(await world.plugin.check(target, checked)).toMatchObject({ status: 0, stdout: '' })
    await place.run(['ip', 'link', 'set', 'eth0', 'down'])
    expect(failureOf(await world.plugin.check(target, checked))[2]).toMatch(/eth0 is down/)
    expect(await world.plugin.del({ ...target, netns: '' }, CONFIG)).toMatchObject({ status: 0, stdout: '' })
    const named = await world.plugin.add({ ...target, args: 'MAC=02:00:00:00:00:cc' }, CONFIG)
    expect(jsonOf(named).msg).toMatch(/cannot have 02:00:00:00:00:cc/)
    expect(await world.plugin.del(target, CONFIG)).toMatchObject({ status: 0, stdout: '' })
    expect((await place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')
    expect(await world.leftovers()).toBe(empty)
  })

  it('never gives an address twice, and leaves nothing, as pods come and go', async () => {
    const empty = await world.leftovers()
    const inUse = new Set<string>()
    const containers = await Promise.all([world.container(), world.container()])
    await Promise.all(
      containers.map(async ({ target: { netns, containerId } }) => {
        for (let round = 0; round < 3; round++) {
          const target = { containerId: `${containerId}-${round}`, netns }
          const [address = ''] = addressesOf(await world.plugin.add(target, CONFIG))
          expect(inUse.has(address)).toBe(false)
          inUse.add(address)
          expect(await world.plugin.add(target, CONFIG)).toMatchObject({ status: 1 })
          // Another pod may have it before the plugin ends.
          inUse.delete(address)
          expect(await world.plugin.del(target, CONFIG)).toMatchObject({ status: 0, stdout: '' })
        }
      })
    )
    expect(await world.leftovers()).toBe(empty)
  })

  const few: [Verb, string, string, number][] = [
    ['ADD', 'the link is about to be made', 'pool: ?sendto,?sendmsg', 1],
    ['ADD', 'the record is there, and no address is reserved', '?link,?linkat', 1],
    ['ADD', 'the link is there, and has no address', '?write', 3],
    ['DEL', 'nothing has gone', '?sendto,?sendmsg', 1],
    ['DEL', 'the link has gone', '?unlink,?unlinkat', 1],
    ['GC', 'link and address have gone, and the record is there', '?unlink,?unlinkat', 2]
  ]
  it.each(IS_LONG ? [] : few)(
    'leaves nothing when the daemon is killed in %s when %s',
    async (verb, _, write, point) => {
      expect(await killAtEach(world, verb, { writes: [write], points: [point] })).toEqual({ [write]: 1 })
    }
  )

  const all: Verb[] = ['ADD', 'DEL', 'GC']
  it.each(IS_LONG ? all : [])(
    'leaves nothing when the daemon is killed before any of its writes in %s',
    async (verb) => {
      const kills = await killAtEach(world, verb)
      expect(Object.values(kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(
        verb === 'ADD' ? 9 : 4
      )
    },
    1_200_000
  )
})
