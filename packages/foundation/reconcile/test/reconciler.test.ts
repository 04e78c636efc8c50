import type { Kernel, KernelState, Link, Logger, Route } from '@trilane/contracts'
import { type MemoryKernel, memoryNode } from '@trilane/kernel-memory'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Reconciler, SweepScope } from '../src/index.ts'
import {
  address,
  bridge,
  commandsOfReport,
  fdb,
  neighbour,
  net,
  reconcilerOf,
  route,
  routedPeer,
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

async function routes(on: Kernel = kernel): Promise<readonly Route[]> {
  return (await on.read({ routes: 'main' })).routes.filter(({ protocol }) => protocol !== 2)
}

async function make(parts: Partial<KernelState>, by: MemoryKernel = kernel): Promise<void> {
  const links = (parts.links ?? []).map((value) => ({ action: 'create', kind: 'link', value }) as const)
  const addresses = (parts.addresses ?? []).map(
    (value) => ({ action: 'set', kind: 'address', value }) as const
  )
  const ways = (parts.routes ?? []).map((value) => ({ action: 'set', kind: 'route', value }) as const)
  const entries = (parts.fdb ?? []).map((value) => ({ action: 'set', kind: 'fdb', value }) as const)
  for (const { error } of await by.apply([...links, ...addresses, ...ways, ...entries]))
    expect(error).toBeUndefined()
}

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
    await make({ links: [vxlan('flannel.1', 7)], addresses: [address('flannel.1', '10.5.1.0/32')] })
    wish(reconciler, { 'default/node': VXLAN_NODE, 'default/peer/2': vxlanPeer(2) })
    expect((await reconciler.pass({})).failures).toEqual([])
    expect(lines).toEqual([
      ['device is made again', { device: 'flannel.1', difference: 'link flannel.1 has vni 7, wanted 1' }]
    ])
    expect(reconciler.standing('')).toMatchObject({ wanted: 8, present: 8 })
  })

  it('adopts a device of the right kind without a mark, keeping it', async () => {
    const { alias: _, ...unmarked } = vxlan('flannel.1', 1)
    await make({ links: [unmarked] })
    const before = (await kernel.read({ links: true })).links.find(({ name }) => name === 'flannel.1')
    wish(reconciler, { 'default/node': VXLAN_NODE })
    expect(commandsOfReport(await reconciler.pass({}))).toContain(
      'ip link set dev flannel.1 alias trilane:default'
    )
    const after = (await kernel.read({ links: true })).links.find(({ name }) => name === 'flannel.1')
    expect(after).toMatchObject({ index: before?.index, alias: 'trilane:default' })
  })

  it('touches neither a foreign device of another kind nor anything on it', async () => {
    await make({ links: [{ name: 'flannel.1', kind: { type: 'bridge' }, up: true }] })
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
    await make({ links: [bridge('old0')], routes: [route('10.5.9.0/24', '192.168.1.9')] })
    expect((await reconciler.pass({})).outcomes).toEqual([])
    expect(commandsOfReport(await reconciler.pass({ sweep: SWEEP }))).toEqual([
      'ip route del 10.5.9.0/24 via 192.168.1.9 dev eth0 proto 133 scope global metric 0',
      'ip link del dev old0'
    ])
    expect(reconciler.counters.repairs).toBe(2)
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
    expect((await routes()).map(({ destination, gateway }) => `${destination} ${gateway}`).sort()).toEqual([
      '10.5.3.0/24 192.168.1.33',
      '10.5.4.0/24 192.168.1.4'
    ])
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
    expect(await routes()).toEqual([])
  })
})

