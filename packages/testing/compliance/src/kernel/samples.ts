import type { InterfaceAddress, Kernel, Link } from '@trilane/contracts'
import { FAMILIES, type Family, IpAddress, Mac, Prefix } from '@trilane/ip'
import { expect } from 'vitest'
import { codes, create, type KernelTest, must, set, test } from './steps.ts'

/** What differs between the families in these tests. Documentation ranges: RFC 5737, 3849, 4193. */
export interface FamilySample {
  readonly family: Family
  /** On `va`, with {@link length}. */
  readonly own: IpAddress
  readonly length: number
  readonly network: Prefix
  /** Two others in the same network. */
  readonly near: IpAddress
  readonly nearer: IpAddress
  /** In no network of ours. */
  readonly far: IpAddress
  /** A second own address in another network. */
  readonly second: IpAddress
  /** Where routes lead. */
  readonly destination: Prefix
  readonly inDestination: IpAddress
  /** Inside {@link destination}, and more specific. */
  readonly narrower: Prefix
  readonly everything: Prefix
}

export const SAMPLES: Readonly<Record<Family, FamilySample>> = {
  v4: {
    family: 'v4',
    own: IpAddress.parse('192.0.2.1'),
    length: 24,
    network: Prefix.parse('192.0.2.0/24'),
    near: IpAddress.parse('192.0.2.8'),
    nearer: IpAddress.parse('192.0.2.9'),
    far: IpAddress.parse('203.0.113.7'),
    second: IpAddress.parse('198.51.100.1'),
    destination: Prefix.parse('10.5.0.0/16'),
    inDestination: IpAddress.parse('10.5.2.7'),
    narrower: Prefix.parse('10.5.2.0/24'),
    everything: Prefix.parse('0.0.0.0/0')
  },
  v6: {
    family: 'v6',
    own: IpAddress.parse('fd00:a::1'),
    length: 64,
    network: Prefix.parse('fd00:a::/64'),
    near: IpAddress.parse('fd00:a::8'),
    nearer: IpAddress.parse('fd00:a::9'),
    far: IpAddress.parse('2001:db8::7'),
    second: IpAddress.parse('fd00:b::1'),
    destination: Prefix.parse('fd00:5::/48'),
    inDestination: IpAddress.parse('fd00:5:0:2::7'),
    narrower: Prefix.parse('fd00:5:0:2::/64'),
    everything: Prefix.parse('::/0')
  }
}

/** The same tests for each family, with the family in their names. */
export function perFamily<T>(make: (sample: FamilySample) => readonly T[]): T[] {
  return FAMILIES.flatMap((family) => make(SAMPLES[family]))
}

/** Where the family does not matter. */
export const SAMPLE: FamilySample = SAMPLES.v4

export const MAC_A = Mac.parse('02:00:00:00:00:0a')
export const MAC_B = Mac.parse('02:00:00:00:00:0b')

export const LO: Link = { name: 'lo', kind: { type: 'other', kernelType: '' } }

/** A device that every kernel has, and that stands alone. */
export const BRIDGE: Link = { name: 'bra', kind: { type: 'bridge' } }

/** The ends of {@link pair}, for changes after their creation. */
export const VETH_A: Link = { name: 'va', kind: { type: 'veth' } }
export const VETH_B: Link = { name: 'vb', kind: { type: 'veth' } }

/** A pair `va` and `vb`, both up. */
export async function pair(kernel: Kernel): Promise<void> {
  await must(
    kernel,
    create('link', { name: 'va', kind: { type: 'veth', peer: { name: 'vb' } }, up: true }),
    set('link', { ...VETH_B, up: true })
  )
}

/** {@link pair} with the own address of both families on `va`, usable at once. */
export async function wired(kernel: Kernel): Promise<void> {
  await pair(kernel)
  await must(kernel, ...perFamily((sample) => [create('address', ownAddress(sample))]))
}

export function ownAddress(sample: FamilySample, device = 'va'): InterfaceAddress {
  return { device, address: sample.own, prefixLength: sample.length, skipDad: true }
}

export const VXLAN: Link = { name: 'vx', kind: { type: 'vxlan', vni: 4712, port: 8472, learning: false } }

/** A test on {@link VXLAN}, up. Where the kernel has no vxlan, the promise is that it says so. */
export function onVxlan(name: string, run: KernelTest['run']): KernelTest {
  return test(name, async (fixture) => {
    const change = create('link', { ...VXLAN, up: true })
    if (!fixture.linkTypes.has('vxlan')) {
      expect(await codes(fixture.kernel, change)).toEqual(['TRI_KERNEL_UNSUPPORTED'])
      return
    }
    await must(fixture.kernel, change)
    await run(fixture)
  })
}
