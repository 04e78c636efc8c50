import type { KernelEvent, KernelObject, KernelState, Link } from '@trilane/contracts'
import { type MemoryKernel, memoryNode } from '@trilane/kernel-memory'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Reconciler, SweepScope } from '../src/index.ts'
import {
  address,
  bridge,
  fdb,
  neighbour,
  net,
  reconcilerOf,
  route,
  routedPeer,
  state,
  type TestClock,
  VXLAN_NODE,
  vxlan,
  vxlanPeer,
  wish
} from './things.ts'

const SWEEP: SweepScope = { networks: new Map([['default', [net('10.5.0.0/16')]]]) }

let kernel: MemoryKernel
let reconciler: Reconciler
let clock: TestClock
let events: { event: KernelEvent; disturbs: boolean }[]

beforeEach(() => {
  kernel = memoryNode({ links: ['eth0 192.168.1.1/24 fd00:1::1/64', 'eth1 172.16.0.1/24'] })
  ;({ reconciler, clock } = reconcilerOf(kernel))
  events = []
  kernel.watch((event) => events.push({ event, disturbs: reconciler.disturbs(event) }))
})

async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0))
  events.length = 0
}

/** Does what happens when somebody else does this disturb? */
async function disturbedBy(action: 'create' | 'set' | 'remove', object: KernelObject): Promise<boolean> {
  await settled()
  const [outcome] = await kernel.apply([{ ...object, action }])
  expect(outcome?.error).toBeUndefined()
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(events).not.toEqual([])
  return events.some(({ disturbs }) => disturbs)
}

const FLANNEL = vxlan('flannel.1', 1)
const link = (value: Link): KernelObject => ({ kind: 'link', value })
const routeObject = (...parts: Parameters<typeof route>): KernelObject => ({
  kind: 'route',
  value: route(...parts)
})

describe('our own writes', () => {
  it('are no disturbance, whatever is wished one after another', async () => {
    const anyPeer = fc.tuple(
      fc.integer({ min: 2, max: 4 }),
      fc.option(fc.constantFrom(undefined, '192.168.1.77'), { nil: null })
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.array(anyPeer, { maxLength: 3 }), fc.boolean())),
        async (steps) => {
          const node = memoryNode({ links: ['eth0 192.168.1.1/24'] })
          const { reconciler } = reconcilerOf(node)
          const disturbing: KernelEvent[] = []
          node.watch((event) => {
            if (reconciler.disturbs(event)) disturbing.push(event)
          })
          wish(reconciler, { node: VXLAN_NODE })
          await reconciler.pass({ sweep: SWEEP })
          for (const [peers, waits] of steps) {
            for (const [number, outer] of peers) {
              wish(reconciler, { [`${number}`]: outer === null ? undefined : vxlanPeer(number, outer) })
            }
            const flush = reconciler.flush()
            if (waits) await flush
          }
          await reconciler.flush()
          await new Promise((resolve) => setTimeout(resolve, 0))
          expect(disturbing).toEqual([])
          const { wanted, present } = reconciler.standing('')
          expect(present).toBe(wanted)
          expect((await reconciler.pass({ sweep: SWEEP })).outcomes).toEqual([])
        }
      ),
      { numRuns: 200 }
    )
  })

  it('are known also when their events come long after the next write', async () => {
    await reconciler.pass({ sweep: SWEEP })
    for (const gateway of ['192.168.1.2', '192.168.1.3', '192.168.1.4']) {
      wish(reconciler, { peer: routedPeer(2, gateway) })
      await reconciler.flush()
    }
    const event = (gateway: string): KernelEvent => ({
      kind: 'route',
      gone: false,
      value: route('10.5.2.0/24', gateway)
    })
    const { reconciler: late } = reconcilerOf(memoryNode({ links: ['eth0 192.168.1.1/24'] }))
    await late.pass({})
    for (const gateway of ['192.168.1.2', '192.168.1.3', '192.168.1.4']) {
      wish(late, { peer: routedPeer(2, gateway) })
      await late.flush()
    }
    expect(
      ['192.168.1.2', '192.168.1.3', '192.168.1.4'].map((gateway) => late.disturbs(event(gateway)))
    ).toEqual([false, false, false])
    // From now on such an event is somebody else's.
    expect(late.disturbs(event('192.168.1.3'))).toBe(true)
    expect(late.standing('').present).toBe(0)
  })

  it('are waited for only so long: a write may have no event', async () => {
    const { reconciler: deaf, clock: time } = reconcilerOf(memoryNode({ links: ['eth0 192.168.1.1/24'] }))
    wish(deaf, { peer: routedPeer(2) })
    await deaf.pass({})
    const gone: KernelEvent = { kind: 'route', gone: true, value: route('10.5.2.0/24', '192.168.1.2') }
    expect(deaf.disturbs(gone)).toBe(false)
    time.nowMs += 60_000
    expect(deaf.disturbs(gone)).toBe(true)
  })

  it('are not waited for after events were lost', async () => {
    const { reconciler: deaf } = reconcilerOf(memoryNode({ links: ['eth0 192.168.1.1/24'] }))
    wish(deaf, { peer: routedPeer(2) })
    await deaf.pass({})
    deaf.disturbs({ kind: 'lost', reason: 'ENOBUFS' })
    expect(deaf.disturbs({ kind: 'route', gone: true, value: route('10.5.2.0/24', '192.168.1.2') })).toBe(
      true
    )
  })

  it('that were refused are not waited for', async () => {
    kernel.faults.failNext(({ kind }) => kind === 'route')
    wish(reconciler, { peer: routedPeer(2) })
    await reconciler.pass({})
    expect(await disturbedBy('set', routeObject('10.5.2.0/24', '192.168.1.9'))).toBe(true)
  })
})

