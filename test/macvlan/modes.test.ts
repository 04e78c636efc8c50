import { type Place, type Reachability, reachability, Switch } from '@trilane/testbed'
import { afterEach, describe, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import { OUTSIDER, type Underlay, underlayCluster } from '../cluster/underlay.ts'

let lan: Underlay | undefined
afterEach(async () => {
  await lan?.cluster.dispose()
  lan = undefined
})

/** Two pods on the first node, one on the second. */
async function threePods(
  mode: string
): Promise<{ readonly lan: Underlay; readonly pods: readonly [Pod, Pod, Pod] }> {
  lan = await underlayCluster({ backend: `{Type: macvlan, Mode: ${mode}}` })
  const { cluster } = lan
  const [one, two] = [cluster.node(1), cluster.node(2)]
  return {
    lan,
    pods: [await cluster.attach(one, 'a'), await cluster.attach(one, 'b'), await cluster.attach(two, 'c')]
  }
}

/** Both ways. */
function expectBetween(expectations: Reachability, a: Pod, b: Pod, some: boolean): void {
  for (const [from, to] of [
    [a, b],
    [b, a]
  ] as const) {
    const target = { address: to.addresses[0] ?? '' }
    if (some) expectations.expectSome(from.place, to.place, target)
    else expectations.expectNone(from.place, to.place, target)
  }
}

describe.each(['private', 'vepa'])('macvlan in mode %s', (mode) => {
  it('isolates pods of one node and its node; others of the segment are reached', async () => {
    const { lan, pods } = await threePods(mode)
    const [a, b, c] = pods
    const expectations = reachability()
    expectBetween(expectations, a, b, false)
    expectBetween(expectations, a, c, true)
    for (const pod of pods) {
      expectations.expectSome(pod.place, lan.outsider, { address: OUTSIDER.v4 })
      expectations.expectSome(lan.outsider, pod.place, { address: pod.addresses[0] ?? '' })
    }
    const [one, two] = [lan.cluster.node(1), lan.cluster.node(2)]
    expectations.expectNone(one.place, a.place, { address: a.addresses[0] ?? '' })
    expectations.expectNone(a.place, one.place, { address: '192.168.77.1' })
    expectations.expectSome(two.place, a.place, { address: a.addresses[0] ?? '' })
    expectations.expectSome(a.place, two.place, { address: '192.168.77.2' })
    await expectations.mustHold()
    expect((await one.network()).separations?.map(({ between }) => between)).toEqual([
      'node and own pods',
      'pods of one node'
    ])
    const { stdout } = await one.trilane('status', '--socket', one.socketPath)
    expect(stdout).toMatch(/^ {2}separate +node and own pods: in mode .* nothing passes/m)
  })
})

describe('macvlan in mode vepa behind a switch that sends back', () => {
  it('lets pods of one node reach each other by way of the switch', async () => {
    const { lan, pods } = await threePods('vepa')
    const [a, b] = pods
    await setHairpin(lan.cluster.segment, 'node1')
    const expectations = reachability()
    expectBetween(expectations, a, b, true)
    await expectations.mustHold()
  })
})

describe('macvlan in mode passthru', () => {
  it('is refused on the uplink, which it would take away from the node', async () => {
    lan = await underlayCluster({ backend: '{Type: macvlan, Mode: passthru}', start: false })
    const node = lan.cluster.node(1)
    const { status } = await (await node.start()).exited
    expect(status).not.toBe(0)
    expect(node.log()).toContain('takes all that arrives there')
  })

  it('gives a card of their own to one pod of each node', async () => {
    lan = await underlayCluster({ backend: '{Type: macvlan, Mode: passthru, Parent: pods0}', start: false })
    const { cluster, outsider } = lan
    for (const node of cluster.nodes) await addCard(cluster.segment, node.place)
    await cluster.start()
    const [one, two] = [cluster.node(1), cluster.node(2)]
    const [a, b] = [await cluster.attach(one, 'a'), await cluster.attach(two, 'b')]
    await expect(cluster.attach(one, 'second')).rejects.toMatchObject({ code: 'TRI_PARENT_BUSY' })
    expect(await one.client.pods()).toHaveLength(1)
    const expectations = reachability()
    expectBetween(expectations, a, b, true)
    expectations.expectSome(outsider, a.place, { address: a.addresses[0] ?? '' })
    await expectations.mustHold()
    await one.client.detach({ containerId: a.containerId, ifname: 'eth0' })
    await cluster.attach(one, 'third')
  })
})

/** The port of that machine sends back what came by it. */
async function setHairpin(segment: Place, machine: string): Promise<void> {
  await segment.run(['bridge', 'link', 'set', 'dev', machine, 'hairpin', 'on'])
}

/** A second card, for pods alone, on the same switch. */
async function addCard(segment: Place, node: Place): Promise<void> {
  const port = `${node.name}p`
  const pair = ['type', 'veth', 'peer', 'name', 'pods0', 'netns', node.namespace]
  await segment.run(['ip', 'link', 'add', port, ...pair])
  await segment.run(['ip', 'link', 'set', port, 'master', Switch.BRIDGE, 'up'])
  await node.run(['ip', 'link', 'set', 'pods0', 'up'])
}
