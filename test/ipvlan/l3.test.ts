import { needsLinkTypes, reachability } from '@trilane/testbed'
import { afterEach, describe, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import { OUTSIDER, type Underlay, underlayCluster } from '../cluster/underlay.ts'
import { PATIENCE_MS } from '../cluster/until.ts'

needsLinkTypes('ipvlan')

let lan: Underlay | undefined
afterEach(async () => {
  await lan?.cluster.dispose()
  lan = undefined
})

describe.each([
  ['l3', true],
  ['l3s', false]
] as const)('ipvlan in mode %s, with IPv6: %s', (mode, dual) => {
  it('routes between nodes, answers no broadcast, and needs a route on other machines', async () => {
    lan = await underlayCluster({ backend: `{Type: ipvlan, Mode: ${mode}}`, dual })
    const { cluster, outsider } = lan
    const [one, two] = [cluster.node(1), cluster.node(2)]
    const a = await cluster.attach(one, 'a')
    const b = await cluster.attach(one, 'b')
    const c = await cluster.attach(two, 'c')
    const expectations = reachability()
    const expectPair = (from: Pod, to: Pod) => {
      for (const address of to.addresses) expectations.expectSome(from.place, to.place, { address })
    }
    expectPair(a, b)
    expectPair(a, c)
    expectPair(c, b)
    for (const address of a.addresses) {
      expectations.expectSome(two.place, a.place, { address })
      expectations.expectNone(one.place, a.place, { address })
      expectations.expectNone(outsider, a.place, { address })
    }
    for (const address of ['192.168.77.2', 'fd77::2'].slice(0, a.addresses.length))
      expectations.expectSome(a.place, two.place, { address })
    expectations.expectNone(a.place, outsider, { address: OUTSIDER.v4 })
    await expectations.mustHold({ withinMs: PATIENCE_MS })
    // It was asked for by ARP, which is broadcast, and by neighbour solicitations, which are multicast.
    for (const address of a.addresses) {
      const { stdout } = await outsider.run(['ip', 'neighbour', 'show', address])
      expect(stdout).not.toContain('lladdr')
    }

    for (const [index, address] of a.addresses.entries()) {
      const gateway = ['192.168.77.1', 'fd77::1'][index] ?? ''
      await outsider.run(['ip', 'route', 'add', address, 'via', gateway])
    }
    const routed = reachability()
    for (const address of a.addresses) routed.expectSome(outsider, a.place, { address })
    for (const address of Object.values(OUTSIDER).slice(0, a.addresses.length))
      routed.expectSome(a.place, outsider, { address })
    await routed.mustHold({ withinMs: PATIENCE_MS })
    for (const node of cluster.nodes) {
      expect(await node.client.reconcile()).toMatchObject({ writes: 0, failures: [] })
      expect((await node.network()).health).toEqual([])
    }
  })
})