describe('what others do to what is wanted', () => {
  beforeEach(async () => {
    const hole = state({ routes: [{ destination: net('10.5.0.0/16'), type: 'blackhole', protocol: 133 }] })
    wish(reconciler, { node: VXLAN_NODE, 2: vxlanPeer(2), 3: routedPeer(3), hole })
    expect((await reconciler.pass({ sweep: SWEEP })).failures).toEqual([])
    await settled()
  })

  it.each<[string, 'set' | 'remove', KernelObject]>([
    ['a route is gone', 'remove', routeObject('10.5.3.0/24', '192.168.1.3')],
    ['a route goes elsewhere', 'set', routeObject('10.5.3.0/24', '192.168.1.9')],
    ['a route is taken over', 'set', routeObject('10.5.3.0/24', '192.168.1.3', { protocol: 4 })],
    [
      'a neighbour is gone',
      'remove',
      { kind: 'neighbour', value: neighbour('flannel.1', '10.5.2.0', '0e:00:00:00:00:02') }
    ],
    [
      'a neighbour changed',
      'set',
      { kind: 'neighbour', value: neighbour('flannel.1', '10.5.2.0', '0e:00:00:00:00:09') }
    ],
    [
      'a forwarding entry is gone',
      'remove',
      { kind: 'fdb', value: fdb('flannel.1', '0e:00:00:00:00:02', '192.168.1.2') }
    ],
    ['an address is gone', 'remove', { kind: 'address', value: address('cni0', '10.5.1.1/24') }],
    ['a device is gone', 'remove', link(FLANNEL)],
    ['a device went down', 'set', link({ name: 'flannel.1', kind: FLANNEL.kind, up: false })],
    ['a device lost its mark', 'set', link({ name: 'cni0', kind: { type: 'bridge' }, alias: '' })],
    [
      'the uplink went down, and Linux says nothing of its routes',
      'set',
      link({ name: 'eth0', kind: FLANNEL.kind, up: false })
    ]
  ])('%s', async (_name, action, object) => {
    expect(await disturbedBy(action, object)).toBe(true)
    const { wanted, present } = reconciler.standing('')
    expect(present).toBeLessThan(wanted)
  })

  it.each<[string, 'create' | 'set' | 'remove', KernelObject]>([
    ['an unwanted foreign route', 'set', routeObject('10.9.0.0/16', '192.168.1.9', { protocol: 4 })],
    ['a foreign address elsewhere', 'set', { kind: 'address', value: address('eth1', '172.16.0.2/24') }],
    [
      'a foreign address goes elsewhere',
      'remove',
      { kind: 'address', value: address('eth1', '172.16.0.1/24') }
    ],
    [
      'an IPv6 address of the uplink goes: of IPv6 routes Linux tells',
      'remove',
      { kind: 'address', value: address('eth0', 'fd00:1::1/64') }
    ],
    ['a foreign device appears', 'create', link({ name: 'br9', kind: { type: 'bridge' }, up: true })],
    [
      'a device that nothing goes through goes down',
      'set',
      link({ name: 'eth1', kind: FLANNEL.kind, up: false })
    ],
    [
      'a field that is not wanted changes',
      'set',
      link({ name: 'cni0', kind: { type: 'bridge' }, mtuBytes: 1400 })
    ],
    [
      'a neighbour of a bridge',
      'set',
      { kind: 'neighbour', value: neighbour('cni0', '10.5.1.7', '0e:00:00:00:00:07') }
    ]
  ])('not: %s', async (_name, action, object) => {
    expect(await disturbedBy(action, object)).toBe(false)
  })

  it('an address of the uplink is gone, and in silence perhaps routes with it', async () => {
    const gone: KernelObject = { kind: 'address', value: address('eth0', '192.168.1.1/24') }
    expect(await disturbedBy('remove', gone)).toBe(true)
  })

  it('the uplink comes up again: only now can its routes be written', async () => {
    await disturbedBy('set', link({ name: 'eth0', kind: FLANNEL.kind, up: false }))
    expect((await reconciler.pass({})).failures).toHaveLength(1)
    expect(await disturbedBy('set', link({ name: 'eth0', kind: FLANNEL.kind, up: true }))).toBe(true)
    expect((await reconciler.pass({})).failures).toEqual([])
  })

  it('the uplink is reported down once more', async () => {
    await disturbedBy('set', link({ name: 'eth0', kind: FLANNEL.kind, up: false }))
    expect(await disturbedBy('set', link({ name: 'eth0', kind: FLANNEL.kind, mtuBytes: 1400 }))).toBe(true)
  })

  it('a device appears that something is wanted on', async () => {
    wish(reconciler, { 4: state({ addresses: [address('br9', '10.5.4.1/24')] }) })
    expect((await reconciler.flush()).failures).toHaveLength(1)
    expect(await disturbedBy('create', link({ name: 'br9', kind: { type: 'bridge' }, up: true }))).toBe(true)
  })

  it('the carrier of the uplink flips; that of a device without wanted routes may', async () => {
    const { links } = await kernel.read({ links: true })
    const flip = (name: string): boolean[] =>
      links
        .filter((one) => one.name === name)
        .flatMap((value) => [
          reconciler.disturbs({ kind: 'link', gone: false, value: { ...value, carrier: false } }),
          reconciler.disturbs({ kind: 'link', gone: false, value: { ...value, carrier: false } }),
          reconciler.disturbs({ kind: 'link', gone: false, value: { ...value, carrier: true } })
        ])
    expect(flip('eth0')).toEqual([true, false, true])
    expect(flip('cni0')).toEqual([false, false, false])
  })

  it('a wanted device gets another name', async () => {
    const { links } = await kernel.read({ links: true })
    const value = links.find(({ name }) => name === 'flannel.1')
    if (value === undefined) throw new Error('no flannel.1')
    expect(reconciler.disturbs({ kind: 'link', gone: false, value: { ...value, name: 'renamed' } })).toBe(
      true
    )
    expect(reconciler.standing('2')).toMatchObject({ wanted: 3, present: 0 })
  })

  it('a device took its routes with it in silence: they count as missing until it is back', async () => {
    kernel.faults.loseDevice('flannel.1')
    await new Promise((resolve) => setTimeout(resolve, 0))
    expect(reconciler.standing('2')).toMatchObject({ wanted: 3, present: 0 })
    await reconciler.pass({})
    expect(reconciler.standing('2')).toMatchObject({ wanted: 3, present: 3 })
  })

  it('a second route of the same key comes and goes behind the wanted one', async () => {
    const behind: KernelEvent = {
      kind: 'route',
      gone: true,
      value: route('10.5.3.0/24', '192.168.1.9', { protocol: 4 })
    }
    expect(reconciler.disturbs(behind)).toBe(false)
    expect(reconciler.standing('3')).toMatchObject({ present: 1 })
  })

  it('events were lost', () => {
    expect(reconciler.disturbs({ kind: 'lost', reason: 'ENOBUFS' })).toBe(true)
  })

  it('somebody makes what is missing', async () => {
    await disturbedBy('remove', routeObject('10.5.3.0/24', '192.168.1.3'))
    expect(await disturbedBy('set', routeObject('10.5.3.0/24', '192.168.1.3'))).toBe(false)
    expect(reconciler.standing('3')).toMatchObject({ present: 1 })
    expect(clock.nowMs).toBe(1_000)
  })

  it('a change of a wish that waits for its flush is no disturbance', () => {
    wish(reconciler, { 3: routedPeer(3, '192.168.1.33') })
    expect(
      reconciler.disturbs({ kind: 'route', gone: false, value: route('10.5.3.0/24', '192.168.1.3') })
    ).toBe(false)
  })
})

