import type { KernelChange, KernelEvent, KernelObjectKind } from '@trilane/contracts'
import { expect } from 'vitest'
import {
  BRIDGE,
  MAC_A,
  MAC_B,
  onVxlan,
  ownAddress,
  pair,
  perFamily,
  SAMPLE,
  VETH_A,
  wired
} from './samples.ts'
import { create, expectAs, type KernelTest, must, plain, record, remove, set, test } from './steps.ts'

/** Does the event tell of `wish`? */
function tells(kind: KernelObjectKind, gone: boolean, wish: object): (event: KernelEvent) => boolean {
  return (event) => {
    if (event.kind === 'lost' || event.kind !== kind || event.gone !== gone) return false
    const value = plain(event.value) as Record<string, unknown>
    const wanted = plain(wish) as Record<string, unknown>
    return Object.entries(wanted).every(([key, each]) => JSON.stringify(value[key]) === JSON.stringify(each))
  }
}

/** Both directions of one kind of object: made, then gone. */
function toldWhenMadeAndGone(
  name: string,
  change: KernelChange,
  wish: object,
  prepare: KernelTest['run']
): KernelTest {
  return test(name, async (fixture) => {
    const { kernel } = fixture
    await prepare(fixture)
    const told = record(fixture, kernel)
    await must(kernel, change)
    const made = await told.until('made', tells(change.kind, false, wish))
    await must(kernel, { ...change, action: 'remove' })
    const gone = await told.until('gone', tells(change.kind, true, wish))
    expect(gone).toBeGreaterThan(made)
    told.close()
  })
}