describe('flush', () => {
  it('before anything was read is a pass', async () => {
    await make({ links: [bridge('cni0')] })
    wish(reconciler, { node: state({ links: [bridge('cni0')] }) })
    expect((await reconciler.flush()).outcomes).toEqual([])
    expect(reconciler.counters).toMatchObject({ fullPasses: 1, flushes: 0 })
  })

  it('writes one route for one changed lease, and reads nothing', async () => {
    wish(reconciler, Object.fromEntries([2, 3, 4].map((number) => [`peer/${number}`, routedPeer(number)])))
    await reconciler.pass({})
    kernel.faults.interruptReads(1)
    wish(reconciler, { 'peer/3': routedPeer(3, '192.168.1.33') })
    expect(commandsOfReport(await reconciler.flush())).toEqual([
      'ip route replace 10.5.3.0/24 via 192.168.1.33 dev eth0 proto 133'
    ])
  })

  it('owes nothing when a wish that failed is taken back', async () => {
    wish(reconciler, { peer: routedPeer(2) })
    await reconciler.pass({})
    kernel.faults.failNext(({ kind }) => kind === 'route')
    wish(reconciler, { peer: routedPeer(2, '192.168.1.22') })
    expect((await reconciler.flush()).failures).toHaveLength(1)
    wish(reconciler, { peer: routedPeer(2) })
    expect((await reconciler.flush()).outcomes).toEqual([])
    const [drift] = routedPeer(2).routes
    if (drift !== undefined) await kernel.apply([{ action: 'remove', kind: 'route', value: drift }])
    await reconciler.pass({})
    expect(reconciler.counters.repairs).toBe(1)
  })

  it('writes nothing for a slot that is wished again as it was', async () => {
    wish(reconciler, { peer: vxlanPeer(2), node: VXLAN_NODE })
    await reconciler.pass({})
    wish(reconciler, { peer: vxlanPeer(2), node: VXLAN_NODE })
    expect((await reconciler.flush()).outcomes).toEqual([])
  })

  it('removes what a slot that is gone had wanted, and leaves sysctls', async () => {
    wish(reconciler, { node: VXLAN_NODE, peer: vxlanPeer(2) })
    await reconciler.pass({})
    wish(reconciler, { peer: undefined })
    const { outcomes } = await reconciler.flush()
    expect(outcomes.map(({ change }) => `${change.action} ${change.kind}`)).toEqual([
      'remove route',
      'remove fdb',
      'remove neighbour'
    ])
    wish(reconciler, { node: undefined })
    const report = await reconciler.flush()
    expect(report.failures).toEqual([])
    expect((await kernel.read({ links: true })).links.map(({ name }) => name)).toEqual(['lo', 'eth0'])
    expect(kernel.toString()).toContain('forwarding=1')
  })

  it('moves a forwarding entry to its new outer destination', async () => {
    wish(reconciler, { node: VXLAN_NODE, peer: vxlanPeer(2) })
    await reconciler.pass({})
    wish(reconciler, { peer: vxlanPeer(2, '192.168.1.22') })
    expect((await reconciler.flush()).failures).toEqual([])
    const { fdb: entries } = await kernel.read({ fdbOf: ['flannel.1'] })
    expect(entries).toEqual([fdb('flannel.1', '0e:00:00:00:00:02', '192.168.1.22')])
    expect((await reconciler.pass({})).outcomes).toEqual([])
  })

  it('writes peers that waited for their device together with it', async () => {
    await reconciler.pass({})
    wish(reconciler, { peer: vxlanPeer(2) })
    expect((await reconciler.flush()).failures).toHaveLength(3)
    wish(reconciler, { node: VXLAN_NODE })
    expect((await reconciler.flush()).failures).toEqual([])
    expect(reconciler.standing('')).toMatchObject({ wanted: 8, present: 8, failures: [] })
  })

  it('makes a device again, with what is on it, when its wish changes', async () => {
    wish(reconciler, { node: VXLAN_NODE, peer: vxlanPeer(2) })
    await reconciler.pass({})
    wish(reconciler, { node: { ...VXLAN_NODE, links: [vxlan('flannel.1', 5), bridge('cni0')] } })
    expect((await reconciler.flush()).failures).toEqual([])
    expect(kernel.toString()).toContain('vxlan id 5')
    expect((await reconciler.pass({})).outcomes).toEqual([])
    expect(reconciler.counters.repairs).toBe(0)
  })

  it('sets on a living device only what differs', async () => {
    wish(reconciler, { node: state({ links: [bridge('cni0')] }) })
    await reconciler.pass({})
    wish(reconciler, { node: state({ links: [bridge('cni0', { mtuBytes: 1400 })] }) })
    expect(commandsOfReport(await reconciler.flush())).toEqual(['ip link set dev cni0 mtu 1400'])
  })

  it('changes the address of a bridge without leaving it bare', async () => {
    const way = { destination: net('10.9.0.0/16'), device: 'cni0', protocol: 133 }
    const node = (text: string): KernelState =>
      state({ links: [bridge('cni0')], addresses: [address('cni0', text)], routes: [way] })
    wish(reconciler, { node: node('10.5.1.1/24') })
    await reconciler.pass({})
    for (const text of ['10.5.1.9/24', '10.5.2.1/24', '10.5.2.1/16']) {
      wish(reconciler, { node: node(text) })
      expect((await reconciler.flush()).failures).toEqual([])
      const { addresses } = await kernel.read({ addresses: true })
      expect(
        addresses
          .filter(({ device, address }) => device === 'cni0' && address.family === 'v4')
          .map(({ address, prefixLength }) => `${address}/${prefixLength}`)
      ).toEqual([text])
      expect((await reconciler.pass({})).outcomes).toEqual([])
    }
  })

  it('does not delete a foreign route that took the key', async () => {
    wish(reconciler, { peer: routedPeer(2) })
    await reconciler.pass({})
    const foreign = route('10.5.2.0/24', '192.168.1.77', { protocol: 4 })
    await make({ routes: [foreign] })
    wish(reconciler, { peer: undefined })
    expect((await reconciler.flush()).failures).toEqual([])
    expect(await routes()).toMatchObject([{ gateway: foreign.gateway, protocol: 4 }])
  })

  it('does not delete what it found without a mark', async () => {
    const { alias: _, ...plain } = bridge('br0')
    await make({ links: [plain], addresses: [address('br0', '10.5.1.1/24')] })
    wish(reconciler, { node: state({ links: [plain], addresses: [address('br0', '10.5.1.1/24')] }) })
    await reconciler.pass({})
    wish(reconciler, { node: undefined })
    expect((await reconciler.flush()).outcomes).toEqual([])
  })

  it('removes what it made itself, also without a mark', async () => {
    const plain: Link = { name: 'br0', kind: { type: 'bridge' }, up: true }
    const way = route('10.9.0.0/16', '192.168.1.9', { protocol: 4 })
    await reconciler.pass({})
    wish(reconciler, {
      node: state({ links: [plain], addresses: [address('br0', '10.5.1.1/24')], routes: [way] })
    })
    await reconciler.flush()
    reconciler.disturbs({ kind: 'route', gone: false, value: way })
    await reconciler.pass({})
    wish(reconciler, { node: undefined })
    expect(await reconciler.flush()).toMatchObject({ writes: 3, failures: [] })
    expect((await kernel.read({ links: true })).links.map(({ name }) => name)).toEqual(['lo', 'eth0'])
  })

  it('writes routes again that went when it had taken their device down', async () => {
    const node = (up: boolean): KernelState => state({ links: [bridge('cni0', { up })] })
    const way = { destination: net('10.9.0.0/16'), device: 'cni0', protocol: 133 }
    wish(reconciler, { node: node(true), way: state({ routes: [way] }) })
    await reconciler.pass({})
    wish(reconciler, { node: node(false) })
    await reconciler.flush()
    wish(reconciler, { node: node(true) })
    await reconciler.flush()
    expect(await routes()).toMatchObject([way])
  })

  it('writes again what was on a child of a device that is made again', async () => {
    const child: Link = { name: 'mv0', kind: { type: 'macvlan', parent: 'tun0' }, up: true }
    const way = { destination: net('10.9.0.0/16'), device: 'mv0', protocol: 133 }
    const parent = (vni: number): KernelState => state({ links: [vxlan('tun0', vni)] })
    wish(reconciler, { parent: parent(1), child: state({ links: [child] }), way: state({ routes: [way] }) })
    await reconciler.pass({})
    wish(reconciler, { parent: parent(2) })
    expect((await reconciler.flush()).failures).toEqual([])
    expect(await routes()).toMatchObject([way])
    expect((await reconciler.pass({})).outcomes).toEqual([])
  })

  it('tries a removal that failed again', async () => {
    wish(reconciler, { peer: routedPeer(2) })
    await reconciler.pass({})
    kernel.faults.failNext(({ action }) => action === 'remove')
    wish(reconciler, { peer: undefined })
    expect((await reconciler.flush()).failures).toHaveLength(1)
    expect(await reconciler.pass({})).toMatchObject({ writes: 1, failures: [] })
    expect(await routes()).toEqual([])
  })
})

