import { expect } from 'vitest'
import { BRIDGE, LO, MAC_A, perFamily, wired } from './samples.ts'
import { codeOf, create, type KernelTest, linkNames, must, record, set, test } from './steps.ts'

/** Promises about other namespaces. */
export const namespaceTests: readonly KernelTest[] = [
  test('is the same port inside the other namespace', async ({ kernel, other }) => {
    await must(other.kernel, create('link', { ...BRIDGE, name: 'inside' }))
    const inside = await kernel.namespace(other.path)
    expect(await linkNames(inside)).toEqual(['inside', 'lo'])
    await must(inside, create('link', BRIDGE))
    expect(await linkNames(other.kernel)).toEqual(['bra', 'inside', 'lo'])
    inside.close()
  }),

  test('keeps what is written apart', async ({ kernel, other }) => {
    await must(kernel, create('link', BRIDGE), set('link', { ...LO, up: true }))
    expect(await linkNames(other.kernel)).toEqual(['lo'])
    expect((await other.kernel.read({ addresses: true })).addresses).toEqual([])
  }),

  ...Object.entries({
    'a path where there is nothing': '/run/netns/trilane-compliance-has-no-such-namespace',
    'a regular file': '/etc/passwd',
    'a directory': '/etc',
    'a namespace of another kind': '/proc/self/ns/uts'
  }).map(([what, path]) =>
    test(`of ${what} gives TRI_NAMESPACE_INVALID`, async ({ kernel }) => {
      expect(await codeOf(() => kernel.namespace(path))).toBe('TRI_NAMESPACE_INVALID')
      expect(await linkNames(kernel)).toEqual(['lo'])
    })
  ),

  test('closed, leaves the namespace and the handle that it came from as they are', async ({
    kernel,
    other
  }) => {
    const inside = await kernel.namespace(other.path)
    await must(inside, create('link', BRIDGE))
    inside.close()
    expect(await linkNames(other.kernel)).toEqual(['bra', 'lo'])
    expect(await linkNames(kernel)).toEqual(['lo'])
  })
]

/** Promises about the end. */
export const closeTests: readonly KernelTest[] = [
  test('may be repeated', async ({ kernel, other }) => {
    const handle = await kernel.namespace(other.path)
    handle.close()
    handle.close()
  }),

  test('ends the watches of the handle', async (fixture) => {
    const { kernel, other } = fixture
    const handle = await kernel.namespace(other.path)
    const [closed, open] = [record(fixture, handle), record(fixture, other.kernel)]
    handle.close()
    await must(other.kernel, create('link', BRIDGE))
    await open.until('made', (event) => event.kind === 'link' && event.value.name === 'bra')
    expect(closed.events).toEqual([])
    open.close()
  })
]

/** Promises about announcements. That neighbours hear them is shown with two kernels and a wire between. */
export const announceTests: readonly KernelTest[] = [
  test('of nothing succeeds', async ({ kernel }) => {
    await kernel.announce([])
  }),

  ...perFamily(({ family, own }) => [
    test(`succeeds on a device that is up (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await kernel.announce([{ device: 'va', address: own, mac: MAC_A }])
    }),

    test(`on a device that does not exist gives TRI_KERNEL_NOT_FOUND (${family})`, async ({ kernel }) => {
      const announcement = { device: 'missing', address: own, mac: MAC_A }
      expect(await codeOf(() => kernel.announce([announcement]))).toBe('TRI_KERNEL_NOT_FOUND')
    }),

    test(`on a device that is down gives TRI_KERNEL_REFUSED (${family})`, async ({ kernel }) => {
      await must(kernel, create('link', BRIDGE))
      const announcement = { device: 'bra', address: own, mac: MAC_A }
      expect(await codeOf(() => kernel.announce([announcement]))).toBe('TRI_KERNEL_REFUSED')
    })
  ])
]
