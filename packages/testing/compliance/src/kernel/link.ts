import type { Link } from '@trilane/contracts'
import { expect } from 'vitest'
import { BRIDGE, LO, MAC_A, MAC_B, pair, VETH_A } from './samples.ts'
import {
  addressesOf,
  codes,
  create,
  expectAs,
  type KernelTest,
  linkNamed,
  linkNames,
  linkThere,
  must,
  remove,
  set,
  test
} from './steps.ts'

const FULL: Link = { ...BRIDGE, mtuBytes: 1400, mac: MAC_A, alias: 'trilane:default', up: true }
const MISSING_NAMESPACE = '/run/netns/trilane-compliance-has-no-such-namespace'

/** Promises about devices that every type keeps. */
export const linkTests: readonly KernelTest[] = [
  test('create makes it with everything that is asked for', async ({ kernel }) => {
    await must(kernel, create('link', FULL))
    expectAs(await linkThere(kernel, 'bra'), FULL)
  }),

  test('create leaves it down, without master and alias, unless asked', async ({ kernel }) => {
    await must(kernel, create('link', BRIDGE))
    const link = await linkThere(kernel, 'bra')
    expectAs(link, { up: false, carrier: false, master: null, loopback: false })
    expect(link.alias).toBeUndefined()
  }),

  test('create of a name that is taken gives TRI_KERNEL_EXISTS and changes nothing', async ({ kernel }) => {
    await must(kernel, create('link', FULL))
    const before = await linkThere(kernel, 'bra')
    const again = create('link', { ...BRIDGE, mtuBytes: 1300, mac: MAC_B, alias: 'another' })
    expect(await codes(kernel, again)).toEqual(['TRI_KERNEL_EXISTS'])
    expectAs(await linkThere(kernel, 'bra'), before)
  }),

  test('create with a master makes it a port', async ({ kernel }) => {
    await must(
      kernel,
      create('link', BRIDGE),
      create('link', {
        name: 'va',
        kind: { type: 'veth', peer: { name: 'vb' } },
        master: 'bra',
        hairpin: true,
        alias: 'port'
      })
    )
    expectAs(await linkThere(kernel, 'va'), { master: 'bra', hairpin: true, alias: 'port' })
  }),

  test('create that cannot be completed leaves nothing', async ({ kernel }) => {
    const change = create('link', {
      name: 'va',
      kind: { type: 'veth', peer: { name: 'vb' } },
      master: 'missing'
    })
    expect(await codes(kernel, change)).toEqual(['TRI_KERNEL_NOT_FOUND'])
    expect(await linkNames(kernel)).toEqual(['lo'])
  }),

  test('create with a name that Linux cannot have is refused and makes nothing', async ({ kernel }) => {
    const long = 'a-name-of-sixteen'
    expect(await codes(kernel, create('link', { ...BRIDGE, name: long }))).toEqual(['TRI_KERNEL_REFUSED'])
    expect(await linkNames(kernel)).toEqual(['lo'])
  }),

  test('create keeps an alias of 255 bytes, and with a longer one is refused and makes nothing', async ({
    kernel
  }) => {
    const alias = `trilane:default:${'a'.repeat(234)}:eth0`
    await must(kernel, create('link', { ...BRIDGE, alias }))
    expect((await linkThere(kernel, 'bra')).alias).toBe(alias)
    const tooLong = create('link', { ...BRIDGE, name: 'brb', alias: `${alias}0` })
    expect(await codes(kernel, tooLong)).toEqual(['TRI_KERNEL_REFUSED'])
    expect(await linkNames(kernel)).toEqual(['bra', 'lo'])
  }),

  test('create in another namespace makes it there, under its final name', async ({ kernel, other }) => {
    await must(kernel, create('link', { ...BRIDGE, namespace: other.path, mtuBytes: 1400 }))
    expect(await linkNames(kernel)).toEqual(['lo'])
    expectAs(await linkThere(other.kernel, 'bra'), { kind: { type: 'bridge' }, mtuBytes: 1400 })
  }),

  test('create in a namespace that does not exist gives TRI_NAMESPACE_INVALID and makes nothing', async ({
    kernel
  }) => {
    const changes = [
      create('link', { ...BRIDGE, namespace: MISSING_NAMESPACE }),
      create('link', {
        name: 'va',
        kind: { type: 'veth', peer: { name: 'vb', namespace: MISSING_NAMESPACE } }
      }),
      create('link', { ...BRIDGE, name: 'brb' })
    ]
    expect(await codes(kernel, ...changes)).toEqual([
      'TRI_NAMESPACE_INVALID',
      'TRI_NAMESPACE_INVALID',
      undefined
    ])
    expect(await linkNames(kernel)).toEqual(['brb', 'lo'])
  }),

  test('set changes MTU, MAC and alias in place', async ({ kernel }) => {
    await must(kernel, create('link', FULL))
    const { index } = await linkThere(kernel, 'bra')
    await must(kernel, set('link', { ...BRIDGE, mtuBytes: 1300, mac: MAC_B, alias: 'trilane:blue' }))
    expectAs(await linkThere(kernel, 'bra'), { index, mtuBytes: 1300, mac: MAC_B, alias: 'trilane:blue' })
  }),

  test('set leaves alone what is not given', async ({ kernel }) => {
    await must(kernel, create('link', FULL), set('link', { ...BRIDGE, mtuBytes: 1300 }))
    expectAs(await linkThere(kernel, 'bra'), { ...FULL, mtuBytes: 1300 })
  }),

  test('set to what it is already succeeds', async ({ kernel }) => {
    await must(kernel, create('link', FULL))
    const before = await linkThere(kernel, 'bra')
    await must(kernel, set('link', FULL))
    expectAs(await linkThere(kernel, 'bra'), before)
  }),

  test('set brings up and down', async ({ kernel }) => {
    await must(kernel, create('link', BRIDGE), set('link', { ...BRIDGE, up: true }))
    expect((await linkThere(kernel, 'bra')).up).toBe(true)
    await must(kernel, set('link', { ...BRIDGE, up: false }))
    expect((await linkThere(kernel, 'bra')).up).toBe(false)
  }),

  test('set brings up lo, which then has its addresses', async ({ kernel }) => {
    await must(kernel, set('link', { ...LO, up: true }))
    expectAs(await linkThere(kernel, 'lo'), { up: true, loopback: true, carrier: true })
    expect(await addressesOf(kernel, 'lo')).toEqual(['127.0.0.1/8', '::1/128'])
  }),

  test('set puts it into a bridge, moves it to another and takes it out', async ({ kernel }) => {
    await pair(kernel)
    await must(kernel, create('link', BRIDGE), create('link', { ...BRIDGE, name: 'brb' }))
    for (const master of ['bra', 'brb', null]) {
      await must(kernel, set('link', { ...VETH_A, master }))
      expect((await linkThere(kernel, 'va')).master).toBe(master)
    }
  }),

  test('set switches hairpin of a port on and off', async ({ kernel }) => {
    await pair(kernel)
    await must(kernel, create('link', BRIDGE))
    const port: Link = { ...VETH_A, master: 'bra' }
    for (const hairpin of [true, false]) {
      await must(kernel, set('link', { ...port, hairpin }))
      expect((await linkThere(kernel, 'va')).hairpin).toBe(hairpin)
    }
  }),

  ...[
    ['', { bytesPerSecond: 1_250_000, burstBytes: 20_000 }] as const,
    [' and faster than 32 bits can count', { bytesPerSecond: 6_250_000_000, burstBytes: 20_000_000 }] as const
  ].map(([more, limit]) =>
    test(`set limits how fast it may send${more}, and changes that`, async ({ kernel }) => {
      await must(kernel, create('link', VETH_A))
      const { name, kind } = VETH_A
      for (const sendLimit of [{ bytesPerSecond: 1_000, burstBytes: 3_000 }, limit]) {
        await must(kernel, set('link', { name, kind, sendLimit }))
        const [link] = (await kernel.read({ links: [name] })).links
        expect(link?.sendLimit?.bytesPerSecond).toBe(sendLimit.bytesPerSecond)
        const rounding = Math.max(1, (sendLimit.bytesPerSecond * 128) / 1e9)
        const error = Math.abs((link?.sendLimit?.burstBytes ?? 0) - sendLimit.burstBytes)
        expect(error).toBeLessThanOrEqual(rounding)
      }
    })
  ),

  test('a device may send as fast as it can unless that is limited', async ({ kernel }) => {
    await must(kernel, create('link', VETH_A))
    const [link] = (await kernel.read({ links: [VETH_A.name] })).links
    expect(link).toBeDefined()
    expect(link).not.toHaveProperty('sendLimit')
  }),

  test('set of a device that does not exist gives TRI_KERNEL_NOT_FOUND', async ({ kernel }) => {
    expect(await codes(kernel, set('link', { ...BRIDGE, up: true }))).toEqual(['TRI_KERNEL_NOT_FOUND'])
    expect(await linkNamed(kernel, 'bra')).toBeUndefined()
  }),

  test('set with a master that does not exist gives TRI_KERNEL_NOT_FOUND', async ({ kernel }) => {
    await pair(kernel)
    const change = set('link', { ...VETH_A, master: 'missing' })
    expect(await codes(kernel, change)).toEqual(['TRI_KERNEL_NOT_FOUND'])
    expect((await linkThere(kernel, 'va')).master).toBe(null)
  }),

  test('set of what the device cannot be is refused', async ({ kernel }) => {
    await pair(kernel)
    // Below ETH_MIN_MTU, 68.
    const change = set('link', { ...VETH_A, mtuBytes: 20 })
    expect(await codes(kernel, change)).toEqual(['TRI_KERNEL_REFUSED'])
    expect((await linkThere(kernel, 'va')).mtuBytes).toBe(1500)
  }),

  test('remove removes it', async ({ kernel }) => {
    await must(kernel, create('link', BRIDGE), remove('link', BRIDGE))
    expect(await linkNames(kernel)).toEqual(['lo'])
  }),

  test('remove of what is not there succeeds', async ({ kernel }) => {
    await must(kernel, remove('link', BRIDGE))
  })
]
