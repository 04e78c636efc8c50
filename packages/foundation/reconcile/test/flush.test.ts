import type { KernelState, Link } from '@trilane/contracts'
import { type MemoryKernel, memoryNode } from '@trilane/kernel-memory'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Reconciler } from '../src/index.ts'
import {
  address,
  bridge,
  commandsOfReport,
  fdb,
  makeOn,
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

let kernel: MemoryKernel
let reconciler: Reconciler

beforeEach(() => {
  kernel = memoryNode({ links: ['eth0 192.168.1.1/24'] })
  ;({ reconciler } = reconcilerOf(kernel))
})

describe('flush', () => {
  it('before anything was read is a pass', async () => {
    await makeOn(kernel, { links: [bridge('cni0')] })
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
    await makeOn(kernel, { routes: [foreign] })
    wish(reconciler, { peer: undefined })
    expect((await reconciler.flush()).failures).toEqual([])
    expect(await routesOn(kernel)).toMatchObject([{ gateway: foreign.gateway, protocol: 4 }])
  })

  it('does not delete what it found without a mark', async () => {
    const { alias: _, ...plain } = bridge('br0')
    await makeOn(kernel, { links: [plain], addresses: [address('br0', '10.5.1.1/24')] })
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
    expect(await routesOn(kernel)).toMatchObject([way])
  })

  it('writes again what was on a child of a device that is made again', async () => {
    const child: Link = { name: 'mv0', kind: { type: 'macvlan', parent: 'tun0' }, up: true }
    const way = { destination: net('10.9.0.0/16'), device: 'mv0', protocol: 133 }
    const parent = (vni: number): KernelState => state({ links: [vxlan('tun0', vni)] })
    wish(reconciler, { parent: parent(1), child: state({ links: [child] }), way: state({ routes: [way] }) })
    await reconciler.pass({})
    wish(reconciler, { parent: parent(2) })
    expect((await reconciler.flush()).failures).toEqual([])
    expect(await routesOn(kernel)).toMatchObject([way])
    expect((await reconciler.pass({})).outcomes).toEqual([])
  })

  it('tries a removal that failed again', async () => {
    wish(reconciler, { peer: routedPeer(2) })
    await reconciler.pass({})
    kernel.faults.failNext(({ action }) => action === 'remove')
    wish(reconciler, { peer: undefined })
    expect((await reconciler.flush()).failures).toHaveLength(1)
    expect(await reconciler.pass({})).toMatchObject({ writes: 1, failures: [] })
    expect(await routesOn(kernel)).toEqual([])
  })
})
