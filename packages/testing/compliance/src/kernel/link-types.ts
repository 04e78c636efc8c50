import type { Link, LinkKind } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { expect } from 'vitest'
import { BRIDGE, MAC_A, MAC_B, pair, SAMPLES, VETH_A, VETH_B } from './samples.ts'
import {
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

/** Each type that stands on another device, or on none, with attributes that are not Linux's defaults. */
const KINDS: readonly LinkKind[] = [
  { type: 'bridge' },
  {
    type: 'vxlan',
    vni: 4711,
    port: 8473,
    parent: 'va',
    local: IpAddress.parse('192.0.2.1'),
    learning: false,
    gbp: true
  },
  { type: 'macvlan', parent: 'va', mode: 'private' },
  { type: 'ipvlan', parent: 'va', mode: 'l3s', flag: 'private' },
  { type: 'vlan', parent: 'va', vlanId: 100 }
]

const STANDING = KINDS.filter((kind) => 'parent' in kind)

/** Where the kernel lacks the type, the promise is that it says so. */
export function ifAny(type: LinkKind['type'], name: string, run: KernelTest['run']): KernelTest {
  return test(name, async (fixture) => {
    if (fixture.linkTypes.has(type)) return run(fixture)
    const kind = KINDS.find((each) => each.type === type)
    if (kind === undefined) throw new Error(`no sample of ${type}`)
    await pair(fixture.kernel)
    expect(await codes(fixture.kernel, create('link', { name: 'made', kind }))).toEqual([
      'TRI_KERNEL_UNSUPPORTED'
    ])
    expect(await linkNamed(fixture.kernel, 'made')).toBeUndefined()
  })
}

/** Promises about each type of device. */
export const linkTypeTests: readonly KernelTest[] = [
  ...KINDS.map((kind) =>
    ifAny(kind.type, `${kind.type} is made with its attributes`, async ({ kernel }) => {
      await pair(kernel)
      await must(kernel, create('link', { name: 'made', kind }))
      expectAs(await linkThere(kernel, 'made'), { kind })
    })
  ),

  test('a type that this kernel lacks gives TRI_KERNEL_UNSUPPORTED', async ({ kernel }) => {
    const change = create('link', { name: 'made', kind: { type: 'other', kernelType: 'nosuchtype' } })
    expect(await codes(kernel, change)).toEqual(['TRI_KERNEL_UNSUPPORTED'])
    expect(await linkNames(kernel)).toEqual(['lo'])
  }),

  ...STANDING.flatMap((kind) => [
    ifAny(
      kind.type,
      `${kind.type} on a device that does not exist gives TRI_KERNEL_NOT_FOUND`,
      async ({ kernel }) => {
        expect(await codes(kernel, create('link', { name: 'made', kind }))).toEqual(['TRI_KERNEL_NOT_FOUND'])
        expect(await linkNames(kernel)).toEqual(['lo'])
      }
    ),

    ifAny(kind.type, `${kind.type} goes with the device that it stands on`, async ({ kernel }) => {
      await pair(kernel)
      await must(kernel, create('link', { name: 'made', kind }))
      await must(kernel, remove('link', VETH_A))
      expect(await linkNames(kernel)).toEqual(['lo'])
    })
  ]),

  ifAny('vxlan', 'vxlan without attributes has the defaults of Linux', async ({ kernel }) => {
    await must(kernel, create('link', { name: 'made', kind: { type: 'vxlan', vni: 7 } }))
    expectAs(await linkThere(kernel, 'made'), { kind: { type: 'vxlan', vni: 7, port: 8472, learning: true } })
  }),

  ifAny('vxlan', 'vxlan with a VNI and port that another has gives TRI_KERNEL_EXISTS', async ({ kernel }) => {
    const kind: LinkKind = { type: 'vxlan', vni: 7 }
    await must(kernel, create('link', { name: 'made', kind }))
    expect(await codes(kernel, create('link', { name: 'again', kind }))).toEqual(['TRI_KERNEL_EXISTS'])
  }),

  ifAny('vxlan', 'vxlan of the other family may have the VNI and port of one', async ({ kernel }) => {
    for (const { own } of [SAMPLES.v4, SAMPLES.v6]) {
      const kind: LinkKind = { type: 'vxlan', vni: 7, local: own }
      await must(kernel, create('link', { name: `made-${own.family}`, kind }))
    }
    expect(await linkNames(kernel)).toEqual(['lo', 'made-v4', 'made-v6'])
  }),

  ifAny(
    'vxlan',
    'vxlan takes another source, device and way of learning while it stands',
    async ({ kernel }) => {
      await pair(kernel)
      const local = IpAddress.parse('192.0.2.1')
      const before: LinkKind = { type: 'vxlan', vni: 7, parent: 'va', local, learning: false }
      await must(kernel, create('link', { name: 'made', kind: before, mtuBytes: 1400 }))
      const { index } = await linkThere(kernel, 'made')
      const after: LinkKind = { ...before, parent: 'vb', local: IpAddress.parse('192.0.2.9'), learning: true }
      await must(kernel, set('link', { name: 'made', kind: after }))
      expectAs(await linkThere(kernel, 'made'), { kind: after, index, mtuBytes: 1400 })
      const kind: LinkKind = { ...before, local: SAMPLES.v6.own }
      expect(await codes(kernel, set('link', { name: 'made', kind }))).toEqual(['TRI_KERNEL_UNSUPPORTED'])
      expectAs(await linkThere(kernel, 'made'), { kind: after })
    }
  ),

  ifAny('vxlan', 'vxlan leaves room for its headers in the MTU', async ({ kernel }) => {
    await pair(kernel)
    const local = IpAddress.parse('192.0.2.1')
    await must(kernel, create('link', { name: 'made', kind: { type: 'vxlan', vni: 7, parent: 'va', local } }))
    expect((await linkThere(kernel, 'made')).mtuBytes).toBe(1450)
  }),

  ifAny(
    'macvlan',
    'macvlan in another namespace is made there, on a device of this one',
    async ({ kernel, other }) => {
      await pair(kernel)
      const kind: LinkKind = { type: 'macvlan', parent: 'va', mode: 'bridge' }
      await must(kernel, create('link', { name: 'made', kind, namespace: other.path, mac: MAC_A }))
      expect(await linkNamed(kernel, 'made')).toBeUndefined()
      expectAs(await linkThere(other.kernel, 'made'), {
        kind: { type: 'macvlan', mode: 'bridge' },
        mac: MAC_A
      })
    }
  ),

  test('veth makes both ends, the peer with what it asks for', async ({ kernel }) => {
    const link: Link = {
      name: 'va',
      kind: { type: 'veth', peer: { name: 'vb', mtuBytes: 1400, mac: MAC_B } },
      mtuBytes: 1300,
      mac: MAC_A
    }
    await must(kernel, create('link', link))
    expectAs(await linkThere(kernel, 'va'), { kind: { type: 'veth' }, mtuBytes: 1300, mac: MAC_A })
    expectAs(await linkThere(kernel, 'vb'), { kind: { type: 'veth' }, mtuBytes: 1400, mac: MAC_B })
  }),

  test('veth makes the peer in another namespace', async ({ kernel, other }) => {
    const peer = { name: 'eth0', namespace: other.path, mac: MAC_B, mtuBytes: 1400 }
    await must(kernel, create('link', { name: 'va', kind: { type: 'veth', peer } }))
    expect(await linkNames(kernel)).toEqual(['lo', 'va'])
    expectAs(await linkThere(other.kernel, 'eth0'), { kind: { type: 'veth' }, mac: MAC_B, mtuBytes: 1400 })
  }),

  test('veth with a peer whose name is taken gives TRI_KERNEL_EXISTS and makes neither end', async ({
    kernel,
    other
  }) => {
    await must(other.kernel, create('link', { ...BRIDGE, name: 'eth0' }))
    const peer = { name: 'eth0', namespace: other.path }
    const change = create('link', { name: 'va', kind: { type: 'veth', peer } })
    expect(await codes(kernel, change)).toEqual(['TRI_KERNEL_EXISTS'])
    expect(await linkNames(kernel)).toEqual(['lo'])
    expectAs(await linkThere(other.kernel, 'eth0'), { kind: { type: 'bridge' } })
  }),

  test('veth has a carrier when both ends are up', async ({ kernel }) => {
    await must(kernel, create('link', { name: 'va', kind: { type: 'veth', peer: { name: 'vb' } }, up: true }))
    expect((await linkThere(kernel, 'va')).carrier).toBe(false)
    await must(kernel, set('link', { ...VETH_B, up: true }))
    expect((await linkThere(kernel, 'va')).carrier).toBe(true)
    await must(kernel, set('link', { ...VETH_B, up: false }))
    expect((await linkThere(kernel, 'va')).carrier).toBe(false)
  }),

  test('veth goes with its other end, in whatever namespace', async ({ kernel, other }) => {
    const peer = { name: 'eth0', namespace: other.path }
    await must(kernel, create('link', { name: 'va', kind: { type: 'veth', peer } }))
    await must(other.kernel, remove('link', { name: 'eth0', kind: { type: 'veth' } }))
    expect(await linkNames(kernel)).toEqual(['lo'])
  }),

  test('bridge that is removed lets its ports go', async ({ kernel }) => {
    await pair(kernel)
    await must(
      kernel,
      create('link', BRIDGE),
      set('link', { ...VETH_A, master: 'bra' }),
      remove('link', BRIDGE)
    )
    expect((await linkThere(kernel, 'va')).master).toBe(null)
  }),

  test('bridge keeps an MTU and a MAC that were set when ports come', async ({ kernel }) => {
    await pair(kernel)
    // Linux keeps an MTU only when it is set after the creation; one given at the creation follows the ports.
    await must(
      kernel,
      create('link', BRIDGE),
      set('link', { ...BRIDGE, mtuBytes: 1450, mac: MAC_A }),
      set('link', { ...VETH_A, master: 'bra', mtuBytes: 1400 })
    )
    expectAs(await linkThere(kernel, 'bra'), { mtuBytes: 1450, mac: MAC_A })
  })
]
