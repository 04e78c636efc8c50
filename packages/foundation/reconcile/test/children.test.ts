import type { KernelEvent, KernelState, Link } from '@trilane/contracts'
import { type MemoryKernel, memoryNode } from '@trilane/kernel-memory'
import { beforeEach, describe, expect, it } from 'vitest'
import { podLinkAlias, type Reconciler, type SweepScope, uninstallChanges } from '../src/index.ts'
import { address, commandsOfReport, net, reconcilerOf, state, wish } from './things.ts'

/** What a network whose pods stand on the node's own device wants of the node. */
const CHILD = 'host-0a1b2c3d'
const POD = '/run/netns/pod'

const SWEEP: SweepScope = { networks: new Map([['blue', [net('192.168.77.0/24')]]]) }

const ipvlan = (mode: 'l2' | 'l3', parent = 'eth0') =>
  ({ type: 'ipvlan', parent, mode, flag: 'bridge' }) as const
const MACVLAN = { type: 'macvlan', parent: 'eth0', mode: 'bridge' } as const
const VLAN: Link = {
  name: 'eth0.100',
  kind: { type: 'vlan', parent: 'eth0', vlanId: 100 },
  alias: 'trilane:blue',
  up: true
}

const hostChild = (kind: Link['kind'], more: Partial<KernelState> = {}): KernelState =>
  state({
    links: [{ name: CHILD, kind, mtuBytes: 1500, alias: 'trilane:blue', up: true }],
    addresses: [{ ...address(CHILD, '192.168.77.65/32'), skipDad: true }],
    routes: [{ destination: net('192.168.77.64/28'), device: CHILD, protocol: 133 }],
    sysctls: [{ key: `net/ipv4/conf/${CHILD}/arp_filter`, value: '1' }],
    ...more
  })

let kernel: MemoryKernel
let reconciler: Reconciler
let events: KernelEvent[]

beforeEach(() => {
  kernel = memoryNode({ links: ['eth0 192.168.77.1/24', 'eth1'] })
  kernel.machine.addNamespace(POD)
  ;({ reconciler } = reconcilerOf(kernel))
  events = []
})

const podLink = (kind: Link['kind'], name = 'eth0'): Link => ({
  name,
  kind,
  namespace: POD,
  alias: podLinkAlias('blue', { containerId: 'c0ffee', ifname: 'eth0' })
})

async function plug(kind: Link['kind']): Promise<void> {
  const [outcome] = await kernel.apply([{ action: 'create', kind: 'link', value: podLink(kind) }])
  if (outcome?.error !== undefined) throw outcome.error
}

async function podLinks() {
  const pod = await kernel.namespace(POD)
  return (await pod.read({ links: ['eth0'] })).links
}

/** What the kernel told since, and whether any of it is a disturbance. */
async function disturbed(): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, 0))
  return events
    .splice(0)
    .map((event) => reconciler.disturbs(event))
    .some(Boolean)
}

async function started(wanted: KernelState): Promise<void> {
  wish(reconciler, { 'blue/node': wanted })
  kernel.watch((event) => events.push(event))
  expect((await reconciler.pass({ sweep: SWEEP })).failures).toEqual([])
  await disturbed()
}

describe('a child of a device', () => {
  it('comes after its parent, its parameters and address before it is up, its route last', async () => {
    const child = { ...MACVLAN, parent: 'eth0.100' }
    const wanted = hostChild(child)
    wish(reconciler, { 'blue/node': { ...wanted, links: [...wanted.links, VLAN] } })
    const report = await reconciler.pass({})
    expect(report.failures).toEqual([])
    const words = commandsOfReport(report).map((command) => command.replace(/^(ip link set) dev/, '$1'))
    expect(words.map((command) => command.split(' ').slice(0, 4).join(' '))).toEqual([
      'ip link add link',
      'ip link add link',
      expect.stringMatching(/^sysctl/),
      expect.stringMatching(/^ip address replace/),
      'ip link set eth0.100',
      `ip link set ${CHILD}`,
      expect.stringMatching(/^ip route replace/)
    ])
    expect(words[0]).toContain('eth0.100')
  })

  it('goes before its parent', async () => {
    const wanted = hostChild({ ...MACVLAN, parent: 'eth0.100' })
    wish(reconciler, { 'blue/node': { ...wanted, links: [VLAN, ...wanted.links] } })
    await reconciler.pass({})
    const removals = uninstallChanges(await kernel.read({ links: true, routes: 'all' }))
    expect(removals.flatMap(({ kind, value }) => (kind === 'link' ? [value.name] : []))).toEqual([
      CHILD,
      'eth0.100'
    ])
  })

  it('is there again with its address and route when its parent was gone and is back', async () => {
    const parent: Link = { name: 'eth1.7', kind: { type: 'vlan', parent: 'eth1', vlanId: 7 }, up: true }
    await kernel.apply([{ action: 'create', kind: 'link', value: parent }])
    await started(hostChild({ ...MACVLAN, parent: 'eth1.7' }))
    const before = kernel.toString()
    kernel.faults.loseDevice('eth1.7')
    expect(await disturbed()).toBe(true)
    const report = await reconciler.pass({})
    expect(report.failures[0]?.error?.code).toBe('TRI_KERNEL_NOT_FOUND')
    await disturbed()
    await kernel.apply([{ action: 'create', kind: 'link', value: parent }])
    expect(await disturbed()).toBe(true)
    expect((await reconciler.pass({})).failures).toEqual([])
    expect(kernel.toString()).toBe(before)
  })

  it('stays while the device that it is to stand on is not there: it may have another name now', async () => {
    await started(hostChild(MACVLAN))
    wish(reconciler, { 'blue/node': hostChild({ ...MACVLAN, parent: 'lan0', mode: 'private' }) })
    const report = await reconciler.pass({ sweep: SWEEP })
    expect(report.failures.map(({ error }) => error?.code)).toEqual(['TRI_KERNEL_NOT_FOUND'])
    expect(report.failures[0]?.error?.details).toContain('has parent eth0, wanted lan0')
    // What can be changed on it is.
    expect((await kernel.read({ links: [CHILD] })).links[0]?.kind).toMatchObject({ mode: 'private' })
    expect(commandsOfReport(report).filter((command) => command.includes(' del '))).toEqual([])
  })

  it('moves to the device that it is to stand on when that is there', async () => {
    await started(hostChild(MACVLAN))
    wish(reconciler, { 'blue/node': hostChild({ ...MACVLAN, parent: 'eth1' }) })
    expect((await reconciler.flush()).failures).toEqual([])
    expect((await kernel.read({ links: [CHILD] })).links[0]?.kind).toMatchObject({ parent: 'eth1' })
    expect(reconciler.standing('')).toMatchObject({ missing: [] })
  })

  it('of somebody else, on another device, is not touched', async () => {
    const foreign: Link = { name: CHILD, kind: { ...MACVLAN, parent: 'eth1' }, up: true }
    await kernel.apply([{ action: 'create', kind: 'link', value: foreign }])
    const before = kernel.toString()
    wish(reconciler, { 'blue/node': hostChild({ ...MACVLAN, parent: 'lan0', mode: 'private' }) })
    const report = await reconciler.pass({ sweep: SWEEP })
    expect(report.failures.map(({ error }) => error?.code)).toEqual(['TRI_KERNEL_EXISTS'])
    expect(kernel.toString()).toBe(before)
  })
})

