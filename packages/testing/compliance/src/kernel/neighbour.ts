import { expect } from 'vitest'
import { MAC_A, MAC_B, perFamily, VETH_A, wired } from './samples.ts'
import {
  codes,
  create,
  expectAs,
  type KernelTest,
  must,
  neighboursOf,
  plain,
  remove,
  set,
  test
} from './steps.ts'

/** Promises about neighbours. */
export const neighbourTests: readonly KernelTest[] = perFamily(({ family, near, nearer }) => {
  const wish = { device: 'va', address: near, mac: MAC_A }
  const reading = { ...wish, state: 'permanent' }
  return [
    test(`create makes a permanent one (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('neighbour', wish))
      expect(plain(await neighboursOf(kernel, 'va'))).toEqual([plain(reading)])
    }),

    test(`create makes it in the state that is asked for (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('neighbour', { ...wish, state: 'noarp' }))
      expectAs((await neighboursOf(kernel, 'va'))[0], { ...wish, state: 'noarp' })
    }),

    test(`create of one that is there gives TRI_KERNEL_EXISTS (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('neighbour', wish))
      expect(await codes(kernel, create('neighbour', { ...wish, mac: MAC_B }))).toEqual(['TRI_KERNEL_EXISTS'])
      expect(plain(await neighboursOf(kernel, 'va'))).toEqual([plain(reading)])
    }),

    test(`create on a device that does not exist gives TRI_KERNEL_NOT_FOUND (${family})`, async ({
      kernel
    }) => {
      expect(await codes(kernel, create('neighbour', wish))).toEqual(['TRI_KERNEL_NOT_FOUND'])
    }),

    test(`set makes it when it is not there (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, set('neighbour', wish))
      expect(plain(await neighboursOf(kernel, 'va'))).toEqual([plain(reading)])
    }),

    test(`set gives it another MAC in place (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('neighbour', wish), set('neighbour', { ...wish, mac: MAC_B }))
      expect(plain(await neighboursOf(kernel, 'va'))).toEqual([plain({ ...reading, mac: MAC_B })])
    }),

    test(`remove removes it and no other (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(
        kernel,
        create('neighbour', wish),
        create('neighbour', { ...wish, address: nearer }),
        remove('neighbour', wish)
      )
      // Linux may keep a removed entry for a moment while something refers to it; then it has no MAC.
      const left = (await neighboursOf(kernel, 'va')).filter(({ mac }) => mac !== undefined)
      expect(left.map(({ address }) => String(address))).toEqual([String(nearer)])
    }),

    test(`remove of what is not there succeeds (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, remove('neighbour', wish), remove('neighbour', { ...wish, device: 'missing' }))
    }),

    test(`they go with their device (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('neighbour', wish), remove('link', VETH_A))
      expect(await neighboursOf(kernel, 'va')).toEqual([])
    }),

    test(`they go when their device goes down, permanent ones too (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('neighbour', wish), set('link', { ...VETH_A, up: false }))
      expect(await neighboursOf(kernel, 'va')).toEqual([])
    })
  ]
})
