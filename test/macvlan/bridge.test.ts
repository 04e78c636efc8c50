import { reachability } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import { nodeAddresses, OUTSIDER, type Underlay, underlayCluster } from '../cluster/underlay.ts'

describe('macvlan in mode bridge, both families', () => {
  let lan: Underlay
  let pods: Pod[][]

  beforeAll(async () => {
    lan = await underlayCluster({ backend: '{Type: macvlan}', dual: true })
    const { cluster } = lan
    pods = []
    for (const node of cluster.nodes) {
      pods.push([await cluster.attach(node, 'a'), await cluster.attach(node, 'b')])
    }
  })

  afterAll(() => lan?.cluster.dispose())

  it('lets everybody on the segment reach everybody: pods, nodes, and a machine that knows nothing of it', async () => {
    const { cluster, outsider } = lan
    const all = pods.flat()
    const expectations = reachability()
    for (const to of all) {
      expect(to.addresses).toHaveLength(2)
      for (const address of to.addresses) {
        for (const from of all.filter((pod) => pod !== to))
          expectations.expectSome(from.place, to.place, { address })
        for (const node of cluster.nodes) expectations.expectSome(node.place, to.place, { address })
        expectations.expectSome(outsider, to.place, { address })
      }
      for (const [index, node] of cluster.nodes.entries()) {
        for (const address of nodeAddresses(index + 1, to))
          expectations.expectSome(to.place, node.place, { address })
      }
      for (const address of Object.values(OUTSIDER)) expectations.expectSome(to.place, outsider, { address })
    }
    await expectations.mustHold()
  })

  it('gives pods addresses of their node’s slice with the prefix length of the network', async () => {
    for (const pod of pods.flat()) {
      const { addresses, hostDevice, parent, mtuBytes } = pod.answer
      expect(hostDevice).toBeUndefined()
      expect(parent).toBe('eth0')
      expect(mtuBytes).toBe(1500)
      expect(addresses.map(({ prefixLength }) => prefixLength)).toEqual([24, 64])
    }
  })

  it('writes nothing more once it stands', async () => {
    for (const node of lan.cluster.nodes) {
      const { writes } = await node.client.reconcile()
      expect(writes).toBe(0)
      expect((await node.network()).health).toEqual([])
    }
  })
})
