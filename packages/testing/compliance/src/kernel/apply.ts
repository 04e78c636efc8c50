import { IpAddress, Prefix } from '@trilane/ip'
import { expect } from 'vitest'
import { BRIDGE, ownAddress, perFamily, SAMPLE, wired } from './samples.ts'
import { codes, create, type KernelTest, linkNamed, must, routesTo, test } from './steps.ts'

/** Promises about a batch, whatever is in it. */
export const applyTests: readonly KernelTest[] = [
  test('gives one outcome per change, in order', async ({ kernel }) => {
    const changes = ['bra', 'brb', 'brc'].map((name) => create('link', { ...BRIDGE, name }))
    const outcomes = await kernel.apply(changes)
    expect(outcomes.map(({ change }) => change)).toEqual(changes)
    expect(outcomes.map(({ error }) => error)).toEqual([undefined, undefined, undefined])
  }),

  test('of nothing gives nothing', async ({ kernel }) => {
    expect(await kernel.apply([])).toEqual([])
  }),

  test('does the changes in order: each may need the one before', async ({ kernel }) => {
    await must(
      kernel,
      create('link', { ...BRIDGE, up: true }),
      ...perFamily((sample) => [
        create('address', ownAddress(sample, 'bra')),
        create('route', { destination: sample.destination, gateway: sample.near })
      ])
    )
  }),

  test('one that fails stops none of the others', async ({ kernel }) => {
    const refused = create('address', ownAddress(SAMPLE, 'missing'))
    expect(await codes(kernel, refused, create('link', BRIDGE), refused)).toEqual([
      'TRI_KERNEL_NOT_FOUND',
      undefined,
      'TRI_KERNEL_NOT_FOUND'
    ])
    expect(await linkNamed(kernel, 'bra')).toBeDefined()
  }),

  test('an error names the change as the command that would do the same', async ({ kernel }) => {
    const [outcome] = await kernel.apply([create('address', ownAddress(SAMPLE, 'missing'))])
    expect(outcome?.error?.message).toContain('ip address add 192.0.2.1/24 dev missing')
  }),

  test('each outcome belongs to its change, among many', async ({ kernel }) => {
    await wired(kernel)
    const changes = Array.from({ length: 500 }, (_, number) =>
      create('route', {
        destination: Prefix.of(IpAddress.fromBits('v4', 0x0a800000n + BigInt(number * 256)), 24),
        gateway: number % 7 === 3 ? SAMPLE.far : SAMPLE.near,
        protocol: 133
      })
    )
    const outcomes = await kernel.apply(changes)
    expect(outcomes.map(({ change }) => change)).toEqual(changes)
    expect(outcomes.map(({ error }) => error?.code)).toEqual(
      changes.map((_, number) => (number % 7 === 3 ? 'TRI_KERNEL_REFUSED' : undefined))
    )
    const first = await routesTo(kernel, Prefix.parse('10.128.0.0/24'))
    expect(first).toHaveLength(1)
  }),

  test('at the same time as another gives each its own outcomes', async ({ kernel }) => {
    const [first, second] = await Promise.all([
      codes(kernel, create('link', BRIDGE), create('link', BRIDGE)),
      codes(kernel, create('address', ownAddress(SAMPLE, 'missing')))
    ])
    expect(first).toEqual([undefined, 'TRI_KERNEL_EXISTS'])
    expect(second).toEqual(['TRI_KERNEL_NOT_FOUND'])
  })
]
