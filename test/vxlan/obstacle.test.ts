import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { TUNNELS, TunnelView } from '../cluster/tunnel.ts'

const HEALED_WITHIN_MS = 1_000
/** No event tells that the obstacle is gone; it is tried after 250 ms, and each time twice as long after. */
const RETRIED_WITHIN_MS = 10_000

let cluster: Cluster
let one: ClusterNode
let pods: readonly Pod[]

beforeAll(async () => {
  cluster = await Cluster.create({ nodes: 3, config: 'vxlan-dual-stack', flags: { 'full-pass': '1h' } })
  one = cluster.node(1)
  pods = await Promise.all(cluster.nodes.map((node) => cluster.attach(node, 'a')))
})

afterAll(() => cluster?.dispose())

async function standingOf(name: string): Promise<string> {
  const peer = (await one.network()).peers.find(({ lease }) => lease.node === name)
  return `${peer?.present}/${peer?.wanted}`
}

/** Of node2, in this node's kernel. */
async function peerOf(family: keyof typeof TUNNELS): Promise<TunnelView['peers'][number]> {
  const { peers } = await TunnelView.of(one)
  const found = peers.find((peer) => peer.device === TUNNELS[family] && /\.2$|::2$/.test(peer.destination))
  if (found === undefined) throw new Error('node2 is not there')
  return found
}

describe('a peer that cannot be programmed', () => {
  it.each([
    // Linux takes no gateway that is this node's own address, and in IPv6 none that another device leads to.
    ['v4', '-4', (gateway: string) => `address ACTION ${gateway}/32 dev lo`],
    ['v6', '-6', (gateway: string) => `-6 route ACTION ${gateway}/128 dev eth0 proto static`]
  ] as const)(
    'harms no other, and is tried again until it can be (IP%s)',
    async (family, option, obstacle) => {
      const { subnet, gateway } = await peerOf(family)
      const act = (action: 'add' | 'del') => one.ip(...obstacle(gateway).replace('ACTION', action).split(' '))
      await act('add')
      await one.ip(option, 'route', 'del', subnet, 'proto', '133')
      await one.wait('it says that the peer is not complete', async () => {
        const { state } = await one.network()
        return state === 'degraded' && (await standingOf('node2')) === '5/6'
      })
      await one.wait('it says why', async () => {
        const { refused } = (await one.network()).kernel
        return refused.some(({ code, message }) => code === 'TRI_KERNEL_REFUSED' && message.includes(subnet))
      })
      expect(await standingOf('node3')).toBe('6/6')
      await podsTalk([pods[0], pods[2]].flatMap((pod) => pod ?? []))

      // A peer that comes meanwhile does not wait for the other.
      const key = '10.5.1.0-24'
      const lease = {
        PublicIP: '192.168.77.101',
        BackendType: 'vxlan',
        BackendData: { VNI: 1, VtepMAC: '02:00:00:00:00:01' }
      }
      await cluster.writeLeases({ [key]: lease })
      const isThere = async () => (await one.routes()).some((route) => route.startsWith('10.5.1.0/24 '))
      const cameMs = await one.wait('the new peer is there', isThere)
      expect(cameMs).toBeLessThan(HEALED_WITHIN_MS)
      await cluster.removeLease(key)

      await act('del')
      const tookMs = await one.wait('it is complete', async () => (await standingOf('node2')) === '6/6')
      const figures = `a new peer after ${Math.round(cameMs)} ms, the other ${Math.round(tookMs)} ms after the way was free`
      console.info(`IP${family}: ${figures}`)
      expect(tookMs).toBeLessThan(RETRIED_WITHIN_MS)
      expect((await one.network()).kernel.refused).toEqual([])
      await one.wait('it is ready', async () => (await one.network()).state === 'ready')
      await podsTalk(pods)
    }
  )
})
