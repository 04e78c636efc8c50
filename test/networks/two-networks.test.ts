import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Place, reachability } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { underlayConfig } from '../cluster/underlay.ts'
import { jsonOf, NodePlugin } from '../cni/plugin.ts'

interface Pod {
  readonly node: ClusterNode
  readonly place: Place
  readonly containerId: string
  /** By interface. */
  readonly addresses: Readonly<Record<string, string>>
}

/** Each CNI network names one of the daemon's. */
const CNI = {
  pods: { cniVersion: '1.0.0', name: 'pods', type: 'trilane' },
  lan: { cniVersion: '1.0.0', name: 'lan', type: 'trilane', network: 'lan' }
} as const

describe('a vxlan network and a macvlan network on the same nodes', () => {
  let cluster: Cluster
  const pods: Pod[] = []

  async function attach(
    node: ClusterNode,
    name: string,
    interfaces: Record<string, keyof typeof CNI>
  ): Promise<Pod> {
    const place = await cluster.bed.addContainer(node.place, name)
    const plugin = new NodePlugin(node)
    const addresses: Record<string, string> = {}
    const containerId = `${node.name}-${name}`
    for (const [ifname, network] of Object.entries(interfaces)) {
      const ran = await plugin.add({ containerId, netns: place.namespacePath, ifname }, CNI[network])
      const { ips } = jsonOf(ran) as { ips?: readonly { address: string }[] }
      expect(ran.status, ran.stdout).toBe(0)
      addresses[ifname] = ips?.[0]?.address.split('/')[0] ?? ''
    }
    return { node, place, containerId, addresses }
  }

  beforeAll(async () => {
    cluster = await Cluster.prepare({
      config: 'vxlan',
      flags: { networks: 'default,lan', 'full-pass': '2s' }
    })
    await cluster.start()
  })

  afterAll(() => cluster?.dispose())

  it('carries the first one’s pods while the second one’s config is not there', async () => {
    for (const node of cluster.nodes) {
      const { waiting, networks } = await node.client.status()
      expect(waiting).toMatchObject([{ name: 'lan', problem: { code: 'TRI_CONFIG_MISSING' } }])
      expect(networks.map(({ name, state }) => `${name} ${state}`)).toEqual(['default ready'])
      pods.push(await attach(node, 'bridged', { eth0: 'pods' }))
    }
    const place = await cluster.bed.addContainer(cluster.node(1).place, 'early')
    const target = { containerId: 'early', netns: place.namespacePath }
    const refused = await new NodePlugin(cluster.node(1)).add(target, CNI.lan)
    expect(jsonOf(refused)).toMatchObject({ code: 11 })
    await talk()
  })

  it('serves it as soon as somebody writes it', async () => {
    const file = join(cluster.bed.directory, 'lan.yaml')
    await writeFile(file, underlayConfig({ backend: '{Type: macvlan}' }))
    const set = await cluster
      .node(1)
      .trilane(
        'config',
        'set',
        file,
        '--socket',
        cluster.node(1).socketPath,
        '--networks=default,lan',
        '--network-name=lan'
      )
    expect(set.stderr + set.stdout).toContain('stored')
    for (const node of cluster.nodes) {
      await node.wait('both networks are ready', async () => {
        const { waiting, networks } = await node.client.status()
        return (
          waiting === undefined && networks.length === 2 && networks.every(({ state }) => state === 'ready')
        )
      })
      pods.push(await attach(node, 'on-lan', { eth0: 'lan' }))
      pods.push(await attach(node, 'both', { eth0: 'pods', net1: 'lan' }))
    }
    await talk()
  })

  it('keeps their leases apart', async () => {
    const node = cluster.node(1)
    const list = async (network: string): Promise<readonly string[]> => {
      const { stdout } = await node.trilane(
        'lease',
        'list',
        '--json',
        '--socket',
        node.socketPath,
        '--networks=default,lan',
        `--network-name=${network}`
      )
      return (JSON.parse(stdout) as { leases: { backendType: string }[] }).leases.map(
        ({ backendType }) => backendType
      )
    }
    expect(await list('default')).toEqual(['vxlan', 'vxlan'])
    expect(await list('lan')).toEqual(['macvlan', 'macvlan'])
  })

  it('goes on over a restart, with nothing to write', async () => {
    const node = cluster.node(2)
    await node.restart()
    await node.wait('both networks are ready', async () => {
      const { networks } = await node.client.status()
      return networks.length === 2 && networks.every(({ state }) => state === 'ready')
    })
    expect(await node.client.reconcile()).toMatchObject({ writes: 0, failures: [] })
    await talk()
  })

  it('takes one interface of a pod away and leaves the other', async () => {
    const both = pods.find(({ containerId }) => containerId === 'node1-both')
    if (both === undefined) throw new Error('there is no such pod')
    const target = { containerId: both.containerId, netns: both.place.namespacePath }
    const plugin = new NodePlugin(both.node)
    expect((await plugin.del({ ...target, ifname: 'net1' }, CNI.lan)).status).toBe(0)
    expect((await plugin.del({ ...target, ifname: 'net1' }, CNI.lan)).status).toBe(0)
    const { stdout } = await both.place.run(['ip', '-o', 'link', 'show'])
    expect(stdout).toContain('eth0')
    expect(stdout).not.toContain('net1')
    const left = await both.node.client.pods()
    expect(
      left.filter(({ containerId }) => containerId === both.containerId).map(({ network }) => network)
    ).toEqual(['default'])
  })

  /** Pods of one network reach each other, on both nodes, by that network's addresses. */
  async function talk(): Promise<void> {
    const expectations = reachability()
    for (const prefix of ['10.', '192.168.77.']) {
      const ends = pods.flatMap((pod) =>
        Object.values(pod.addresses)
          .filter((address) => address.startsWith(prefix))
          .map((address) => ({ pod, address }))
      )
      for (const from of ends) {
        for (const to of ends) {
          if (from.pod !== to.pod)
            expectations.expectSome(from.pod.place, to.pod.place, { address: to.address })
        }
      }
    }
    await expectations.mustHold()
  }
})
