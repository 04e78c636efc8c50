import { afterEach, describe, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { TunnelView } from '../cluster/tunnel.ts'
import { until } from '../cluster/until.ts'
import { EtcdCluster, lostWhile } from './etcd-cluster.ts'

/** From the lease in etcd to the kernels of its peers. */
const WITHIN_MS = 2_000

let site: EtcdCluster | undefined

afterEach(async () => {
  await site?.dispose()
  site = undefined
})

/** The machine is gone at once with all that ran on it; another one with its disk is plugged in. */
async function replace(on: EtcdCluster, node: ClusterNode, address: string): Promise<ClusterNode> {
  await node.stop('SIGKILL')
  await on.cluster.bed.unplug(node.place)
  await on.cluster.bed.remove(node.place)
  return on.addNode(3, {}, [`${address}/24`])
}

/** To which addresses of nodes its kernel sends what is for that subnet. */
async function nextHops(node: ClusterNode, type: string, subnet: string): Promise<string[]> {
  if (type === 'vxlan') {
    const { peers } = await TunnelView.of(node)
    return peers.filter((peer) => peer.subnet === subnet).map(({ destination }) => destination)
  }
  return (await node.routes('all'))
    .filter((line) => line.startsWith(`${subnet} `))
    .map((line) => /via (\S+)/.exec(line)?.[1] ?? '')
}

/** As this node's neighbour table has it. */
async function macOf(node: ClusterNode, address: string): Promise<string> {
  return /lladdr (\S+)/.exec(await node.ip('neigh', 'show', address))?.[1] ?? ''
}

describe.each(['vxlan', 'host-gw'])('a node of %s that is lost with its pods', (type) => {
  it('R8: returns with another address, then with another MAC: its peers follow within 2 s, and nothing is left', async () => {
    const on = await EtcdCluster.create({
      nodes: 3,
      config: { Network: '10.5.0.0/16', Backend: { Type: type } }
    })
    site = on
    const [one, two, lost] = [on.node(1), on.node(2), on.node(3)]
    const key = (await lost.network()).lease?.key ?? ''
    const subnet = key.replace('-', '/')
    const pods: readonly Pod[] = [await on.cluster.attach(one, 'a'), await on.cluster.attach(two, 'a')]
    await podsTalk([...pods, await on.cluster.attach(lost, 'a')])
    const before = (await on.leases()).get(key)?.revision

    const packets = await lostWhile(`${type}: a node returns`, pods, async () => {
      const moved = await replace(on, lost, '192.168.77.33')
      await moved.start()
      await moved.wait('its lease says so', async () => (await on.leases()).get(key)?.revision !== before)
      const movedMs = performance.now()
      for (const peer of [one, two]) {
        await peer.wait('it sends to the new address', async () => {
          expect(await nextHops(peer, type, subnet)).toEqual(['192.168.77.33'])
          return true
        })
        expect(await peer.kernelText()).not.toMatch(/192\.168\.77\.3\b/)
      }
      console.log(`${type}: another address after ${Math.round(performance.now() - movedMs)} ms`)
      expect(performance.now() - movedMs).toBeLessThan(WITHIN_MS)
      expect((await moved.network()).lease?.key).toBe(key)
      await moved.settled(2)
      await podsTalk([...pods, await on.cluster.attach(moved, 'b')])

      // The same address on another card: what peers know of it is stale, and nobody tells them.
      const mac = await macOf(one, '192.168.77.33')
      const again = await replace(on, moved, '192.168.77.33')
      await again.start()
      await again.ready()
      const pod = await on.cluster.attach(again, 'c')
      for (const { place } of pods) {
        const tookMs = await until(`${place.name} reaches it`, () =>
          place.run(['ping', '-c', '1', '-W', '0.1', pod.addresses[0] ?? ''])
        )
        console.log(`${type}: another MAC after ${Math.round(tookMs)} ms`)
        expect(tookMs).toBeLessThan(WITHIN_MS)
      }
      expect(mac).not.toBe('')
      expect(await macOf(one, '192.168.77.33')).not.toBe(mac)
      expect(await nextHops(one, type, subnet)).toEqual(['192.168.77.33'])
    })
    expect(packets).toBe(0)
    expect([...(await on.leases()).keys()]).toHaveLength(3)
  })
})