describe('slots', () => {
  it('that want the same are one object, which goes with the last of them', async () => {
    wish(reconciler, { a: routedPeer(2), b: routedPeer(2) })
    await reconciler.pass({})
    expect(reconciler.standing('')).toMatchObject({ wanted: 1, present: 1 })
    wish(reconciler, { a: undefined })
    expect((await reconciler.flush()).outcomes).toEqual([])
    wish(reconciler, { b: undefined })
    expect(await reconciler.flush()).toMatchObject({ writes: 1 })
    expect(await routes()).toEqual([])
  })

  it('that want one thing differently: the first has its way, the other is told', async () => {
    const warnings: string[] = []
    const logger: Logger = {
      debug() {},
      info() {},
      warn: (message) => warnings.push(message),
      error() {},
      child: () => logger
    }
    ;({ reconciler } = reconcilerOf(kernel, logger))
    wish(reconciler, { a: routedPeer(2), b: routedPeer(2, '192.168.1.22') })
    const report = await reconciler.pass({})
    expect(report.failures.map(({ error }) => error?.message)).toEqual([
      'route 254 10.5.2.0/24 0 is wanted twice: a wants it otherwise than b, and came first'
    ])
    expect(await routes()).toMatchObject([{ gateway: route('10.5.2.0/24', '192.168.1.2').gateway }])
    expect(reconciler.standing('a')).toMatchObject({ wanted: 1, present: 1, failures: [] })
    expect(reconciler.standing('b')).toMatchObject({
      wanted: 1,
      present: 0,
      failures: [{ error: { code: 'TRI_WISH_CONFLICT' } }]
    })

    // Replacing the winner keeps its place, and says nothing new.
    wish(reconciler, { a: routedPeer(2, '192.168.1.3') })
    await reconciler.flush()
    expect(await routes()).toMatchObject([{ gateway: route('10.5.2.0/24', '192.168.1.3').gateway }])
    expect(warnings).toEqual(['wanted twice'])

    wish(reconciler, { a: undefined })
    expect(commandsOfReport(await reconciler.flush())).toEqual([
      'ip route replace 10.5.2.0/24 via 192.168.1.22 dev eth0 proto 133'
    ])
    expect(reconciler.standing('b')).toMatchObject({ wanted: 1, present: 1, failures: [] })
  })

  it('one that wants two different things is told too', async () => {
    const twice = state({ routes: [...routedPeer(2).routes, ...routedPeer(2, '192.168.1.22').routes] })
    wish(reconciler, { a: twice })
    expect((await reconciler.pass({})).failures.map(({ error }) => error?.code)).toEqual([
      'TRI_WISH_CONFLICT'
    ])
    expect(reconciler.standing('a')).toMatchObject({ wanted: 2, present: 1 })
    wish(reconciler, { a: undefined })
    expect(await reconciler.flush()).toMatchObject({ writes: 1, failures: [] })
  })

  it('standing counts by prefix, standingOf by the whole name', async () => {
    wish(reconciler, { 'n/peer/10': routedPeer(10), 'n/peer/1': routedPeer(11), 'm/peer/1': routedPeer(12) })
    await reconciler.pass({})
    expect(reconciler.standing('n/')).toMatchObject({ wanted: 2, present: 2 })
    expect(reconciler.standing('n/peer/1')).toMatchObject({ wanted: 2 })
    expect(reconciler.standingOf('n/peer/1')).toMatchObject({ wanted: 1, present: 1 })
    expect(reconciler.standing('x')).toEqual({ wanted: 0, present: 0, missing: [], failures: [] })
  })
})

