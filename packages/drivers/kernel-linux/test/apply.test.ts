import type { KernelChange, Route } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LinuxKernel } from '../src/index.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'

let namespace: TestNamespace
let kernel: LinuxKernel

beforeEach(async () => {
  namespace = await testNamespace()
  kernel = await LinuxKernel.open({ namespace: namespace.path })
  await must(kernel.apply([link('create', 'vx0', { type: 'vxlan', vni: 7, port: 8472 })]))
  // Without any address Linux takes every gateway for a broadcast one.
  await namespace.ip('address', 'add', '10.255.0.1/32', 'dev', 'lo')
  await namespace.ip('link', 'set', 'lo', 'up')
})
afterEach(async () => {
  kernel.close()
  await namespace.dispose()
})

type LinkChange = Extract<KernelChange, { readonly kind: 'link' }>

function link(action: LinkChange['action'], name: string, kind: LinkChange['value']['kind']): LinkChange {
  return { action, kind: 'link', value: { name, kind, up: true } }
}

function route(action: KernelChange['action'], value: Route): KernelChange {
  return { action, kind: 'route', value }
}

/** One of many peers: its subnet, its VTEP. */
const subnet = (peer: number): Prefix =>
  Prefix.of(IpAddress.fromBits('v4', 0x0a010000n + BigInt(peer << 8)), 24)

const peerRoute = (peer: number): KernelChange =>
  route('set', {
    destination: subnet(peer),
    gateway: subnet(peer).address,
    device: 'vx0',
    onlink: true,
    protocol: 133
  })

async function must(applied: ReturnType<LinuxKernel['apply']>): Promise<void> {
  expect((await applied).flatMap(({ error }) => error?.message ?? [])).toEqual([])
}

const routeNames = async (...words: string[]): Promise<string[]> =>
  (await namespace.json('route', 'show', ...words)).map(({ dst }) => String(dst))

describe('many changes', () => {
  it('of devices, each of which may take long, are few between two turns of the event loop', async () => {
    let turns = 0
    const turn = (): void => {
      turns++
      next = setImmediate(turn)
    }
    let next = setImmediate(turn)
    await must(
      kernel.apply(
        Array.from({ length: 200 }, (_, round) => ({
          action: 'set',
          kind: 'link',
          value: { name: 'vx0', kind: { type: 'vxlan', vni: 7 }, mtuBytes: 1400 + round }
        }))
      )
    )
    clearImmediate(next)
    expect(turns).toBeGreaterThanOrEqual(4)
  })

  it('of two callers are each done in their own order', async () => {
    const rounds = 900
    const counted = (table: number) =>
      Array.from({ length: rounds }, (_, round) =>
        route('set', {
          destination: Prefix.parse('10.9.0.0/16'),
          gateway: subnet(round).address,
          device: 'vx0',
          onlink: true,
          table
        })
      )
    await Promise.all([must(kernel.apply(counted(1000))), must(kernel.apply(counted(1001)))])
    for (const table of ['1000', '1001']) {
      const [only, ...more] = await namespace.json('route', 'show', 'table', table)
      expect(more).toEqual([])
      expect(only?.gateway).toBe(`${subnet(rounds - 1).address}`)
    }
  })

  it('that are under way when the kernel is closed are each told, done or not', async () => {
    const changes = Array.from({ length: 2000 }, (_, peer) => peerRoute(peer))
    const applied = kernel.apply(changes)
    kernel.close()
    const outcomes = await applied
    expect(outcomes.map(({ change }) => change)).toEqual(changes)
    const done = outcomes.filter(({ error }) => error === undefined).length
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(changes.length)
    expect(outcomes.slice(0, done).every(({ error }) => error === undefined)).toBe(true)
    expect(new Set(outcomes.slice(done).map(({ error }) => error?.code))).toEqual(new Set(['TRI_INTERNAL']))
    expect(await routeNames('proto', '133')).toHaveLength(done)
  })
})

describe('devices that are removed', () => {
  it('are gone for the changes after them, and made again for those after that', async () => {
    const outcomes = await kernel.apply([
      peerRoute(1),
      link('remove', 'vx0', { type: 'vxlan', vni: 7 }),
      peerRoute(2),
      link('create', 'vx0', { type: 'vxlan', vni: 8, port: 8472 }),
      peerRoute(3)
    ])
    expect(outcomes.map(({ error }) => error?.code)).toEqual([
      undefined,
      undefined,
      'TRI_KERNEL_NOT_FOUND',
      undefined,
      undefined
    ])
    expect(await routeNames('proto', '133')).toEqual([`${subnet(3)}`])
  })
})

describe('a route without a metric', () => {
  const plain = { destination: Prefix.parse('10.8.0.0/24') }

  it('that was refused is not taken for one that is there', async () => {
    await namespace.ip('route', 'add', `${plain.destination}`, 'dev', 'vx0', 'metric', '100')
    const outcomes = await kernel.apply([
      // Has the table read.
      route('remove', { destination: subnet(1) }),
      route('create', { ...plain, gateway: IpAddress.parse('192.0.2.1') }),
      route('remove', plain)
    ])
    expect(outcomes.map(({ error }) => error?.code)).toEqual([undefined, 'TRI_KERNEL_REFUSED', undefined])
    expect(await routeNames()).toEqual([`${plain.destination}`])
  })

  it('is removed in any table though a longer prefix or another table decides', async () => {
    const more = { destination: Prefix.parse('10.8.0.0/28'), device: 'vx0' }
    await must(
      kernel.apply([
        route('create', { ...plain, device: 'vx0' }),
        route('create', { ...plain, device: 'vx0', table: 300 }),
        route('create', { ...plain, device: 'vx0', table: 300, metric: 50 }),
        route('create', more),
        route('remove', plain),
        route('remove', { ...plain, table: 300 }),
        route('remove', { ...plain, table: 300 })
      ])
    )
    expect(await routeNames()).toEqual(['10.8.0.0/28'])
    expect(await namespace.json('route', 'show', 'table', '300')).toMatchObject([{ metric: 50 }])
  })
})

describe('a route with several next hops', () => {
  beforeEach(async () => {
    await namespace.ip('address', 'add', '10.0.0.1/24', 'dev', 'vx0')
    await namespace.ip('address', 'add', 'fd00::1/64', 'dev', 'vx0', 'nodad')
  })

  it.each([
    ['-4', '10.9.0.0/16', '10.0.0.'],
    ['-6', 'fd09::/64', 'fd00::']
  ])('is replaced as a whole, by a gateway, a device or nothing (%s)', async (family, text, network) => {
    const destination = Prefix.parse(text)
    const show = async (): Promise<unknown> => {
      const shown: unknown[] = JSON.parse(await namespace.ip(family, '-j', 'route', 'show', text))
      expect(shown).toHaveLength(1)
      return shown[0]
    }
    for (const [wish, expected] of [
      [{ gateway: IpAddress.parse(`${network}9`) }, { gateway: `${network}9` }],
      [{ device: 'vx0' }, { dev: 'vx0' }],
      [{ type: 'blackhole' }, { type: 'blackhole' }]
    ] satisfies [Omit<Route, 'destination'>, object][]) {
      const hops = [2, 3, 4].flatMap((last) => ['nexthop', 'via', `${network}${last}`])
      await namespace.ip(family, 'route', 'replace', text, ...hops)
      await must(kernel.apply([route('set', { destination, ...wish, protocol: 133 })]))
      const shown = await show()
      expect(shown).toMatchObject({ ...expected, protocol: '133' })
      expect(shown).not.toHaveProperty('nexthops')
    }
  })
})