/** Promises about being told. */
export const watchTests: readonly KernelTest[] = [
  toldWhenMadeAndGone(
    'tells of a link',
    create('link', BRIDGE),
    { name: 'bra', kind: { type: 'bridge' } },
    () => {}
  ),

  ...perFamily((sample) => {
    const { family, near, nearer, destination } = sample
    return [
      toldWhenMadeAndGone(
        `tells of an address (${family})`,
        create('address', ownAddress(sample)),
        { device: 'va', address: sample.own, prefixLength: sample.length },
        ({ kernel }) => pair(kernel)
      ),

      toldWhenMadeAndGone(
        `tells of a route (${family})`,
        create('route', { destination, gateway: near, protocol: 133 }),
        { destination, gateway: near, device: 'va', protocol: 133 },
        ({ kernel }) => wired(kernel)
      ),

      toldWhenMadeAndGone(
        `tells of a neighbour (${family})`,
        create('neighbour', { device: 'va', address: near, mac: MAC_A }),
        { device: 'va', address: near },
        ({ kernel }) => wired(kernel)
      ),

      test(`tells of a route that was replaced (${family})`, async (fixture) => {
        const { kernel } = fixture
        await wired(kernel)
        await must(kernel, create('route', { destination, gateway: near }))
        const told = record(fixture, kernel)
        await must(kernel, set('route', { destination, gateway: nearer }))
        await told.until('replaced', tells('route', false, { destination, gateway: nearer }))
        told.close()
      })
    ]
  }),

  onVxlan('tells of a forwarding entry', async (fixture) => {
    const { kernel } = fixture
    const entry = { device: 'vx', mac: MAC_A, destination: SAMPLE.near }
    const told = record(fixture, kernel)
    await must(kernel, create('fdb', entry))
    await told.until('made', tells('fdb', false, entry))
    await must(kernel, remove('fdb', entry))
    await told.until('gone', tells('fdb', true, entry))
    told.close()
  }),

  test('tells of each attribute of a link that changes', async (fixture) => {
    const { kernel } = fixture
    await must(kernel, create('link', BRIDGE))
    const told = record(fixture, kernel)
    for (const wish of [{ up: true }, { mtuBytes: 1300 }, { mac: MAC_B }, { alias: 'trilane:blue' }]) {
      await must(kernel, set('link', { ...BRIDGE, ...wish }))
      await told.until(JSON.stringify(wish), tells('link', false, wish))
    }
    told.close()
  }),

  test('tells of a carrier that is lost', async (fixture) => {
    const { kernel } = fixture
    await pair(kernel)
    const told = record(fixture, kernel)
    await must(kernel, set('link', { name: 'vb', kind: { type: 'veth' }, up: false }))
    await told.until('no carrier', tells('link', false, { name: 'va', up: true, carrier: false }))
    told.close()
  }),

  test("tells in the kernel's order", async (fixture) => {
    const { kernel } = fixture
    await pair(kernel)
    const told = record(fixture, kernel)
    const route = { destination: SAMPLE.destination, gateway: SAMPLE.near }
    await must(kernel, create('address', ownAddress(SAMPLE)), create('route', route))
    await must(kernel, remove('route', route), remove('address', ownAddress(SAMPLE)))
    const places = [
      await told.until('address', tells('address', false, { address: SAMPLE.own })),
      await told.until('route', tells('route', false, { destination: SAMPLE.destination })),
      await told.until('route gone', tells('route', true, { destination: SAMPLE.destination })),
      await told.until('address gone', tells('address', true, { address: SAMPLE.own }))
    ]
    expect(places).toEqual([...places].sort((a, b) => a - b))
    told.close()
  }),

  test('names the device also when it is gone', async (fixture) => {
    const { kernel } = fixture
    await wired(kernel)
    const told = record(fixture, kernel)
    await must(kernel, remove('link', VETH_A))
    await told.until('address gone', tells('address', true, { device: 'va', address: SAMPLE.own }))
    await told.until('link gone', tells('link', true, { name: 'va' }))
    told.close()
  }),

  test('names a device that was made after the watch began', async (fixture) => {
    const { kernel } = fixture
    const told = record(fixture, kernel)
    await wired(kernel)
    await told.until('address', tells('address', false, { device: 'va', address: SAMPLE.own }))
    told.close()
  }),

  test('tells of what another handle does', async (fixture) => {
    const { kernel, other } = fixture
    const handle = await kernel.namespace(other.path)
    const told = record(fixture, handle)
    await must(other.kernel, create('link', BRIDGE))
    await told.until('made', tells('link', false, { name: 'bra' }))
    told.close()
    handle.close()
  }),

  test('does not tell of other namespaces', async (fixture) => {
    const { kernel, other } = fixture
    const told = record(fixture, kernel)
    await must(other.kernel, create('link', { ...BRIDGE, name: 'elsewhere' }))
    await must(kernel, create('link', BRIDGE))
    await told.until('ours', tells('link', false, { name: 'bra' }))
    expect(told.events.filter(tells('link', false, { name: 'elsewhere' }))).toEqual([])
    told.close()
  }),

  test('does not tell of what was there before', async (fixture) => {
    const { kernel } = fixture
    await must(kernel, create('link', { ...BRIDGE, name: 'before' }))
    // Linux tells of a device once more a little later (operational state, IPv6 settings).
    await new Promise((resolve) => setTimeout(resolve, 20))
    const told = record(fixture, kernel)
    await must(kernel, create('link', BRIDGE))
    await told.until('after', tells('link', false, { name: 'bra' }))
    expect(told.events.filter(tells('link', false, { name: 'before' }))).toEqual([])
    told.close()
  }),

  test('has several watches that do not disturb each other', async (fixture) => {
    const { kernel } = fixture
    const [one, two] = [record(fixture, kernel), record(fixture, kernel)]
    one.close()
    await must(kernel, create('link', BRIDGE))
    await two.until('made', tells('link', false, { name: 'bra' }))
    two.close()
  }),

  test('calls no more after close, also for what happened before', async (fixture) => {
    const { kernel } = fixture
    const [closed, open] = [record(fixture, kernel), record(fixture, kernel)]
    await must(kernel, create('link', BRIDGE))
    closed.close()
    closed.close()
    const before = closed.events.length
    await must(kernel, create('link', { ...BRIDGE, name: 'brb' }))
    await open.until('made', tells('link', false, { name: 'brb' }))
    expect(closed.events).toHaveLength(before)
    open.close()
  }),

  test('goes on when the listener throws, which surfaces outside', async (fixture) => {
    const { kernel } = fixture
    const told = record(fixture, kernel)
    const failure = new Error('thrown by a listener')
    const watch = kernel.watch(() => {
      throw failure
    })
    const surfaced = await uncaughtDuring(async () => {
      await must(kernel, create('link', BRIDGE))
      await told.until('made', tells('link', false, { name: 'bra' }))
      await must(kernel, remove('link', BRIDGE))
      await told.until('gone', tells('link', true, { name: 'bra' }))
      // What is rethrown surfaces in a later turn.
      await new Promise((resolve) => setTimeout(resolve, 20))
      watch.close()
    })
    expect(surfaced.length).toBeGreaterThanOrEqual(2)
    expect(new Set(surfaced)).toEqual(new Set([failure]))
    told.close()
  }),

  test('an event has what a reading has', async (fixture) => {
    const { kernel } = fixture
    const told = record(fixture, kernel)
    await must(kernel, create('link', { ...BRIDGE, mtuBytes: 1400, mac: MAC_A }))
    const at = await told.until('made', tells('link', false, { name: 'bra', mtuBytes: 1400 }))
    const event = told.events[at]
    if (event?.kind !== 'link') throw new Error('no link event')
    const reading = (await kernel.read({ links: true })).links.find(({ name }) => name === 'bra')
    expectAs(event.value, { index: reading?.index, mac: MAC_A, kind: { type: 'bridge' }, loopback: false })
    told.close()
  })
]

/** Takes over from whoever handles uncaught exceptions, the test runner included, while `run` runs. */
async function uncaughtDuring(run: () => Promise<void>): Promise<unknown[]> {
  const surfaced: unknown[] = []
  const others = process.listeners('uncaughtException')
  const note = (error: unknown) => surfaced.push(error)
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', note)
  try {
    await run()
  } finally {
    process.off('uncaughtException', note)
    for (const other of others) process.on('uncaughtException', other)
  }
  return surfaced
}