describe('the queue', () => {
  it('lets no two acts overlap, and goes on after one that failed', async () => {
    let inside = 0
    let most = 0
    const slow: Kernel = {
      ...kernelOf(kernel),
      async apply(changes) {
        inside += 1
        most = Math.max(most, inside)
        await new Promise((resolve) => setTimeout(resolve, 2))
        inside -= 1
        return kernel.apply(changes)
      }
    }
    ;({ reconciler } = reconcilerOf(slow))
    const acts = []
    for (const number of [2, 3, 4, 5]) {
      wish(reconciler, { [`${number}`]: routedPeer(number) })
      acts.push(reconciler.flush(), reconciler.pass({}))
    }
    await Promise.all(acts)
    expect(most).toBe(1)
    expect(await routes()).toHaveLength(4)
  })

  it('a kernel that breaks while it writes is tried again', async () => {
    let broken = true
    const breaking: Kernel = {
      ...kernelOf(kernel),
      async apply(changes) {
        if (broken) throw new Error('socket closed')
        return kernel.apply(changes)
      }
    }
    ;({ reconciler } = reconcilerOf(breaking))
    await reconciler.pass({})
    wish(reconciler, { 2: routedPeer(2) })
    await expect(reconciler.flush()).rejects.toThrow('socket closed')
    broken = false
    expect(await reconciler.flush()).toMatchObject({ writes: 1 })
  })
})

/** Methods of a class are no own properties: spreading needs this. */
function kernelOf(of: MemoryKernel): Kernel {
  return {
    read: (scope) => of.read(scope),
    apply: (changes) => of.apply(changes),
    watch: (listener) => of.watch(listener),
    routeTo: (destination) => of.routeTo(destination),
    announce: (announcements) => of.announce(announcements),
    namespace: (path) => of.namespace(path),
    close: () => of.close()
  }
}
