import type { Kernel, Logger } from '@trilane/contracts'
import { type MemoryKernel, memoryNode } from '@trilane/kernel-memory'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Reconciler, SweepScope } from '../src/index.ts'
import {
  address,
  bridge,
  commandsOfReport,
  makeOn,
  neighbour,
  net,
  reconcilerOf,
  route,
  routedPeer,
  routesOn,
  state,
  VXLAN_NODE,
  vxlan,
  vxlanPeer,
  wish
} from './things.ts'

const SWEEP: SweepScope = { networks: new Map([['default', [net('10.5.0.0/16')]]]) }

let kernel: MemoryKernel
let reconciler: Reconciler

beforeEach(() => {
  kernel = memoryNode({ links: ['eth0 192.168.1.1/24'] })
  ;({ reconciler } = reconcilerOf(kernel))
})

describe('pass', () => {
  it('makes everything in one go, writes nothing the second time', async () => {
    wish(reconciler, { 'default/node': VXLAN_NODE, 'default/peer/2': vxlanPeer(2) })
    const report = await reconciler.pass({})
    expect(report.failures).toEqual([])
    expect(report.writes).toBe(report.outcomes.length)
    expect(reconciler.standing('')).toMatchObject({ wanted: 8, present: 8, missing: [], failures: [] })
    expect((await reconciler.pass({})).outcomes).toEqual([])
    expect(reconciler.counters).toMatchObject({
      writes: report.writes,
      repairs: 0,
      fullPasses: 2,
      lastFullPassMs: 1_000
    })
  })

  it('mends drift of every kind and counts it as repairs', async () => {
    wish(reconciler, { 'default/node': VXLAN_NODE, 'default/peer/2': vxlanPeer(2) })
    await reconciler.pass({})
    const wanted = kernel.toString()
    const peer = vxlanPeer(2)
    await kernel.apply([
      ...peer.routes.map((value) => ({ action: 'remove', kind: 'route', value }) as const),
      ...peer.neighbours.map((value) => ({ action: 'remove', kind: 'neighbour', value }) as const),
      ...peer.fdb.map((value) => ({ action: 'remove', kind: 'fdb', value }) as const),
      { action: 'remove', kind: 'address', value: address('cni0', '10.5.1.1/24') },
      { action: 'set', kind: 'sysctl', value: { key: 'net/ipv4/ip_forward', value: '0' } },
      { action: 'set', kind: 'link', value: { name: 'cni0', kind: { type: 'bridge' }, alias: '' } }
    ])
    expect(kernel.toString()).not.toBe(wanted)
    await reconciler.pass({})
    expect(kernel.toString()).toBe(wanted)
    expect(reconciler.counters.repairs).toBe(6)
    expect(reconciler.counters.repairsByKind).toEqual({
      link: 1,
      address: 1,
      route: 1,
      neighbour: 1,
      fdb: 1,
      sysctl: 1
    })
  })

  it('makes a lost device and everything on it again in one pass', async () => {
    wish(reconciler, {
      'default/node': VXLAN_NODE,
      'default/peer/2': vxlanPeer(2),
      'default/peer/3': vxlanPeer(3)
    })
    await reconciler.pass({})
    const wanted = kernel.toString()
    kernel.faults.loseDevice('flannel.1')
    expect((await reconciler.pass({})).failures).toEqual([])
    expect(kernel.toString()).toBe(wanted)
  })

  it('brings a device up again with all that Linux dropped when it went down', async () => {
    wish(reconciler, { 'default/node': VXLAN_NODE, 'default/peer/2': vxlanPeer(2) })
    await reconciler.pass({})
    const wanted = kernel.toString()
    await kernel.apply([
      {
        action: 'set',
        kind: 'link',
        value: { name: 'flannel.1', kind: { type: 'vxlan', vni: 1 }, up: false }
      }
    ])
    await reconciler.pass({})
    expect(kernel.toString()).toBe(wanted)
  })

  it('makes its own device again when its kind differs, says why, and loses nothing on it', async () => {
    const lines: [string, unknown][] = []
    const logger: Logger = {
      debug() {},
      info() {},
      warn: (message, fields) => lines.push([message, fields]),
      error() {},
      child: () => logger
    }
    ;({ reconciler } = reconcilerOf(kernel, logger))
    await makeOn(kernel, { links: [vxlan('flannel.1', 7)], addresses: [address('flannel.1', '10.5.1.0/32')] })
    wish(reconciler, { 'default/node': VXLAN_NODE, 'default/peer/2': vxlanPeer(2) })
    expect((await reconciler.pass({})).failures).toEqual([])
    expect(lines).toEqual([
      ['device is made again', { device: 'flannel.1', difference: 'link flannel.1 has vni 7, wanted 1' }]
    ])
    expect(reconciler.standing('')).toMatchObject({ wanted: 8, present: 8 })
  })

  it('adopts a device of the right kind without a mark, keeping it', async () => {
    const { alias: _, ...unmarked } = vxlan('flannel.1', 1)
    await makeOn(kernel, { links: [unmarked] })
    const before = (await kernel.read({ links: true })).links.find(({ name }) => name === 'flannel.1')
    wish(reconciler, { 'default/node': VXLAN_NODE })
    expect(commandsOfReport(await reconciler.pass({}))).toContain(
      'ip link set dev flannel.1 alias trilane:default'
    )
    const after = (await kernel.read({ links: true })).links.find(({ name }) => name === 'flannel.1')
    expect(after).toMatchObject({ index: before?.index, alias: 'trilane:default' })
  })

  it('touches neither a foreign device of another kind nor anything on it', async () => {
    await makeOn(kernel, { links: [{ name: 'flannel.1', kind: { type: 'bridge' }, up: true }] })
    wish(reconciler, { 'default/node': VXLAN_NODE, 'default/peer/2': vxlanPeer(2) })
    const report = await reconciler.pass({ sweep: SWEEP })
    expect(report.failures.map(({ error }) => [error?.code, error?.details])).toEqual([
      ['TRI_KERNEL_EXISTS', 'link flannel.1 has type bridge, wanted vxlan']
    ])
    expect(commandsOfReport(report).filter((command) => command.includes('flannel.1'))).toEqual([])
    expect(reconciler.standing('default/node')).toMatchObject({ wanted: 5, present: 3 })

    // Nor does a flush of a new peer.
    wish(reconciler, { 'default/peer/3': vxlanPeer(3) })
    expect((await reconciler.flush()).outcomes).toEqual([])

    kernel.faults.loseDevice('flannel.1')
    expect((await reconciler.pass({})).failures).toEqual([])
    expect(reconciler.standing('')).toMatchObject({ wanted: 11, present: 11 })
  })

  it('replaces routes in one step, also foreign ones of the same key: never removes one first', async () => {
    kernel = memoryNode({
      links: ['eth0 192.168.1.1/24'],
      routes: ['10.5.2.0/24 via 192.168.1.2 dev eth0 proto 3', '10.5.3.0/24 via 192.168.1.9 dev eth0 proto 3']
    })
    ;({ reconciler } = reconcilerOf(kernel))
    wish(reconciler, { 2: routedPeer(2), 3: routedPeer(3) })
    expect(commandsOfReport(await reconciler.pass({ sweep: SWEEP }))).toEqual([
      'ip route replace 10.5.2.0/24 via 192.168.1.2 dev eth0 proto 133',
      'ip route replace 10.5.3.0/24 via 192.168.1.3 dev eth0 proto 133'
    ])
  })

  it('counts no repair when the device is made again because its wish changed', async () => {
    wish(reconciler, { node: VXLAN_NODE, peer: vxlanPeer(2) })
    await reconciler.pass({})
    wish(reconciler, { node: { ...VXLAN_NODE, links: [vxlan('flannel.1', 5), bridge('cni0')] } })
    expect((await reconciler.pass({})).writes).toBeGreaterThan(5)
    expect(reconciler.counters.repairs).toBe(0)
  })

  it('reads also what is no longer wanted, to remove it', async () => {
    const entry = neighbour('cni0', '10.5.1.7', '0e:00:00:00:00:07')
    wish(reconciler, { node: VXLAN_NODE, entry: state({ neighbours: [entry] }) })
    await reconciler.pass({})
    wish(reconciler, { entry: undefined })
    expect(await reconciler.pass({})).toMatchObject({ writes: 1, failures: [] })
    expect((await kernel.read({ neighboursOf: ['cni0'] })).neighbours).toEqual([])
  })

  it('sweeps only when told to', async () => {
    await makeOn(kernel, { links: [bridge('old0')], routes: [route('10.5.9.0/24', '192.168.1.9')] })
    expect((await reconciler.pass({})).outcomes).toEqual([])
    expect(commandsOfReport(await reconciler.pass({ sweep: SWEEP }))).toEqual([
      'ip route del 10.5.9.0/24 via 192.168.1.9 dev eth0 proto 133 scope global metric 0',
      'ip link del dev old0'
    ])
    expect(reconciler.counters.repairs).toBe(2)
  })

  it('sweeps a route of ours behind the wanted one, also when it has known that one for long', async () => {
    // `ip route append`, which the one in memory does not have.
    const behind = route('10.5.2.0/24', '192.168.1.9')
    const appended: Pick<Kernel, 'read' | 'apply'> = {
      apply: (changes) => kernel.apply(changes),
      async read(scope) {
        const snapshot = await kernel.read(scope)
        return { ...snapshot, routes: [...snapshot.routes, behind] }
      }
    }
    ;({ reconciler } = reconcilerOf(Object.assign(Object.create(kernel), appended)))
    wish(reconciler, { 2: routedPeer(2) })
    await reconciler.pass({})
    expect((await reconciler.pass({})).outcomes).toEqual([])
    expect(commandsOfReport(await reconciler.pass({ sweep: SWEEP }))).toEqual([
      'ip route del 10.5.2.0/24 via 192.168.1.9 dev eth0 proto 133'
    ])
  })

  it('one failure stops no other; it is tried again by the next pass', async () => {
    wish(reconciler, { 2: routedPeer(2), 3: routedPeer(3), 4: routedPeer(4) })
    kernel.faults.failNext(
      (change) => change.kind === 'route' && String(change.value.gateway) === '192.168.1.3'
    )
    const report = await reconciler.pass({})
    expect(report.writes).toBe(2)
    expect(report.failures.map(({ error }) => error?.code)).toEqual(['TRI_KERNEL_REFUSED'])
    expect(reconciler.standing('3')).toMatchObject({
      wanted: 1,
      present: 0,
      failures: [{ error: { code: 'TRI_KERNEL_REFUSED' } }]
    })
    expect(reconciler.counters).toMatchObject({ writes: 2, failures: 1 })

    expect(await reconciler.pass({})).toMatchObject({ writes: 1, failures: [] })
    expect(reconciler.standing('')).toMatchObject({ wanted: 3, present: 3, failures: [] })
    // It was owed from the wish: nothing had drifted.
    expect(reconciler.counters.repairs).toBe(0)
  })

  it('forgets nothing when the kernel cannot be read', async () => {
    await reconciler.pass({})
    wish(reconciler, { 2: routedPeer(2) })
    kernel.faults.interruptReads(1)
    await expect(reconciler.pass({})).rejects.toMatchObject({ code: 'TRI_KERNEL_READ_INCOMPLETE' })
    expect(await reconciler.flush()).toMatchObject({ writes: 1 })
  })

  it('follows wishes that come while it reads', async () => {
    await reconciler.pass({})
    wish(reconciler, { 2: routedPeer(2), 3: routedPeer(3) })
    await reconciler.flush()
    const pass = reconciler.pass({ sweep: SWEEP })
    await Promise.resolve()
    wish(reconciler, { 2: undefined, 3: routedPeer(3, '192.168.1.33'), 4: routedPeer(4) })
    expect(await pass).toMatchObject({ writes: 3, failures: [] })
    expect(
      (await routesOn(kernel)).map(({ destination, gateway }) => `${destination} ${gateway}`).sort()
    ).toEqual(['10.5.3.0/24 192.168.1.33', '10.5.4.0/24 192.168.1.4'])
    expect(reconciler.counters.repairs).toBe(0)
    expect((await reconciler.flush()).outcomes).toEqual([])
    expect((await reconciler.pass({ sweep: SWEEP })).outcomes).toEqual([])
  })

  it('removes what was released once, also when it sweeps', async () => {
    wish(reconciler, { 2: routedPeer(2) })
    await reconciler.pass({})
    wish(reconciler, { 2: undefined })
    expect(await reconciler.pass({ sweep: SWEEP })).toMatchObject({
      outcomes: [{ change: { kind: 'route' } }]
    })
    expect(await routesOn(kernel)).toEqual([])
  })
})
