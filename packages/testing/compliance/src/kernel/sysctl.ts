import type { Kernel } from '@trilane/contracts'
import { expect } from 'vitest'
import { pair } from './samples.ts'
import { codes, create, type KernelTest, must, remove, set, test } from './steps.ts'

const FORWARDING = 'net/ipv4/ip_forward'

async function parameter(kernel: Kernel, key: string): Promise<string | undefined> {
  return (await kernel.read({ sysctls: [key] })).sysctls[0]?.value
}

/** Promises about kernel parameters. */
export const sysctlTests: readonly KernelTest[] = [
  ...[
    FORWARDING,
    'net/ipv6/conf/all/forwarding',
    'net/ipv4/conf/va/proxy_arp',
    'net/ipv6/conf/va/accept_ra'
  ].map((key) =>
    test(`set writes ${key}`, async ({ kernel }) => {
      await pair(kernel)
      for (const value of ['0', '1']) {
        await must(kernel, set('sysctl', { key, value }))
        expect(await parameter(kernel, key)).toBe(value)
      }
    })
  ),

  test('set of a device with a dot in its name finds it', async ({ kernel }) => {
    await must(kernel, create('link', { name: 'br.100', kind: { type: 'bridge' } }))
    const key = 'net/ipv4/conf/br.100/forwarding'
    await must(kernel, set('sysctl', { key, value: '1' }))
    expect(await parameter(kernel, key)).toBe('1')
  }),

  test('create is the same as set', async ({ kernel }) => {
    await must(kernel, create('sysctl', { key: FORWARDING, value: '1' }))
    expect(await parameter(kernel, FORWARDING)).toBe('1')
  }),

  test('set of one that does not exist gives TRI_KERNEL_NOT_FOUND', async ({ kernel }) => {
    const changes = ['net/ipv4/conf/missing/forwarding', 'net/ipv4/no_such_parameter'].map((key) =>
      set('sysctl', { key, value: '1' })
    )
    expect(await codes(kernel, ...changes)).toEqual(['TRI_KERNEL_NOT_FOUND', 'TRI_KERNEL_NOT_FOUND'])
  }),

  test('set to a value that Linux does not take is refused and changes nothing', async ({ kernel }) => {
    await must(kernel, set('sysctl', { key: FORWARDING, value: '1' }))
    expect(await codes(kernel, set('sysctl', { key: FORWARDING, value: 'yes please' }))).toEqual([
      'TRI_KERNEL_REFUSED'
    ])
    expect(await parameter(kernel, FORWARDING)).toBe('1')
  }),

  test('set never leaves /proc/sys', async ({ kernel }) => {
    const changes = ['../../dev/null', 'net/../../../dev/null'].map((key) =>
      set('sysctl', { key, value: '1' })
    )
    for (const code of await codes(kernel, ...changes)) expect(code).toBeDefined()
  }),

  test('remove is refused and changes nothing', async ({ kernel }) => {
    await must(kernel, set('sysctl', { key: FORWARDING, value: '1' }))
    expect(await codes(kernel, remove('sysctl', { key: FORWARDING, value: '1' }))).toEqual([
      'TRI_KERNEL_REFUSED'
    ])
    expect(await parameter(kernel, FORWARDING)).toBe('1')
  }),

  test('each namespace has its own', async ({ kernel, other }) => {
    await must(kernel, set('sysctl', { key: FORWARDING, value: '1' }))
    await must(other.kernel, set('sysctl', { key: FORWARDING, value: '0' }))
    expect(await parameter(kernel, FORWARDING)).toBe('1')
    expect(await parameter(other.kernel, FORWARDING)).toBe('0')
  })
]
