import type { KernelChange } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { type MemoryKernel, memoryNode } from '@trilane/kernel-memory'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const NAMES = ['va', 'vb', 'bra', 'vx', 'mv']
const ADDRESSES = ['192.0.2.1', '192.0.2.2', '198.51.100.1', 'fd00:a::1', 'fd00:a::2'].map((text) =>
  IpAddress.parse(text)
)
const DESTINATIONS = ['10.5.0.0/16', '10.5.2.0/24', 'fd00:5::/48'].map((text) => Prefix.parse(text))
const MACS = ['02:00:00:00:00:0a', '02:00:00:00:00:0b'].map((text) => Mac.parse(text))

const name = fc.constantFrom(...NAMES)
const address = fc.constantFrom(...ADDRESSES)
const action = fc.constantFrom('create', 'set', 'remove' as const)

const link = fc.record({
  name,
  kind: fc.oneof(
    fc.constant({ type: 'bridge' } as const),
    name.map((peer) => ({ type: 'veth', peer: { name: peer } }) as const),
    name.map((parent) => ({ type: 'macvlan', parent }) as const),
    name.map((parent) => ({ type: 'vxlan', vni: 7, parent }) as const)
  ),
  up: fc.boolean()
})

const master = fc.record({ name, kind: fc.constant({ type: 'veth' } as const), master: fc.option(name) })

const change: fc.Arbitrary<KernelChange> = fc.oneof(
  fc.record({ kind: fc.constant('link' as const), action, value: link }),
  fc.record({ kind: fc.constant('link' as const), action: fc.constant('set' as const), value: master }),
  fc.record({
    kind: fc.constant('address' as const),
    action,
    value: fc.record({ device: name, address, prefixLength: fc.constantFrom(24, 32, 64) })
  }),
  fc.record({
    kind: fc.constant('route' as const),
    action,
    value: fc
      .record({ destination: fc.constantFrom(...DESTINATIONS), gateway: address })
      .filter(({ destination, gateway }) => destination.family === gateway.family)
  }),
  fc.record({
    kind: fc.constant('neighbour' as const),
    action,
    value: fc.record({ device: name, address, mac: fc.constantFrom(...MACS) })
  }),
  fc.record({
    kind: fc.constant('fdb' as const),
    action,
    value: fc.record({ device: name, mac: fc.constantFrom(...MACS), destination: address })
  })
)

const everything = { links: true, addresses: true, routes: 'all', neighboursOf: NAMES, fdbOf: NAMES } as const

async function stateOf(kernel: MemoryKernel): Promise<string> {
  return JSON.stringify(await kernel.read(everything))
}

describe('whatever is written', () => {
  it('nothing points to a device that is not there, and a refused change leaves no trace', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
        const kernel = memoryNode()
        for (const each of changes) {
          const before = await stateOf(kernel)
          const [outcome] = await kernel.apply([each])
          if (outcome?.error !== undefined) expect(await stateOf(kernel)).toBe(before)
          const { links, addresses, routes, neighbours, fdb } = await kernel.read(everything)
          const names = new Set(links.map((one) => one.name))
          const mentioned = [...addresses, ...routes, ...neighbours, ...fdb].map(({ device }) => device)
          const masters = links.map((one) => one.master)
          for (const one of [...mentioned, ...masters]) expect(one == null || names.has(one)).toBe(true)
        }
      })
    )
  })

  it('the same change twice is refused as existing, or writes nothing, or removes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 30 }), change, async (changes, last) => {
        const kernel = memoryNode()
        await kernel.apply([...changes, last])
        const before = await stateOf(kernel)
        await kernel.apply([last])
        expect(await stateOf(kernel)).toBe(before)
      })
    )
  })

  it('a watcher that follows the events knows every device and its state', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
        const kernel = memoryNode()
        const known = new Map(
          (await kernel.read({ links: true })).links.map((one) => [one.name, JSON.stringify(one)])
        )
        kernel.watch((event) => {
          if (event.kind !== 'link') return
          if (event.gone) known.delete(event.value.name)
          else known.set(event.value.name, JSON.stringify(event.value))
        })
        await kernel.apply(changes)
        await Promise.resolve()
        const { links } = await kernel.read({ links: true })
        expect(known).toEqual(new Map(links.map((one) => [one.name, JSON.stringify(one)])))
      })
    )
  })
})
