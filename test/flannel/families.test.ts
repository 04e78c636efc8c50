import { readFile } from 'node:fs/promises'
import { reachability } from '@trilane/testbed'
import { describe, expect, it } from 'vitest'
import { Cluster } from '../cluster/cluster.ts'
import { podsTalk } from '../cluster/traffic.ts'

/** Numbers are those of flannel's scenarios in docs/testing.md. */
describe('families', () => {
  it.each([
    ['23: in both families', 'vxlan-dual-stack', 2],
    ['24: in IPv6 alone', 'vxlan-ipv6', 1]
  ] as const)(
    '%s two nodes reach each other with packets of exactly the MTU, which is 1430',
    async (_, config, families) => {
      await using cluster = await Cluster.create({ nodes: 2, config })
      const [one, two] = cluster.nodes
      if (one === undefined || two === undefined) throw new Error('there are no nodes')
      for (const node of cluster.nodes) {
        const { podMtuBytes, lease, state } = await node.network()
        expect(state).toBe('ready')
        expect(lease?.subnets).toHaveLength(families)
        // 1500 - 70: the outer IPv6 header is 20 bytes longer than IPv4's.
        expect(podMtuBytes).toBe(1430)
        expect(await readFile(node.file('subnet.env'), 'utf8')).toContain('FLANNEL_MTU=1430\n')
      }
      expect((await one.network()).lease?.key).not.toBe((await two.network()).lease?.key)
      const [from, to] = [await cluster.attach(one, 'a'), await cluster.attach(two, 'a')]
      expect(to.addresses).toHaveLength(families)
      await podsTalk([from, to])
      const expectations = reachability()
      for (const address of to.addresses) {
        expectations.expectSome(from.place, to.place, { address, sizeBytes: 1430, dontFragment: true })
        expectations.expectNone(from.place, to.place, { address, sizeBytes: 1431, dontFragment: true })
      }
      await expectations.mustHold()
    }
  )
})