describe('something of ours that nobody wants', () => {
  const NODE: KernelState = state({ links: [FLANNEL, bridge('cni0')] })
  const CASES: [string, 'create' | 'set', KernelObject][] = [
    ['route', 'set', routeObject('10.5.9.0/24', '192.168.1.9')],
    ['device', 'create', link(bridge('old0'))],
    ['address', 'set', { kind: 'address', value: address('cni0', '10.5.9.1/24') }],
    [
      'neighbour',
      'set',
      { kind: 'neighbour', value: neighbour('flannel.1', '10.5.9.0', '0e:00:00:00:00:09') }
    ],
    ['forwarding entry', 'set', { kind: 'fdb', value: fdb('flannel.1', '0e:00:00:00:00:09', '192.168.1.9') }]
  ]

  it.each(CASES)('%s: while sweeping', async (_name, action, object) => {
    wish(reconciler, { node: NODE })
    await reconciler.pass({ sweep: SWEEP })
    expect(await disturbedBy(action, object)).toBe(true)
    expect(await reconciler.pass({ sweep: SWEEP })).toMatchObject({ writes: 1, failures: [] })
  })

  it.each(CASES)('%s: not before', async (_name, action, object) => {
    wish(reconciler, { node: NODE })
    await reconciler.pass({})
    expect(await disturbedBy(action, object)).toBe(false)
  })
})
