import { expect } from 'vitest'
import { BRIDGE, ownAddress, pair, perFamily, SAMPLE, wired } from './samples.ts'
import {
  addressesOf,
  codes,
  create,
  expectAs,
  type KernelTest,
  must,
  remove,
  routesTo,
  set,
  test
} from './steps.ts'

/** Promises about addresses. */
export const addressTests: readonly KernelTest[] = [
  ...perFamily((sample) => {
    const { family, own, length, network, near, second } = sample
    const text = `${own}/${length}`
    const secondAddress = { ...ownAddress(sample), address: second }
    return [
      test(`create puts it on the device (${family})`, async ({ kernel }) => {
        await pair(kernel)
        await must(kernel, create('address', ownAddress(sample)))
        const { addresses } = await kernel.read({ addresses: true })
        expectAs(
          addresses.find(({ address }) => address.equals(own)),
          {
            device: 'va',
            address: own,
            prefixLength: length,
            scope: 'global',
            permanent: true,
            tentative: false,
            deprecated: false,
            temporary: false
          }
        )
      }),

      test(`create of one that is there gives TRI_KERNEL_EXISTS (${family})`, async ({ kernel }) => {
        await wired(kernel)
        expect(await codes(kernel, create('address', ownAddress(sample)))).toEqual(['TRI_KERNEL_EXISTS'])
      }),

      test(`create on a device that does not exist gives TRI_KERNEL_NOT_FOUND (${family})`, async ({
        kernel
      }) => {
        const change = create('address', ownAddress(sample, 'missing'))
        expect(await codes(kernel, change)).toEqual(['TRI_KERNEL_NOT_FOUND'])
      }),

      test(`create on a device that is down keeps it until the device is up (${family})`, async ({
        kernel
      }) => {
        await must(kernel, create('link', BRIDGE), create('address', ownAddress(sample, 'bra')))
        await must(kernel, set('link', { ...BRIDGE, up: true }))
        expect(await addressesOf(kernel, 'bra')).toEqual([text])
        expect(await routesTo(kernel, network)).toHaveLength(1)
      }),

      test(`create brings the route to its network (${family})`, async ({ kernel }) => {
        await wired(kernel)
        const [route, ...more] = await routesTo(kernel, network)
        expect(more).toEqual([])
        // RTPROT_KERNEL
        expectAs(route, { device: 'va', protocol: 2, type: 'unicast' })
        expect(route?.gateway).toBeUndefined()
      }),

      test(`set makes it when it is not there (${family})`, async ({ kernel }) => {
        await pair(kernel)
        await must(kernel, set('address', ownAddress(sample)))
        expect(await addressesOf(kernel, 'va')).toEqual([text])
      }),

      test(`set leaves one that is there (${family})`, async ({ kernel }) => {
        await wired(kernel)
        const before = await addressesOf(kernel, 'va')
        await must(kernel, set('address', ownAddress(sample)))
        expect(await addressesOf(kernel, 'va')).toEqual(before)
        expect(await routesTo(kernel, network)).toHaveLength(1)
      }),

      test(`set on a device that does not exist gives TRI_KERNEL_NOT_FOUND (${family})`, async ({
        kernel
      }) => {
        const change = set('address', ownAddress(sample, 'missing'))
        expect(await codes(kernel, change)).toEqual(['TRI_KERNEL_NOT_FOUND'])
      }),

      test(`remove removes it, with the route to its network, and no other (${family})`, async ({
        kernel
      }) => {
        await pair(kernel)
        await must(kernel, create('address', ownAddress(sample)), create('address', secondAddress))
        await must(kernel, remove('address', ownAddress(sample)))
        expect(await addressesOf(kernel, 'va')).toEqual([`${second}/${length}`])
        expect(await routesTo(kernel, network)).toEqual([])
      }),

      test(`remove compares the prefix length (${family})`, async ({ kernel }) => {
        await wired(kernel)
        const before = await addressesOf(kernel, 'va')
        await must(kernel, remove('address', { ...ownAddress(sample), prefixLength: length + 1 }))
        expect(await addressesOf(kernel, 'va')).toEqual(before)
      }),

      test(`remove of what is not there succeeds (${family})`, async ({ kernel }) => {
        await pair(kernel)
        await must(
          kernel,
          remove('address', ownAddress(sample)),
          remove('address', ownAddress(sample, 'missing'))
        )
      }),

      test(`two in one network, and the route to it once (${family})`, async ({ kernel }) => {
        await wired(kernel)
        await must(kernel, create('address', { ...ownAddress(sample), address: near }))
        expect(await addressesOf(kernel, 'va')).toEqual(expect.arrayContaining([text, `${near}/${length}`]))
        expect(await routesTo(kernel, network)).toHaveLength(1)
      })
    ]
  }),

  test('a second one in the same network reads as temporary, IPv4 only: it is a secondary one', async ({
    kernel
  }) => {
    await wired(kernel)
    await must(kernel, create('address', { ...ownAddress(SAMPLE), address: SAMPLE.near }))
    const { addresses } = await kernel.read({ addresses: true })
    expect(addresses.find(({ address }) => address.equals(SAMPLE.near))?.temporary).toBe(true)
    expect(addresses.find(({ address }) => address.equals(SAMPLE.own))?.temporary).toBe(false)
  })
]
