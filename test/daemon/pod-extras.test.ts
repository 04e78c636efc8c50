import { answerOn, askTcp, type Place } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'

import { TRILANE } from './trilane.ts'

const NODE = '192.168.77.1'

let cluster: Cluster
let node: ClusterNode
let outside: Place
beforeAll(async () => {
  cluster = await Cluster.create({ nodes: 1, config: 'host-gw' })
  node = cluster.node(1)
  outside = await cluster.bed.addOutside('outside', {
    switch: cluster.segment,
    addresses: ['192.168.77.200/24']
  })
})
afterAll(() => cluster?.dispose())

const queues = async (place: Place, device: string): Promise<string> =>
  (await place.run(['tc', 'qdisc', 'show', 'dev', device])).stdout

describe('a pod that is attached by the socket, with ports of the node and limits', () => {
  it('is reached by them and kept within them, shows them, and leaves nothing of them', async () => {
    const place = await cluster.bed.addContainer(node.place, 'extras')
    await answerOn(place, 80)
    const key = { containerId: 'extras', ifname: 'eth0' }
    const answer = await node.client.attach({
      ...key,
      namespace: place.namespacePath,
      hostPorts: [
        { hostPort: 8080, podPort: 80 },
        { protocol: 'udp', hostPort: 5353, hostAddress: NODE, podPort: 53 }
      ],
      bandwidth: {
        ingress: { bytesPerSecond: 1_000_000 },
        egress: { bytesPerSecond: 500, burstBytes: 10_000 }
      }
    })
    const shown = {
      hostPorts: [
        { protocol: 'tcp', hostPort: 8080, podPort: 80 },
        { protocol: 'udp', hostPort: 5353, hostAddress: NODE, podPort: 53 }
      ],
      bandwidth: {
        ingress: { bytesPerSecond: 1_000_000, burstBytes: 100_000 },
        egress: { bytesPerSecond: 500, burstBytes: 10_000 }
      }
    }
    expect(answer).toMatchObject(shown)
    expect(await queues(node.place, answer.hostDevice ?? '')).toContain('tbf')
    expect(await queues(place, 'eth0')).toMatch(/tbf .* rate 4Kbit/)

    // What is written down is known to the next process as well.
    await node.restart()
    await node.wait('it is reached', async () => (await askTcp(outside, NODE, 8080)).startsWith(place.name))
    expect((await node.client.pods())[0]).toMatchObject(shown)
    const listed = await node.place.run([TRILANE, 'pod', 'list', '--socket', node.socketPath])
    expect(listed.stdout).toContain(`8080->80/tcp ${NODE}:5353->53/udp  in 8M out 4k`)

    const other = await cluster.bed.addContainer(node.place, 'other')
    const rival = { containerId: 'other', ifname: 'eth0', namespace: other.namespacePath }
    await expect(
      node.client.attach({ ...rival, hostPorts: [{ hostPort: 8080, podPort: 1 }] })
    ).rejects.toMatchObject({
      code: 'TRI_HOST_PORT_REFUSED'
    })
    await node.client.detach(key)
    expect(await askTcp(outside, NODE, 8080)).toBe('refused')
    const late = await node.client.attach({ ...rival, hostPorts: [{ hostPort: 8080, podPort: 1 }] })
    expect(late.hostPorts).toEqual([{ protocol: 'tcp', hostPort: 8080, podPort: 1 }])
    expect(late).not.toHaveProperty('bandwidth')
    await node.client.detach({ containerId: 'other', ifname: 'eth0' })
    expect((await node.place.run(['nft', 'list', 'ruleset'])).stdout).not.toContain('8080')
  })

  it('cannot have one port twice', async () => {
    const place = await cluster.bed.addContainer(node.place, 'twice')
    const request = { containerId: 'twice', ifname: 'eth0', namespace: place.namespacePath }
    const hostPorts = [
      { hostPort: 8081, podPort: 80 },
      { hostPort: 8081, podPort: 81 }
    ]
    await expect(node.client.attach({ ...request, hostPorts })).rejects.toMatchObject({
      code: 'TRI_HOST_PORT_REFUSED'
    })
    expect(await node.client.pods()).toEqual([])
  })
})
