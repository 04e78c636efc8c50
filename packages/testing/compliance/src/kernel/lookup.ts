import { expect, vi } from 'vitest'
import { EVENT_WAIT_MS } from './fixture.ts'
import { LO, perFamily, wired } from './samples.ts'
import { create, expectAs, type KernelTest, must, set, test } from './steps.ts'

/** Promises about where a packet goes. */
export const routeToTests: readonly KernelTest[] = perFamily(
  ({ family, own, near, nearer, far, destination, inDestination, narrower, everything }) => [
    test(`an address on the link goes by its device, without a gateway (${family})`, async ({ kernel }) => {
      await wired(kernel)
      const way = await kernel.routeTo(near)
      expectAs(way, { family, device: 'va', source: own, table: 254, type: 'unicast' })
      expect(way?.gateway).toBeUndefined()
    }),

    test(`an address behind a gateway goes by it (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', { destination, gateway: near }))
      expectAs(await kernel.routeTo(inDestination), {
        device: 'va',
        gateway: near,
        source: own,
        type: 'unicast'
      })
    }),

    test(`the most specific route decides (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(
        kernel,
        create('route', { destination, gateway: near }),
        create('route', { destination: narrower, gateway: nearer }),
        create('route', { destination: everything, gateway: near })
      )
      expectAs(await kernel.routeTo(inDestination), { gateway: nearer })
      expectAs(await kernel.routeTo(far), { gateway: near })
    }),

    test(`of equal routes the lower metric decides (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(
        kernel,
        create('route', { destination, gateway: near, metric: 20 }),
        create('route', { destination, gateway: nearer, metric: 10 })
      )
      expectAs(await kernel.routeTo(inDestination), { gateway: nearer })
    }),

    test(`the node's own address is local (${family})`, async ({ kernel, eventWaitMs = EVENT_WAIT_MS }) => {
      await wired(kernel)
      await must(kernel, set('link', { ...LO, up: true }))
      // Linux makes the local route of an IPv6 address on a work queue, a moment after the address.
      await vi.waitFor(async () => expectAs(await kernel.routeTo(own), { device: 'lo', type: 'local' }), {
        timeout: eventWaitMs,
        interval: 5
      })
    }),

    test(`what no route covers is unreachable (${family})`, async ({ kernel }) => {
      await wired(kernel)
      expect(await kernel.routeTo(inDestination)).toBeUndefined()
    }),

    ...(['blackhole', 'unreachable', 'prohibit'] as const).map((type) =>
      test(`what a ${type} route covers is unreachable (${family})`, async ({ kernel }) => {
        await wired(kernel)
        await must(
          kernel,
          create('route', { destination: everything, gateway: near }),
          create('route', { destination, type })
        )
        expect(await kernel.routeTo(inDestination)).toBeUndefined()
      })
    )
  ]
)
