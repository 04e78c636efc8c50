import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { configOf, failureOf, jsonOf, type Target } from './plugin.ts'
import { transferMs } from './transfer.ts'
import { addressesOf, CniWorld } from './world.ts'

/** 1 MB in a second. */
const RATE_BITS = 8_000_000
const MEGABYTE = 1_000_000
const NODE = '192.168.77.1'

let world: CniWorld
let empty: string
let attached: { readonly target: Target; readonly config: object } | undefined
beforeAll(async () => {
  world = await CniWorld.create({ config: 'host-gw' })
  empty = await world.leftovers()
})
afterAll(() => world?.dispose())
afterEach(async () => {
  if (attached !== undefined) await world.plugin.del(attached.target, attached.config)
  attached = undefined
  expect(await world.leftovers()).toBe(empty)
})

async function podWith(bandwidth: object) {
  const { place, target } = await world.container()
  const config = configOf('1.1.0', { runtimeConfig: { bandwidth } })
  attached = { target, config }
  const added = await world.plugin.add(target, config)
  const [address = ''] = addressesOf(added)
  return { place, target, address, checked: { ...config, prevResult: jsonOf(added) } }
}

describe('a limit of bandwidth', () => {
  it('is kept by what goes to the pod, and by that alone', async () => {
    const { place } = await podWith({ ingressRate: RATE_BITS, ingressBurst: 80_000 })
    const tookMs = await transferMs(world.node.place, place, NODE, 2 * MEGABYTE)
    expect(tookMs).toBeGreaterThan(1_700)
    expect(tookMs).toBeLessThan(4_000)
    const { address } = await pods()
    expect(await transferMs(place, world.node.place, address, 2 * MEGABYTE)).toBeLessThan(1_000)
  })

  it('is kept by what comes from the pod, spelled as containerd spells it', async () => {
    const { place, address } = await podWith({ EgressRate: RATE_BITS, EgressBurst: 4_294_967_295 })
    const tookMs = await transferMs(place, world.node.place, address, 2 * MEGABYTE)
    // The burst that nobody has named is what the rate carries in 100 ms.
    expect(tookMs).toBeGreaterThan(1_600)
    expect(tookMs).toBeLessThan(4_000)
    expect(await transferMs(world.node.place, place, NODE, 2 * MEGABYTE)).toBeLessThan(1_000)
  })

  it('lets a burst pass at once', async () => {
    const { place } = await podWith({ ingressRate: RATE_BITS, ingressBurst: 16 * MEGABYTE })
    // 2 MB at once; without a burst it would be a second and a half.
    expect(await transferMs(world.node.place, place, NODE, 1.5 * MEGABYTE)).toBeLessThan(800)
  })

  it('is missed by CHECK when somebody takes it away', async () => {
    const both = { ingressRate: RATE_BITS, ingressBurst: 80_000, egressRate: 80_000_000_000, egressBurst: 0 }
    const { place, target, checked } = await podWith(both)
    expect(await world.plugin.check(target, checked)).toMatchObject({ status: 0, stdout: '' })
    await place.run(['tc', 'qdisc', 'del', 'dev', 'eth0', 'root'])
    const [, , message] = failureOf(await world.plugin.check(target, checked))
    expect(message).toContain('eth0 may send more or less than 80000000000 bit/s')
    expect(message).not.toContain('veth')
  })

  it.each([
    [{ ingressRate: 7 }, 'ingressRate is 7, not 8 bits a second or more'],
    [{ egressBurst: 8_000 }, 'egressRate is missing, not more than 0, which egressBurst needs'],
    [{ egressRate: -1 }, 'egressRate is -1, not a whole number']
  ])('P199: of no sense is refused: %j', async (bandwidth, said) => {
    const { target } = await world.container()
    const refused = await world.plugin.add(target, configOf('1.1.0', { runtimeConfig: { bandwidth } }))
    expect(failureOf(refused)).toEqual([1, 7, `runtimeConfig.bandwidth.${said}`])
  })
})

async function pods(): Promise<{ readonly address: string }> {
  const [pod] = await world.node.client.pods()
  return { address: pod?.addresses[0]?.address.split('/')[0] ?? '' }
}
