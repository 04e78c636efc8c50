import { type Flood, startFlood } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, type Pod } from '../cluster/cluster.ts'
import { type ClusterNode, linesOf } from '../cluster/cluster-node.ts'

let cluster: Cluster
let pods: readonly [Pod, Pod]

beforeAll(async () => {
  cluster = await Cluster.create({ nodes: 2, config: 'host-gw-dual-stack' })
  pods = [await cluster.attach(cluster.node(1), 'a'), await cluster.attach(cluster.node(2), 'a')]
  // The kernel itself writes when duplicate address detection of a new pod's link ends, seconds later.
  for (const node of cluster.nodes) {
    await node.wait(
      'its addresses are settled',
      async () => (await node.ip('-6', 'address', 'show', 'tentative')) === ''
    )
  }
})

afterAll(() => cluster?.dispose())

/** In both families at once. */
async function startFloods(): Promise<Flood[]> {
  const [from, to] = pods
  return Promise.all(
    to.addresses.map((address) =>
      startFlood({ from: from.place, to: to.place, address, packetsPerSecond: 1000 })
    )
  )
}

/** Everything but neighbours, which the packets themselves keep moving. */
async function startMonitor(node: ClusterNode): Promise<{ stop(): Promise<string[]> }> {
  const monitor = await node.place.spawn(['ip', 'monitor', 'link', 'address', 'route', 'netconf'])
  // It does not say when it begins to listen, and how far it is: of these devices it hears.
  const hears = async (device: string): Promise<boolean> => {
    await node.ip('link', 'add', device, 'type', 'bridge')
    await node.ip('link', 'del', 'dev', device)
    return monitor.stdout.includes(device)
  }
  await node.wait('the monitor listens', () => hears('sentinel-begin'))
  return {
    stop: async () => {
      await node.wait('the monitor has heard everything', () => hears('sentinel-end'))
      monitor.kill('SIGTERM')
      const { stdout } = await monitor.exited
      // An event begins at the left; what belongs to it is indented.
      return linesOf(stdout.replace(/\n\s+/g, ' ')).filter((line) => !line.includes('sentinel'))
    }
  }
}

describe('daemons that end and start again', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'lose no packet of pods that talk, and write nothing, when %s ends them',
    async (signal) => {
      const floods = await startFloods()
      const monitors = await Promise.all(cluster.nodes.map(startMonitor))
      await Promise.all(cluster.nodes.map((node) => node.stop(signal)))
      await Promise.all(cluster.nodes.map((node) => node.start()))
      await cluster.settled()
      // Long enough for events of its own start to come back and be judged.
      await new Promise((resolve) => setTimeout(resolve, 300))
      for (const node of cluster.nodes) {
        const { kernel, state, pods } = await node.network()
        expect(state).toBe('ready')
        expect(kernel).toMatchObject({ writes: 0, repairs: 0, missing: [] })
        expect(kernel.present).toBe(kernel.wanted)
        expect(pods).toBe(1)
      }
      for (const monitor of monitors) expect(await monitor.stop()).toEqual([])
      for (const flood of floods) {
        const { sent, lost, duplicates } = await flood.stop()
        expect({ lost, duplicates }).toEqual({ lost: 0, duplicates: 0 })
        // Both ends were at work all the time: at least half a second of a thousand packets.
        expect(sent).toBeGreaterThan(500)
      }
    }
  )

  it('would notice a loss', async () => {
    const floods = await startFloods()
    await cluster.segment.setCable(cluster.node(2).place, 'out')
    await new Promise((resolve) => setTimeout(resolve, 100))
    await cluster.segment.setCable(cluster.node(2).place, 'in')
    for (const flood of floods) expect((await flood.stop()).lost).toBeGreaterThan(0)
  })
})
