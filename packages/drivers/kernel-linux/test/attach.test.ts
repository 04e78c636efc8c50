import { readdirSync } from 'node:fs'
import type { KernelChange } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LinuxKernel } from '../src/index.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'
import { until } from './until.ts'

/** What the ADD of a pod does to the kernel, without records and without the plugin before it. */

const PODS = 15
/** Measured: about 1.5 ms. The bound is for a machine that does much else. */
const MEDIAN_MS = 15

const GATEWAY = IpAddress.parse('10.5.1.1')

let node: TestNamespace
let pods: TestNamespace[]
let kernel: LinuxKernel

beforeEach(async () => {
  node = await testNamespace()
  pods = await Promise.all(Array.from({ length: PODS }, testNamespace))
  kernel = await LinuxKernel.open({ namespace: node.path })
  await must(
    kernel.apply([
      { action: 'create', kind: 'link', value: { name: 'cni0', kind: { type: 'bridge' }, up: true } },
      { action: 'create', kind: 'address', value: { device: 'cni0', address: GATEWAY, prefixLength: 24 } }
    ])
  )
})
afterEach(async () => {
  kernel.close()
  await Promise.all([node, ...pods].map((namespace) => namespace.dispose()))
})

async function must(applied: ReturnType<LinuxKernel['apply']>): Promise<void> {
  expect((await applied).flatMap(({ error }) => error?.message ?? [])).toEqual([])
}

const up = (name: string): KernelChange => ({
  action: 'set',
  kind: 'link',
  value: { name, kind: { type: 'other', kernelType: '' }, up: true }
})

async function attach(number: number, path: string): Promise<void> {
  const address = IpAddress.parse(`10.5.1.${number + 2}`)
  const mac = Mac.derive(`${address}`)
  await must(
    kernel.apply([
      {
        action: 'create',
        kind: 'link',
        value: {
          name: `veth${number}`,
          kind: { type: 'veth', peer: { name: 'eth0', namespace: path, mtuBytes: 1450, mac } },
          mtuBytes: 1450,
          master: 'cni0',
          hairpin: true,
          alias: `trilane:default:${number}:eth0`,
          up: true
        }
      }
    ])
  )
  const pod = await kernel.namespace(path)
  try {
    await must(
      pod.apply([
        up('lo'),
        { action: 'create', kind: 'address', value: { device: 'eth0', address, prefixLength: 24 } },
        up('eth0'),
        {
          action: 'create',
          kind: 'route',
          value: { destination: Prefix.parse('0.0.0.0/0'), gateway: GATEWAY, protocol: 133 }
        }
      ])
    )
    await pod.announce([{ device: 'eth0', address, mac }])
  } finally {
    pod.close()
  }
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length

describe('a pod', () => {
  it('is attached in a few milliseconds, talks, and leaves no descriptor open', async () => {
    const before = openDescriptors()
    const tookMs: number[] = []
    for (const [number, { path }] of pods.entries()) {
      const start = performance.now()
      await attach(number, path)
      tookMs.push(performance.now() - start)
    }
    tookMs.sort((a, b) => a - b)
    expect(tookMs[PODS >> 1]).toBeLessThan(MEDIAN_MS)
    // Sockets of announcements close on another thread.
    await until('all descriptors are closed', () => openDescriptors() <= before)

    const [first] = pods
    // Its gateway, and the last pod.
    for (const target of ['10.5.1.1', `10.5.1.${PODS + 1}`]) {
      expect(await first?.run('ping', '-c', '1', '-W', '5', target)).toContain(' 0% packet loss')
    }
  })
})
