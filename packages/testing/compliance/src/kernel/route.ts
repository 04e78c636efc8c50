import type { Route } from '@trilane/contracts'
import { expect } from 'vitest'
import { BRIDGE, ownAddress, pair, perFamily, VETH_A, VETH_B, wired } from './samples.ts'
import {
  addressesOf,
  codes,
  create,
  expectAs,
  type KernelTest,
  must,
  plain,
  remove,
  routesTo,
  set,
  test
} from './steps.ts'

/** Promises about routes. */
export const routeTests: readonly KernelTest[] = perFamily((sample) => {
  const { family, own, network, near, nearer, far, destination, everything, second } = sample
  const plainRoute: Route = { destination, gateway: near, protocol: 133 }
  return [
    test(`create makes it, and Linux fills in the rest (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', plainRoute))
      const routes = await routesTo(kernel, destination)
      expect(routes).toHaveLength(1)
      expectAs(routes[0], {
        destination,
        type: 'unicast',
        gateway: near,
        device: 'va',
        metric: family === 'v4' ? 0 : 1024,
        table: 254,
        protocol: 133,
        scope: 'global'
      })
    }),

    test(`create makes it with everything that is asked for (${family})`, async ({ kernel }) => {
      await wired(kernel)
      const route: Route = { ...plainRoute, device: 'va', source: own, metric: 77, table: 1000 }
      await must(kernel, create('route', route))
      const [reading] = await routesTo(kernel, destination, 'all')
      expectAs(reading, route)
    }),

    test(`create makes a default route (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', { destination: everything, gateway: near, protocol: 133 }))
      expectAs((await routesTo(kernel, everything))[0], {
        destination: everything,
        gateway: near,
        device: 'va'
      })
    }),

    test(`create makes one to the link itself, without a gateway (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', { destination, device: 'va', protocol: 133 }))
      const [reading] = await routesTo(kernel, destination)
      expectAs(reading, { device: 'va', protocol: 133, scope: family === 'v4' ? 'link' : 'global' })
      expect(reading?.gateway).toBeUndefined()
    }),

    test(`create of one with the same metric gives TRI_KERNEL_EXISTS (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', plainRoute))
      expect(await codes(kernel, create('route', { ...plainRoute, gateway: nearer }))).toEqual([
        'TRI_KERNEL_EXISTS'
      ])
      expectAs((await routesTo(kernel, destination))[0], plainRoute)
    }),

    test(`create of one with another metric stands beside it (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', plainRoute), create('route', { ...plainRoute, metric: 2000 }))
      expect(await routesTo(kernel, destination)).toHaveLength(2)
    }),

    test(`create by a device that does not exist gives TRI_KERNEL_NOT_FOUND (${family})`, async ({
      kernel
    }) => {
      await wired(kernel)
      const change = create('route', { ...plainRoute, device: 'missing' })
      expect(await codes(kernel, change)).toEqual(['TRI_KERNEL_NOT_FOUND'])
    }),

    test(`create by a device that is down is refused (${family})`, async ({ kernel }) => {
      await must(kernel, create('link', BRIDGE))
      const change = create('route', { destination, device: 'bra' })
      expect(await codes(kernel, change)).toEqual(['TRI_KERNEL_REFUSED'])
    }),

    test(`create by a gateway that is in no network of the node is refused, and stays so with its device (${family})`, async ({
      kernel
    }) => {
      await wired(kernel)
      const changes = [
        create('route', { ...plainRoute, gateway: far }),
        create('route', { ...plainRoute, gateway: far, device: 'va' })
      ]
      expect(await codes(kernel, ...changes)).toEqual(['TRI_KERNEL_REFUSED', 'TRI_KERNEL_REFUSED'])
      expect(await routesTo(kernel, destination)).toEqual([])
    }),

    test(`create with onlink takes the gateway to be on the device (${family})`, async ({ kernel }) => {
      await wired(kernel)
      const route: Route = { ...plainRoute, gateway: far, device: 'va', onlink: true }
      await must(kernel, create('route', route))
      expectAs((await routesTo(kernel, destination))[0], route)
    }),

    test(`create with a source that is not this node's is refused (${family})`, async ({ kernel }) => {
      await wired(kernel)
      expect(await codes(kernel, create('route', { ...plainRoute, source: far }))).toEqual([
        'TRI_KERNEL_REFUSED'
      ])
    }),

    ...(['blackhole', 'unreachable', 'prohibit'] as const).map((type) =>
      test(`create makes, and remove removes, a ${type} route (${family})`, async ({ kernel }) => {
        const route: Route = { destination, type, protocol: 133 }
        await must(kernel, create('route', route))
        expectAs((await routesTo(kernel, destination))[0], route)
        await must(kernel, remove('route', route))
        expect(await routesTo(kernel, destination)).toEqual([])
      })
    ),

    test(`set makes it when it is not there (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, set('route', plainRoute))
      expect(await routesTo(kernel, destination)).toHaveLength(1)
    }),

    test(`set replaces gateway, protocol and source in place (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('address', { ...ownAddress(sample), address: second }))
      await must(kernel, create('route', { ...plainRoute, source: own }))
      const next: Route = { destination, gateway: nearer, protocol: 4, source: second }
      await must(kernel, set('route', next))
      const routes = await routesTo(kernel, destination)
      expect(routes).toHaveLength(1)
      expectAs(routes[0], next)
    }),

    test(`set replaces a route by a blackhole, and back (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', plainRoute))
      for (const next of [{ destination, type: 'blackhole', protocol: 133 } as const, plainRoute]) {
        await must(kernel, set('route', next))
        const routes = await routesTo(kernel, destination)
        expect(routes).toHaveLength(1)
        expectAs(routes[0], next)
      }
    }),

    test(`set replaces the device (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', { destination, device: 'va' }))
      await must(kernel, set('route', { destination, device: 'vb' }))
      expect((await routesTo(kernel, destination)).map(({ device }) => device)).toEqual(['vb'])
    }),

    test(`set leaves a route of another metric alone (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', { ...plainRoute, metric: 5 }))
      await must(kernel, set('route', { ...plainRoute, gateway: nearer, metric: 6 }))
      const metrics = (await routesTo(kernel, destination)).map(({ metric }) => metric)
      expect([...metrics].sort()).toEqual([5, 6])
    }),

    test(`set to what it is already leaves one (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, set('route', plainRoute), set('route', plainRoute))
      expect(await routesTo(kernel, destination)).toHaveLength(1)
    }),

    test(`remove removes it and no other (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(
        kernel,
        create('route', plainRoute),
        create('route', { ...plainRoute, destination: everything }),
        remove('route', plainRoute)
      )
      expect(await routesTo(kernel, destination)).toEqual([])
      expect(await routesTo(kernel, everything)).toHaveLength(1)
      expect(await routesTo(kernel, network)).toHaveLength(1)
    }),

    test(`remove with destination alone removes it, whatever else it has (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', plainRoute), remove('route', { destination }))
      expect(await routesTo(kernel, destination)).toEqual([])
    }),

    test(`remove of what is not there succeeds (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, remove('route', plainRoute), remove('route', { ...plainRoute, device: 'missing' }))
    }),

    ...Object.entries<Partial<Route>>({
      gateway: { gateway: nearer },
      protocol: { protocol: 3 },
      device: { device: 'vb' },
      metric: { metric: 2000 },
      table: { table: 1000 }
    }).map(([what, other]) =>
      test(`remove spares a route of another ${what} (${family})`, async ({ kernel }) => {
        await wired(kernel)
        await must(kernel, create('route', plainRoute))
        const before = plain(await routesTo(kernel, destination, 'all'))
        await must(kernel, remove('route', { ...plainRoute, ...other }))
        expect(plain(await routesTo(kernel, destination, 'all'))).toEqual(before)
      })
    ),

    test(`remove without a metric spares one whose metric was chosen (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', { ...plainRoute, metric: 77 }), remove('route', plainRoute))
      expect((await routesTo(kernel, destination)).map(({ metric }) => metric)).toEqual([77])
    }),

    test(`they go when their device goes down, which keeps IPv4 addresses only (${family})`, async ({
      kernel
    }) => {
      await wired(kernel)
      await must(kernel, create('route', plainRoute), set('link', { ...VETH_A, up: false }))
      expect(await routesTo(kernel, destination)).toEqual([])
      expect(await routesTo(kernel, network)).toEqual([])
      await must(kernel, set('link', { ...VETH_A, up: true }))
      expect(await routesTo(kernel, destination)).toEqual([])
      expect(await routesTo(kernel, network)).toHaveLength(family === 'v4' ? 1 : 0)
      expect(await addressesOf(kernel, 'va')).toEqual(['192.0.2.1/24'])
    }),

    test(`they stay when their device loses its carrier (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', plainRoute), set('link', { ...VETH_B, up: false }))
      expect(await routesTo(kernel, destination)).toHaveLength(1)
    }),

    test(`they and the addresses go with their device (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', plainRoute), remove('link', VETH_A))
      const { addresses, routes } = await kernel.read({ addresses: true, routes: 'all' })
      expect(addresses).toEqual([])
      expect(routes).toEqual([])
    }),

    test(`they come back with a device that is made again, by its name (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', plainRoute), remove('link', VETH_A))
      await pair(kernel)
      await must(kernel, create('address', ownAddress(sample)), create('route', plainRoute))
      expectAs((await routesTo(kernel, destination))[0], { device: 'va' })
    })
  ]
})
