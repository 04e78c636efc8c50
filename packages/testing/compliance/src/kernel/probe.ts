import type { IpAddress } from '@trilane/ip'
import { expect, vi } from 'vitest'
import { EVENT_WAIT_MS, type KernelFixture } from './fixture.ts'
import { ifAny } from './link-types.ts'
import { BRIDGE, MAC_A, ownAddress, pair, perFamily, SAMPLES, VETH_A, VETH_B } from './samples.ts'
import { wireBetween } from './solicit.ts'
import { codeOf, create, type KernelTest, linkThere, must, neighboursOf, plain, set, test } from './steps.ts'

/** An answer comes much sooner: so long is waited only for those that do not come. */
const PATIENCE_MS = 2_000
/** For what nobody answers. */
const SHORT_MS = 50

const MACVLAN = { type: 'macvlan', parent: 'va', mode: 'bridge' } as const

const on = (device: string, address: IpAddress) => ({ device, address })

/**
 * {@link wireBetween}, when both ends answer: Linux loses what it is sent before a device is operational, and joins the group
 * by which an IPv6 address is asked for a moment after it has given the address.
 */
async function answering(fixture: KernelFixture): Promise<void> {
  await wireBetween(fixture)
  await operational(fixture, 'va')
  for (const { near } of Object.values(SAMPLES)) await answered(fixture, 'va', near)
}

async function operational(
  { kernel, eventWaitMs = EVENT_WAIT_MS }: KernelFixture,
  device: string
): Promise<void> {
  await vi.waitFor(
    async () => expect((await kernel.read({ links: [device] })).links[0]?.operational).toBe(true),
    { timeout: eventWaitMs, interval: 5 }
  )
}

async function answered(
  { kernel, eventWaitMs = EVENT_WAIT_MS }: KernelFixture,
  device: string,
  address: IpAddress
): Promise<void> {
  await vi.waitFor(async () => expect(await kernel.probe([on(device, address)], SHORT_MS)).toHaveLength(1), {
    timeout: eventWaitMs,
    interval: 5
  })
}

/** Promises about asking whether somebody has an address. */
export const probeTests: readonly KernelTest[] = [
  test('of nothing gives nothing', async ({ kernel }) => {
    expect(await kernel.probe([], PATIENCE_MS)).toEqual([])
  }),

  ...perFamily((sample) => {
    const { family, near, nearer } = sample
    return [
      test(`finds who has an address, without an address of its own (${family})`, async (fixture) => {
        const { kernel, other } = fixture
        await answering(fixture)
        const { mac } = await linkThere(other.kernel, 'vb')
        expect(plain(await kernel.probe([on('va', near)], PATIENCE_MS))).toEqual([
          plain({ ...on('va', near), mac })
        ])
      }),

      test(`gives nobody for an address that nobody has (${family})`, async (fixture) => {
        await answering(fixture)
        expect(await fixture.kernel.probe([on('va', nearer)], SHORT_MS)).toEqual([])
      }),

      test(`leaves the tables of both ends as they are (${family})`, async (fixture) => {
        const { kernel, other } = fixture
        await answering(fixture)
        await kernel.probe([on('va', near), on('va', nearer)], SHORT_MS)
        for (const [each, device] of [
          [kernel, 'va'],
          [other.kernel, 'vb']
        ] as const) {
          const macs = (await neighboursOf(each, device)).filter(({ mac }) => mac !== undefined)
          expect(macs.filter(({ address }) => address.family === family && !address.isLinkLocal)).toEqual([])
        }
      }),

      test(`asks beyond a bridge (${family})`, async (fixture) => {
        const { kernel } = fixture
        await answering(fixture)
        await must(kernel, create('link', { ...BRIDGE, up: true }), set('link', { ...VETH_A, master: 'bra' }))
        await operational(fixture, 'va')
        const holders = await kernel.probe([on('bra', near)], PATIENCE_MS)
        expect(holders.map(({ address }) => `${address}`)).toEqual([`${near}`])
      }),

      ifAny(
        'macvlan',
        `asks for a child, and not the children of the device (${family})`,
        async (fixture) => {
          const { kernel, other } = fixture
          await answering(fixture)
          await must(
            kernel,
            create('link', { name: 'made', kind: MACVLAN, up: true }),
            create('link', { name: 'pod', kind: MACVLAN, namespace: other.path, mac: MAC_A })
          )
          const address = { ...ownAddress({ ...sample, own: nearer }, 'pod'), skipDad: true }
          await must(
            other.kernel,
            create('address', address),
            set('link', { name: 'pod', kind: MACVLAN, up: true }),
            // IPv4 addresses are answered for by every device of a namespace: only that one may, here.
            set('sysctl', { key: 'net/ipv4/conf/vb/arp_ignore', value: '1' })
          )
          expect(await kernel.probe([on('va', nearer)], SHORT_MS)).toEqual([])
          const holders = await kernel.probe([on('made', near), on('made', nearer)], PATIENCE_MS)
          expect(holders.map(({ address }) => `${address}`).sort()).toEqual([`${near}`, `${nearer}`].sort())
          expect(holders.find(({ address }) => address.equals(nearer))?.mac.equals(MAC_A)).toBe(true)
        }
      ),

      test(`on a device that does not exist gives TRI_KERNEL_NOT_FOUND (${family})`, async (fixture) => {
        await answering(fixture)
        const ask = [on('va', near), on('missing', near)]
        expect(await codeOf(() => fixture.kernel.probe(ask, SHORT_MS))).toBe('TRI_KERNEL_NOT_FOUND')
      }),

      test(`on a device that is down gives TRI_KERNEL_REFUSED (${family})`, async ({ kernel }) => {
        await pair(kernel)
        await must(kernel, set('link', { ...VETH_B, up: false }), set('link', { ...VETH_A, up: false }))
        expect(await codeOf(() => kernel.probe([on('va', near)], SHORT_MS))).toBe('TRI_KERNEL_REFUSED')
      })
    ]
  }),

  test('of both families at once, an address twice, gives each that answered once', async (fixture) => {
    const { kernel } = fixture
    await answering(fixture)
    const asked = Object.values(SAMPLES).flatMap(({ near, nearer }) => [near, nearer, near])
    const holders = await kernel.probe(
      asked.map((address) => on('va', address)),
      SHORT_MS * 4
    )
    const expected = Object.values(SAMPLES).map(({ near }) => `${near}`)
    expect(holders.map(({ address }) => `${address}`).sort()).toEqual(expected.sort())
  })
]
