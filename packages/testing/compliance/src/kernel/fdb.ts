import { IpAddress } from '@trilane/ip'
import { expect } from 'vitest'
import { MAC_A, MAC_B, onVxlan, SAMPLES, VXLAN } from './samples.ts'
import { codes, create, type KernelTest, must, plain, remove, set, test } from './steps.ts'

const ENTRY = { device: 'vx', mac: MAC_A, destination: IpAddress.parse('192.0.2.8') }
const ELSEWHERE = IpAddress.parse('192.0.2.9')

/** Promises about forwarding entries. */
export const fdbTests: readonly KernelTest[] = [
  onVxlan('create makes one with an outer destination', async ({ kernel }) => {
    await must(kernel, create('fdb', ENTRY))
    expect(plain((await kernel.read({ fdbOf: ['vx'] })).fdb)).toEqual([plain(ENTRY)])
  }),

  onVxlan('create takes destinations of the family of the outer source only', async ({ kernel }) => {
    const kind = { type: 'vxlan', vni: 4713, port: 8472, local: SAMPLES.v6.own } as const
    await must(kernel, create('link', { name: 'vx6', kind }))
    const [v4, v6] = [SAMPLES.v4.near, SAMPLES.v6.near]
    const changes = [
      create('fdb', { device: 'vx', mac: MAC_A, destination: v6 }),
      create('fdb', { device: 'vx6', mac: MAC_A, destination: v4 }),
      create('fdb', { device: 'vx6', mac: MAC_A, destination: v6 })
    ]
    expect(await codes(kernel, ...changes)).toEqual(['TRI_KERNEL_REFUSED', 'TRI_KERNEL_REFUSED', undefined])
    expect((await kernel.read({ fdbOf: ['vx', 'vx6'] })).fdb.map(({ device }) => device)).toEqual(['vx6'])
  }),

  onVxlan('create for a MAC that has one gives TRI_KERNEL_EXISTS', async ({ kernel }) => {
    await must(kernel, create('fdb', ENTRY))
    const changes = [create('fdb', ENTRY), create('fdb', { ...ENTRY, destination: ELSEWHERE })]
    expect(await codes(kernel, ...changes)).toEqual(['TRI_KERNEL_EXISTS', 'TRI_KERNEL_EXISTS'])
    expect(plain((await kernel.read({ fdbOf: ['vx'] })).fdb)).toEqual([plain(ENTRY)])
  }),

  test('create on a device that does not exist gives TRI_KERNEL_NOT_FOUND', async ({ kernel }) => {
    expect(await codes(kernel, create('fdb', ENTRY))).toEqual(['TRI_KERNEL_NOT_FOUND'])
  }),

  onVxlan('set makes it when it is not there', async ({ kernel }) => {
    await must(kernel, set('fdb', ENTRY))
    expect(plain((await kernel.read({ fdbOf: ['vx'] })).fdb)).toEqual([plain(ENTRY)])
  }),

  onVxlan('set moves a MAC to another destination in place', async ({ kernel }) => {
    await must(kernel, create('fdb', ENTRY), set('fdb', { ...ENTRY, destination: ELSEWHERE }))
    expect(plain((await kernel.read({ fdbOf: ['vx'] })).fdb)).toEqual([
      plain({ ...ENTRY, destination: ELSEWHERE })
    ])
  }),

  onVxlan('remove removes it and no other', async ({ kernel }) => {
    const other = { ...ENTRY, mac: MAC_B }
    await must(kernel, create('fdb', ENTRY), create('fdb', other), remove('fdb', ENTRY))
    expect(plain((await kernel.read({ fdbOf: ['vx'] })).fdb)).toEqual([plain(other)])
  }),

  onVxlan('remove spares a MAC that has another destination by now', async ({ kernel }) => {
    const moved = { ...ENTRY, destination: ELSEWHERE }
    await must(kernel, create('fdb', moved), remove('fdb', ENTRY))
    expect(plain((await kernel.read({ fdbOf: ['vx'] })).fdb)).toEqual([plain(moved)])
  }),

  onVxlan('remove of what is not there succeeds', async ({ kernel }) => {
    await must(kernel, remove('fdb', ENTRY), remove('fdb', { ...ENTRY, device: 'missing' }))
  }),

  onVxlan('they go with their device', async ({ kernel }) => {
    await must(kernel, create('fdb', ENTRY), remove('link', VXLAN))
    expect((await kernel.read({ fdbOf: ['vx'] })).fdb).toEqual([])
    await must(kernel, create('link', VXLAN))
    expect((await kernel.read({ fdbOf: ['vx'] })).fdb).toEqual([])
  })
]
