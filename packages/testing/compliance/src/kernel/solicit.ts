import { expect, vi } from 'vitest'
import { EVENT_WAIT_MS, type KernelFixture } from './fixture.ts'
import { perFamily, SAMPLES } from './samples.ts'
import { create, type EventRecord, type KernelTest, must, neighboursOf, record, set, test } from './steps.ts'

/** Linux asks three times, a second apart. */
const TRIES_MS = 3_000

function patientRecord(fixture: KernelFixture): EventRecord {
  const { kernel, eventWaitMs = EVENT_WAIT_MS } = fixture
  return record({ ...fixture, eventWaitMs: eventWaitMs + TRIES_MS }, kernel)
}

/** `va` here and `vb` in the other namespace; the near addresses are at the other end, the nearer ones nowhere. */
export async function wireBetween({ kernel, other }: KernelFixture): Promise<void> {
  const peer = { name: 'vb', namespace: other.path }
  await must(
    kernel,
    create('link', { name: 'va', kind: { type: 'veth', peer } }),
    // Without a link-local address that is out of detection, which takes up to 2 s, Linux asks in vain.
    set('sysctl', { key: 'net/ipv6/conf/va/accept_dad', value: '0' }),
    set('link', { name: 'va', kind: { type: 'veth' }, up: true })
  )
  await must(other.kernel, set('link', { name: 'vb', kind: { type: 'veth' }, up: true }))
  for (const { own, near, length } of Object.values(SAMPLES)) {
    const rest = { prefixLength: length, skipDad: true }
    await must(kernel, create('address', { device: 'va', address: own, ...rest }))
    await must(other.kernel, create('address', { device: 'vb', address: near, ...rest }))
  }
}

/** Promises about asking for neighbours. */
export const solicitTests: readonly KernelTest[] = [
  test('of nothing succeeds', async ({ kernel }) => {
    await kernel.solicit([])
  }),

  ...perFamily(({ family, near, nearer }) => [
    test(`finds the MAC of a neighbour that answers, and tells (${family})`, async (fixture) => {
      const { kernel, other, eventWaitMs = EVENT_WAIT_MS } = fixture
      await wireBetween(fixture)
      const events = patientRecord(fixture)
      await kernel.solicit([{ device: 'va', address: near }])
      await events.until('reachable', (event) => {
        if (event.kind !== 'neighbour' || event.gone) return false
        return event.value.address.equals(near) && event.value.state === 'reachable'
      })
      events.close()
      const [link] = (await other.kernel.read({ links: ['vb'] })).links
      await vi.waitFor(
        async () => {
          const found = await neighboursOf(kernel, 'va')
          const own = found.find(({ address }) => address.equals(near))
          expect(`${own?.mac}`).toBe(`${link?.mac}`)
        },
        { timeout: eventWaitMs, interval: 5 }
      )
    }),

    test(`says of a neighbour that does not answer that it failed (${family})`, async (fixture) => {
      const { kernel } = fixture
      await wireBetween(fixture)
      const events = patientRecord(fixture)
      await kernel.solicit([{ device: 'va', address: nearer }])
      await events.until('failed', (event) => {
        if (event.kind !== 'neighbour') return false
        return event.value.address.equals(nearer) && event.value.state === 'failed'
      })
      events.close()
    }),

    test(`leaves out what cannot be asked for, and asks for the rest (${family})`, async (fixture) => {
      const { kernel } = fixture
      await wireBetween(fixture)
      const events = patientRecord(fixture)
      await kernel.solicit([
        { device: 'missing', address: near },
        { device: 'va', address: near }
      ])
      await events.until(
        'reachable',
        (event) => event.kind === 'neighbour' && event.value.address.equals(near)
      )
      events.close()
    })
  ])
]