describe('ipvlan', () => {
  it('set to another mode by somebody is set back, on the living device', async () => {
    await plug(ipvlan('l2'))
    await started(hostChild(ipvlan('l2')))
    const [before] = (await kernel.read({ links: [CHILD] })).links
    const pod = await kernel.namespace(POD)
    await pod.apply([{ action: 'set', kind: 'link', value: { name: 'eth0', kind: ipvlan('l3', '') } }])
    expect(await disturbed()).toBe(true)
    const report = await reconciler.pass({ sweep: SWEEP })
    expect(commandsOfReport(report)).toEqual([`ip link set dev ${CHILD} type ipvlan mode l2 bridge`])
    expect((await podLinks())[0]?.kind).toMatchObject({ mode: 'l2' })
    expect((await kernel.read({ links: [CHILD] })).links[0]?.index).toBe(before?.index)
  })

  it('whose flag somebody changed, of which Linux says nothing, is set back by the full pass', async () => {
    await started(hostChild(ipvlan('l2')))
    await plug({ ...ipvlan('l2'), flag: 'private' })
    expect(await disturbed()).toBe(false)
    const report = await reconciler.pass({ sweep: SWEEP })
    expect(commandsOfReport(report)).toEqual([`ip link set dev ${CHILD} type ipvlan mode l2 bridge`])
    expect((await podLinks())[0]?.kind).toMatchObject({ mode: 'l2', flag: 'bridge' })
  })

  it('made again gives the pods the mode and flag that they had', async () => {
    await started(hostChild(ipvlan('l2')))
    await plug(ipvlan('l2'))
    kernel.faults.loseDevice(CHILD)
    expect(await disturbed()).toBe(true)
    expect((await reconciler.pass({ sweep: SWEEP })).failures).toEqual([])
    expect((await podLinks())[0]?.kind).toMatchObject({ mode: 'l2', flag: 'bridge' })
    expect((await kernel.read({ links: [CHILD] })).links).toHaveLength(1)
  })
})

describe('sweep', () => {
  it('removes a child and a VLAN that nobody wants, and no link of a pod, wherever it is', async () => {
    await plug(MACVLAN)
    const { namespace: _, ...here } = podLink(MACVLAN, 'podlink0')
    const links: readonly Link[] = [
      ...hostChild(MACVLAN).links,
      VLAN,
      here,
      { name: 'theirs', kind: MACVLAN, up: true }
    ]
    await kernel.apply(
      links.map(({ up: _up, ...value }) => ({ action: 'create', kind: 'link', value }) as const)
    )
    wish(reconciler, {})
    expect((await reconciler.pass({ sweep: SWEEP })).failures).toEqual([])
    const left = (await kernel.read({ links: true })).links.map(({ name }) => name)
    expect(left.sort()).toEqual(['eth0', 'eth1', 'lo', 'podlink0', 'theirs'])
    expect(await podLinks()).toHaveLength(1)
  })

  it('leaves a VLAN that another network wants as it is, with the mark of who made it', async () => {
    wish(reconciler, { 'blue/node': state({ links: [VLAN] }), 'red/node': state({ links: [VLAN] }) })
    expect((await reconciler.pass({ sweep: SWEEP })).failures).toEqual([])
    wish(reconciler, { 'blue/node': undefined })
    await reconciler.flush()
    expect((await reconciler.pass({ sweep: SWEEP })).outcomes).toEqual([])
    expect((await kernel.read({ links: ['eth0.100'] })).links[0]?.alias).toBe('trilane:blue')
    wish(reconciler, { 'red/node': undefined })
    await reconciler.flush()
    expect((await kernel.read({ links: ['eth0.100'] })).links).toEqual([])
  })
})
