import type { IpvlanKind, KernelChange, Link, LinkKind } from '@trilane/contracts'
import { expect } from 'vitest'
import { ifAny } from './link-types.ts'
import { BRIDGE, MAC_A, ownAddress, pair, perFamily, VETH_A } from './samples.ts'
import { codes, create, expectAs, type KernelTest, linkNamed, linkThere, must, remove, set } from './steps.ts'

const MACVLAN = { type: 'macvlan', parent: 'va', mode: 'bridge' } as const satisfies LinkKind
const IPVLAN = { type: 'ipvlan', parent: 'va', mode: 'l2', flag: 'bridge' } as const satisfies IpvlanKind
const VLAN = { type: 'vlan', parent: 'va', vlanId: 100 } as const satisfies LinkKind
const PASSTHRU = { ...MACVLAN, mode: 'passthru' } as const

const make = (name: string, kind: LinkKind, more: Partial<Link> = {}): KernelChange =>
  create('link', { name, kind, ...more })

/** Promises about what stands on another device. */
export const childLinkTests: readonly KernelTest[] = [
  ...[MACVLAN, IPVLAN, VLAN].flatMap((kind) => {
    const { type } = kind
    const { parent: _, ...withoutParent } = kind
    return [
      ifAny(
        type,
        `${type} is made in another namespace under its final name, with MTU and alias; there its parent has no name`,
        async ({ kernel, other }) => {
          await pair(kernel)
          const alias = 'trilane:blue:c0ffee:eth0'
          await must(kernel, make('eth0', kind, { namespace: other.path, mtuBytes: 1400, alias }))
          expect(await linkNamed(kernel, 'eth0')).toBeUndefined()
          expectAs(await linkThere(other.kernel, 'eth0'), {
            kind: { ...withoutParent, parent: '' },
            mtuBytes: 1400,
            alias
          })
        }
      ),

      ifAny(
        type,
        `${type} is made in another namespace under a name that a device here has, but not under one that is taken there`,
        async ({ kernel, other }) => {
          await pair(kernel)
          const alias = 'trilane:blue:c0ffee:va'
          const child = make('va', kind, { namespace: other.path, alias, up: true })
          await must(kernel, child)
          expectAs(await linkThere(other.kernel, 'va'), {
            kind: { ...withoutParent, parent: '' },
            alias,
            up: true
          })
          expectAs(await linkThere(kernel, 'va'), { kind: { type: 'veth' } })
          expect(await codes(kernel, child)).toEqual(['TRI_KERNEL_EXISTS'])
          const { links } = await other.kernel.read({ links: true })
          expect(links.map(({ name }) => name).filter((name) => name !== 'lo')).toEqual(['va'])
        }
      ),

      ifAny(type, `${type} has no longer MTU than its parent gets`, async ({ kernel, other }) => {
        await pair(kernel)
        await must(kernel, make('made', kind, { namespace: other.path }))
        await must(kernel, set('link', { ...VETH_A, mtuBytes: 1400 }))
        expect((await linkThere(other.kernel, 'made')).mtuBytes).toBe(1400)
      }),

      ifAny(
        type,
        `${type} goes with its parent, also out of another namespace`,
        async ({ kernel, other }) => {
          await pair(kernel)
          await must(kernel, make('made', kind, { namespace: other.path }))
          await must(kernel, remove('link', VETH_A))
          expect(await linkNamed(other.kernel, 'made')).toBeUndefined()
        }
      )
    ]
  }),

  ...[MACVLAN, VLAN].map((kind) =>
    ifAny(
      kind.type,
      `${kind.type} with an MTU above that of its parent is refused and not made`,
      async ({ kernel, other }) => {
        await pair(kernel)
        const more = { namespace: other.path, mtuBytes: 1501 }
        expect(await codes(kernel, make('made', kind, more))).toEqual(['TRI_KERNEL_REFUSED'])
        expect(await linkNamed(other.kernel, 'made')).toBeUndefined()
      }
    )
  ),

  ifAny(
    'ipvlan',
    'ipvlan takes an MTU above that of its parent, until the parent gets another one',
    async ({ kernel, other }) => {
      await pair(kernel)
      await must(kernel, make('made', IPVLAN, { namespace: other.path, mtuBytes: 1501 }))
      expect((await linkThere(other.kernel, 'made')).mtuBytes).toBe(1501)
      for (const mtuBytes of [1400, 1450]) {
        await must(kernel, set('link', { ...VETH_A, mtuBytes }))
        expect((await linkThere(other.kernel, 'made')).mtuBytes).toBe(mtuBytes)
      }
    }
  ),

  ifAny('macvlan', 'macvlan changes its mode while it stands', async ({ kernel }) => {
    await pair(kernel)
    await must(kernel, make('made', MACVLAN, { mac: MAC_A }))
    const { index } = await linkThere(kernel, 'made')
    for (const mode of ['private', 'vepa', 'bridge'] as const) {
      const kind = { ...MACVLAN, mode }
      await must(kernel, set('link', { name: 'made', kind }))
      expectAs(await linkThere(kernel, 'made'), { kind, index, mac: MAC_A })
    }
  }),

  ifAny('macvlan', 'macvlan neither becomes passthru nor ceases to be', async ({ kernel }) => {
    await pair(kernel)
    await must(kernel, make('made', MACVLAN))
    const become = set('link', { name: 'made', kind: PASSTHRU })
    expect(await codes(kernel, become)).toEqual(['TRI_KERNEL_REFUSED'])
    expectAs(await linkThere(kernel, 'made'), { kind: MACVLAN })
    await must(kernel, remove('link', { name: 'made', kind: MACVLAN }), make('made', PASSTHRU))
    const cease = set('link', { name: 'made', kind: MACVLAN })
    expect(await codes(kernel, cease)).toEqual(['TRI_KERNEL_REFUSED'])
    expectAs(await linkThere(kernel, 'made'), { kind: PASSTHRU })
  }),

  ifAny('macvlan', 'macvlan in passthru stands alone, with the MAC of its parent', async ({ kernel }) => {
    await pair(kernel)
    await must(kernel, make('made', MACVLAN))
    expect(await codes(kernel, make('second', PASSTHRU))).toEqual(['TRI_KERNEL_REFUSED'])
    await must(kernel, remove('link', { name: 'made', kind: MACVLAN }), make('made', PASSTHRU))
    expect(await codes(kernel, make('second', MACVLAN))).toEqual(['TRI_KERNEL_REFUSED'])
    expect(`${(await linkThere(kernel, 'made')).mac}`).toBe(`${(await linkThere(kernel, 'va')).mac}`)
    expect(await linkNamed(kernel, 'second')).toBeUndefined()
  }),

  ifAny('macvlan', 'macvlan and a bridge cannot have the same device', async ({ kernel }) => {
    await pair(kernel)
    await must(kernel, create('link', BRIDGE), make('made', MACVLAN))
    expect(await codes(kernel, set('link', { ...VETH_A, master: 'bra' }))).toEqual(['TRI_KERNEL_REFUSED'])
    await must(kernel, remove('link', { name: 'made', kind: MACVLAN }))
    await must(kernel, set('link', { ...VETH_A, master: 'bra' }))
    expect(await codes(kernel, make('made', MACVLAN))).toEqual(['TRI_KERNEL_REFUSED'])
  }),

  ifAny('ipvlan', 'ipvlan and macvlan cannot have the same device', async (fixture) => {
    const { kernel, other } = fixture
    if (!fixture.linkTypes.has('macvlan')) return
    await pair(kernel)
    // The holder may well be where it cannot be seen.
    await must(kernel, make('made', MACVLAN, { namespace: other.path }))
    expect(await codes(kernel, make('second', IPVLAN))).toEqual(['TRI_KERNEL_REFUSED'])
    await must(other.kernel, remove('link', { name: 'made', kind: MACVLAN }))
    await must(kernel, make('made', IPVLAN, { namespace: other.path }))
    expect(await codes(kernel, make('second', MACVLAN))).toEqual(['TRI_KERNEL_REFUSED'])
  }),

  ifAny('ipvlan', 'ipvlan has the MAC of its parent, also a new one', async ({ kernel, other }) => {
    await pair(kernel)
    await must(kernel, make('made', IPVLAN, { namespace: other.path }))
    await must(kernel, set('link', { ...VETH_A, mac: MAC_A }))
    expect(`${(await linkThere(other.kernel, 'made')).mac}`).toBe(`${MAC_A}`)
  }),

  ifAny(
    'ipvlan',
    'ipvlan gives its mode and flag to all others of its parent, and takes them by set',
    async ({ kernel, other }) => {
      await pair(kernel)
      await must(kernel, make('made', IPVLAN), make('pod', IPVLAN, { namespace: other.path }))
      const { index } = await linkThere(kernel, 'made')
      const otherwise = { ...IPVLAN, mode: 'l3s', flag: 'private' } as const
      await must(kernel, make('second', otherwise))
      expectAs(await linkThere(kernel, 'made'), { kind: otherwise })
      expectAs(await linkThere(other.kernel, 'pod'), { kind: { mode: 'l3s', flag: 'private' } })
      await must(kernel, remove('link', { name: 'second', kind: otherwise }))
      expectAs(await linkThere(kernel, 'made'), { kind: otherwise })
      await must(kernel, set('link', { name: 'made', kind: IPVLAN }))
      expectAs(await linkThere(kernel, 'made'), { kind: IPVLAN, index })
      expectAs(await linkThere(other.kernel, 'pod'), { kind: { mode: 'l2', flag: 'bridge' } })
    }
  ),

  ...perFamily((sample) => [
    ifAny(
      'ipvlan',
      `ipvlan gets no address that another of its parent has (${sample.family})`,
      async ({ kernel, other }) => {
        await pair(kernel)
        await must(kernel, make('made', IPVLAN), make('pod', IPVLAN, { namespace: other.path }))
        const address = { ...ownAddress(sample, 'made'), skipDad: true }
        await must(other.kernel, create('address', { ...address, device: 'pod' }))
        expect(await codes(kernel, create('address', address))).toEqual(['TRI_KERNEL_REFUSED'])
      }
    )
  ]),

  ifAny('vlan', 'vlan with a tag that its parent has gives TRI_KERNEL_EXISTS', async ({ kernel }) => {
    await pair(kernel)
    await must(kernel, make('made', VLAN))
    expect(await codes(kernel, make('second', VLAN))).toEqual(['TRI_KERNEL_EXISTS'])
    await must(kernel, make('second', { ...VLAN, vlanId: 101 }))
  }),

  ifAny('vlan', 'vlan goes down and comes up with its parent', async ({ kernel }) => {
    await pair(kernel)
    await must(kernel, make('made', VLAN, { up: true }))
    await must(kernel, set('link', { ...VETH_A, up: false }))
    expect((await linkThere(kernel, 'made')).up).toBe(false)
    await must(kernel, set('link', { ...VETH_A, up: true }))
    expect((await linkThere(kernel, 'made')).up).toBe(true)
  })
]
