import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster, machineIdOf } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'

let cluster: Cluster

afterEach(() => cluster?.dispose())

const subnetEnv = (node: ClusterNode): Promise<string> => readFile(node.file('subnet.env'), 'utf8')

describe('subnet.env', () => {
  it('is what flanneld writes, byte for byte', async () => {
    cluster = await Cluster.create({ nodes: 1 })
    const node = cluster.node(1)
    const [, third] = /^10\.5\.(\d+)\.0-24$/.exec((await node.network()).lease?.key ?? '') ?? []
    expect(await subnetEnv(node)).toBe(
      `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.${third}.1/24\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n`
    )
    // Container engines of other users read it.
    expect((await stat(node.file('subnet.env'))).mode & 0o777).toBe(0o644)
  })

  it('is what flanneld writes for both families, byte for byte', async () => {
    cluster = await Cluster.create({ nodes: 1, config: 'host-gw-dual-stack', flags: { 'ip-masq': 'true' } })
    const node = cluster.node(1)
    const key = (await node.network()).lease?.key ?? ''
    const [, third, fourth] = /^10\.5\.(\d+)\.0-24&fd00:5:0:([0-9a-f]+)::-64$/.exec(key) ?? []
    expect(await subnetEnv(node)).toBe(
      [
        'FLANNEL_NETWORK=10.5.0.0/16',
        `FLANNEL_SUBNET=10.5.${third}.1/24`,
        'FLANNEL_IPV6_NETWORK=fd00:5::/48',
        `FLANNEL_IPV6_SUBNET=fd00:5:0:${fourth}::1/64`,
        'FLANNEL_MTU=1500',
        'FLANNEL_IPMASQ=true',
        ''
      ].join('\n')
    )
  })

  it('gives a node its subnet again when the store lost everything and the machine has another id', async () => {
    cluster = await Cluster.prepare({ nodes: 1 })
    const node = cluster.node(1)
    // As flanneld left it: no choice of ours would be this subnet.
    await writeFile(
      node.file('subnet.env'),
      'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.234.1/24\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n'
    )
    await node.start()
    await node.ready()
    expect((await node.network()).lease?.key).toBe('10.5.234.0-24')
    await node.stop()
    await rm(cluster.storeDirectory, { recursive: true })
    await mkdir(cluster.storeDirectory)
    await node.start({ 'machine-id': machineIdOf('another') })
    await node.ready()
    expect((await node.network()).lease?.key).toBe('10.5.234.0-24')
  })

  it('does not give a node a subnet that another one holds', async () => {
    cluster = await Cluster.create({ nodes: 1 })
    const taken = (await cluster.node(1).network()).lease
    const node = await cluster.addNode(2)
    const text = (await subnetEnv(cluster.node(1))).toString()
    await writeFile(node.file('subnet.env'), text)
    await node.start()
    await node.settled(1)
    expect((await node.network()).lease?.key).not.toBe(taken?.key)
    expect((await cluster.node(1).network()).lease?.key).toBe(taken?.key)
  })
})
