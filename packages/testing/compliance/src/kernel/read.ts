import type { KernelSnapshot, ReadScope } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { expect, vi } from 'vitest'
import { MAC_A, MAC_B, perFamily, SAMPLE, VETH_A, wired } from './samples.ts'
import { create, expectAs, type KernelTest, linkThere, must, set, test } from './steps.ts'

const SCOPES: Readonly<Record<keyof KernelSnapshot, ReadScope>> = {
  links: { links: true },
  addresses: { addresses: true },
  routes: { routes: 'main' },
  neighbours: { neighboursOf: ['va'] },
  fdb: { fdbOf: ['vx'] },
  sysctls: { sysctls: ['net/ipv4/ip_forward'] }
}

/** Promises about what is read. */
export const readTests: readonly KernelTest[] = [
  ...Object.entries(SCOPES).map(([what, scope]) =>
    test(`of ${what} gives ${what} and nothing else`, async ({ kernel, linkTypes }) => {
      await wired(kernel)
      await must(kernel, create('neighbour', { device: 'va', address: SAMPLE.near, mac: MAC_A }))
      const hasFdb = linkTypes.has('vxlan')
      if (hasFdb) {
        const kind = { type: 'vxlan', vni: 7 } as const
        await must(
          kernel,
          create('link', { name: 'vx', kind, up: true }),
          create('fdb', { device: 'vx', mac: MAC_A, destination: SAMPLE.near })
        )
      }
      const filled = Object.entries(await kernel.read(scope)).flatMap(([name, objects]) =>
        objects.length > 0 ? [name] : []
      )
      expect(filled).toEqual(what === 'fdb' && !hasFdb ? [] : [what])
    })
  ),

  test('of nothing gives nothing', async ({ kernel }) => {
    await wired(kernel)
    const snapshot = await kernel.read({})
    expect(snapshot).toEqual({ links: [], addresses: [], routes: [], neighbours: [], fdb: [], sysctls: [] })
  }),

  test('of routes gives none in a namespace that has none', async ({ kernel }) => {
    // Linux makes a table with its first route, and says ENOENT of one that was never made.
    for (const routes of ['main', 'all', { protocol: 133 }] as const) {
      expect((await kernel.read({ routes })).routes).toEqual([])
    }
  }),

  test('of links has lo, which is the loopback device', async ({ kernel }) => {
    expectAs(await linkThere(kernel, 'lo'), {
      index: 1,
      kind: { type: 'other', kernelType: '' },
      loopback: true,
      up: false,
      carrier: false,
      mtuBytes: 65_536
    })
  }),

  test('of links gives each an index of its own', async ({ kernel }) => {
    await wired(kernel)
    const indexes = (await kernel.read({ links: true })).links.map(({ index }) => index)
    expect(new Set(indexes).size).toBe(3)
  }),

  test('of links by name gives those, as among all, and none of one that does not exist', async ({
    kernel
  }) => {
    await wired(kernel)
    const { links } = await kernel.read({ links: ['vb', 'missing', 'lo'] })
    expect(links.map(({ name }) => name)).toEqual(['vb', 'lo'])
    expectAs(links[0], await linkThere(kernel, 'vb'))
  }),

  test('of links by name gives nothing but links', async ({ kernel }) => {
    await wired(kernel)
    const { links, ...others } = await kernel.read({ links: ['va'] })
    expect(links).toHaveLength(1)
    expect(Object.values(others).flat()).toEqual([])
  }),

  test('of links by name beside other things gives both', async ({ kernel }) => {
    await wired(kernel)
    const { links, addresses } = await kernel.read({ links: ['va'], addresses: true })
    expect(links.map(({ name }) => name)).toEqual(['va'])
    expect(addresses.some(({ device }) => device === 'va')).toBe(true)
  }),

  test('of links shows a wired port of a bridge operational in the end, one that is down never', async ({
    kernel
  }) => {
    const bridge = { name: 'bra', kind: { type: 'bridge' }, up: true } as const
    await wired(kernel)
    await must(kernel, create('link', bridge), set('link', { ...VETH_A, master: 'bra' }))
    await vi.waitFor(async () => {
      expect((await kernel.read({ links: ['va'] })).links[0]?.operational).toBe(true)
    })
    await must(kernel, set('link', { ...VETH_A, up: false }))
    expect((await kernel.read({ links: ['va'] })).links[0]?.operational).toBe(false)
  }),

  ...perFamily(({ family, near, destination }) => [
    test(`of the main table leaves out other tables; 'all' has them (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(kernel, create('route', { destination, gateway: near, table: 1000 }))
      const tables = async (routes: 'main' | 'all') =>
        (await kernel.read({ routes })).routes
          .filter((route) => route.destination.family === family)
          .map(({ table }) => table)
      expect(new Set(await tables('main'))).toEqual(new Set([254]))
      expect(await tables('all')).toEqual(expect.arrayContaining([254, 255, 1000]))
    }),

    test(`of one protocol gives the routes of that protocol (${family})`, async ({ kernel }) => {
      await wired(kernel)
      await must(
        kernel,
        create('route', { destination, gateway: near, protocol: 133 }),
        create('route', { destination, gateway: near, protocol: 4, metric: 2000 })
      )
      const { routes } = await kernel.read({ routes: { protocol: 133 } })
      expect(routes).toHaveLength(1)
      expectAs(routes[0], { destination, protocol: 133 })
    })
  ]),

  test('of neighbours gives those of the devices named, and none of a device that does not exist', async ({
    kernel
  }) => {
    await wired(kernel)
    await must(
      kernel,
      create('neighbour', { device: 'va', address: SAMPLE.near, mac: MAC_A }),
      create('neighbour', { device: 'vb', address: SAMPLE.near, mac: MAC_B })
    )
    const devices = async (...neighboursOf: string[]) => {
      const { neighbours } = await kernel.read({ neighboursOf })
      return new Set(neighbours.map(({ device }) => device))
    }
    expect(await devices('va', 'missing')).toEqual(new Set(['va']))
    expect(await devices('va', 'vb')).toEqual(new Set(['va', 'vb']))
    expect(await devices('missing')).toEqual(new Set())
  }),

  test('of forwarding entries of a device that does not exist, or has none, gives none', async ({
    kernel
  }) => {
    await wired(kernel)
    expect((await kernel.read({ fdbOf: ['missing', 'va'] })).fdb).toEqual([])
  }),

  test('of parameters leaves out those that do not exist', async ({ kernel }) => {
    const { sysctls } = await kernel.read({
      sysctls: ['net/ipv4/no_such_parameter', 'net/ipv4/ip_forward', 'net/ipv4/conf/missing/forwarding']
    })
    expect(sysctls.map(({ key }) => key)).toEqual(['net/ipv4/ip_forward'])
  }),

  test('of two thousand routes has every one once', async ({ kernel }) => {
    await wired(kernel)
    const destinations = Array.from({ length: 2_000 }, (_, number) =>
      Prefix.of(IpAddress.fromBits('v4', 0x0a000000n + BigInt(number * 256)), 24)
    )
    await must(
      kernel,
      ...destinations.map((destination) =>
        create('route', { destination, gateway: SAMPLE.near, protocol: 133 })
      )
    )
    const { routes } = await kernel.read({ routes: { protocol: 133 } })
    expect(routes.map(({ destination }) => String(destination)).sort()).toEqual(
      destinations.map(String).sort()
    )
  }),

  test('at the same time as others gives each its own answer', async ({ kernel }) => {
    await wired(kernel)
    const [links, addresses, routes] = await Promise.all([
      kernel.read({ links: true }),
      kernel.read({ addresses: true }),
      kernel.read({ routes: 'main' })
    ])
    expect(links.links).toHaveLength(3)
    expect(addresses.addresses.length).toBeGreaterThanOrEqual(2)
    expect(routes.routes.length).toBeGreaterThanOrEqual(2)
    expect([links.addresses, links.routes, addresses.links, routes.links]).toEqual([[], [], [], []])
  })
]
