import { type FloodResult, startFlood } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, configPath, type Pod } from '../cluster/cluster.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { TunnelView } from '../cluster/tunnel.ts'

let cluster: Cluster
let pods: readonly Pod[]

beforeAll(async () => {
  cluster = await Cluster.create({ nodes: 3, config: 'vxlan-dual-stack' })
  pods = await Promise.all(cluster.nodes.map((node) => cluster.attach(node, 'a')))
})

afterAll(() => cluster?.dispose())

/** While `act` runs, every pod sends to the next one in both families. */
async function flooded(act: () => Promise<void>): Promise<readonly FloodResult[]> {
  const ways = pods.flatMap((from, at) => {
    const to = pods[(at + 1) % pods.length]
    return (to?.addresses ?? []).map((address) => ({
      from: from.place,
      to: to?.place ?? from.place,
      address
    }))
  })
  // Six streams on two processors: a pause of any of them is not to look like one of the network.
  const floods = await Promise.all(ways.map((way) => startFlood({ ...way, packetsPerSecond: 500 })))
  await act()
  return Promise.all(floods.map((flood) => flood.stop()))
}

describe("the cluster's backend, changed node by node", () => {
  it.each([
    ['vxlan', 'host-gw', 'host-gw-dual-stack'],
    ['host-gw', 'vxlan', 'vxlan-dual-stack']
  ] as const)(
    '21: from %s to %s: everybody is reached in the middle, and no packet is lost',
    async (former, next, config) => {
      const results = await flooded(async () => {
        for (const [at, node] of cluster.nodes.entries()) {
          await node.stop()
          await node.start({ 'net-config-path': configPath(config) })
          await node.settled(2)
          await podsTalk(pods)
          const { backend, state } = await node.network()
          expect({ at, backend, state }).toEqual({ at, backend: next, state: 'ready' })
        }
        for (const node of cluster.nodes) {
          await node.wait(`every peer is carried by ${next}`, async () => {
            const { peers, state } = await node.network()
            return state === 'ready' && peers.every(({ lane }) => lane === next)
          })
          // Nothing of the former backend is left.
          await node.wait(`nothing of ${former} is left`, async () => {
            const { text, peers } = await TunnelView.of(node)
            const routes = await node.routes()
            return next === 'vxlan'
              ? peers.length === 4 && routes.every((route) => route.includes(' dev flannel'))
              : !text.includes('flannel') && routes.length === 4
          })
        }
        await podsTalk(pods)
      })
      for (const { sent, lost, longestGapMs } of results)
        console.info(`${former} to ${next}: ${lost} of ${sent} lost, ${Math.round(longestGapMs)} ms at most`)
      expect(results.map(({ lost }) => lost)).toEqual(results.map(() => 0))
    }
  )
})
