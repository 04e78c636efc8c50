import { needsLinkTypes, reachability } from '@trilane/testbed'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { OUTSIDER, type Underlay, underlayCluster, underlayConfig } from '../cluster/underlay.ts'
import { PATIENCE_MS } from '../cluster/until.ts'

needsLinkTypes('ipvlan')

/** By the number of the node: a flag is its device's, and another node may have another. */
const FLAGS = { 1: 'private', 2: 'vepa' } as const

interface Place {
  readonly node: ClusterNode
  readonly pods: readonly [Pod, Pod]
}

describe('ipvlan in mode l2', () => {
  let lan: Underlay
  let places: Readonly<Record<1 | 2, Place>>

  beforeAll(async () => {
    const backend = (flag: string) => `{Type: ipvlan, Flag: ${flag}}`
    lan = await underlayCluster({ backend: backend(FLAGS[1]), start: false })
    const { cluster } = lan
    const vepa = await cluster.writeConfig('vepa.yaml', underlayConfig({ backend: backend(FLAGS[2]) }))
    await Promise.all([cluster.node(1).start(), cluster.node(2).start({ 'net-config-path': vepa })])
    await cluster.settled()
    const place = async (number: 1 | 2): Promise<Place> => {
      const node = cluster.node(number)
      return { node, pods: [await cluster.attach(node, 'a'), await cluster.attach(node, 'b')] }
    }
    places = { 1: await place(1), 2: await place(2) }
  })
  afterAll(() => lan?.cluster.dispose())

  it.each([
    [FLAGS[1], 1, 2],
    [FLAGS[2], 2, 1]
  ] as const)(
    'with flag %s isolates pods of one node and its node; others of the segment are reached',
    async (_, here, there) => {
      const { node, pods } = places[here]
      const [a, b] = pods
      const [c] = places[there].pods
      const to = ({ addresses }: Pod) => ({ address: addresses[0] ?? '' })
      await reachability()
        .expectNone(a.place, b.place, to(b))
        .expectNone(b.place, a.place, to(a))
        .expectNone(node.place, a.place, to(a))
        .expectNone(a.place, node.place, { address: `192.168.77.${here}` })
        .expectSome(a.place, c.place, to(c))
        .expectSome(c.place, b.place, to(b))
        .expectSome(places[there].node.place, a.place, to(a))
        .expectSome(lan.outsider, a.place, to(a))
        .expectSome(a.place, lan.outsider, { address: OUTSIDER.v4 })
        .mustHold({ withinMs: PATIENCE_MS })
    }
  )
})
