import { reachability } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'

describe('host-gw on one segment', () => {
  let cluster: Cluster
  /** By node, then by pod. */
  let pods: Pod[][]

  beforeAll(async () => {
    cluster = await Cluster.create({ nodes: 3, config: 'host-gw-dual-stack' })
    pods = []
    for (const node of cluster.nodes)
      pods.push([await cluster.attach(node, 'a'), await cluster.attach(node, 'b')])
  })

  afterAll(() => cluster?.dispose())

  it('lets every pod and every node reach every pod in both families, and nobody else', async () => {
    const all = pods.flat()
    const expectations = reachability()
    for (const target of all) {
      expect(target.addresses).toHaveLength(2)
      for (const address of target.addresses) {
        for (const from of all.filter((pod) => pod !== target))
          expectations.expectSome(from.place, target.place, { address })
        for (const from of cluster.nodes) expectations.expectSome(from.place, target.place, { address })
      }
    }
    // Somebody on the segment whom nobody told the way.
    const outsider = await cluster.bed.addOutside('outsider', {
      switch: cluster.segment,
      addresses: ['192.168.77.200/24', 'fd77::200/64']
    })
    // And addresses of the network that no pod has.
    const [from] = all
    const node = cluster.node(2)
    if (from === undefined) throw new Error('there is no pod')
    for (const target of pods[1] ?? []) {
      for (const address of target.addresses) expectations.expectNone(outsider, target.place, { address })
    }
    for (const address of await unusedAddresses(node))
      expectations.expectNone(from.place, node.place, { address })
    await expectations.mustHold()
  })

  it('carries packets of exactly the MTU, and refuses one byte more', async () => {
    const { podMtuBytes } = await cluster.node(1).network()
    // host-gw adds nothing: the pods have what the nodes' network has.
    expect(podMtuBytes).toBe(1500)
    const [from, to] = [pods[0]?.[0], pods[1]?.[0]]
    if (from === undefined || to === undefined) throw new Error('there are no pods')
    const expectations = reachability()
    for (const address of to.addresses) {
      expectations.expectSome(from.place, to.place, { address, sizeBytes: 1500, dontFragment: true })
      expectations.expectNone(from.place, to.place, { address, sizeBytes: 1501, dontFragment: true })
    }
    await expectations.mustHold()
  })

  it('shows each node as ready, with every peer complete', async () => {
    const { status, stdout } = await cluster.node(1).trilane('status')
    expect(stdout).toContain('network default: ready')
    expect(stdout.match(/ host-gw {2}2\/2 .* the only lane/g)).toHaveLength(2)
    expect(status).toBe(0)
  })
})

async function unusedAddresses(node: ClusterNode): Promise<string[]> {
  const { lease } = await node.network()
  return (lease?.subnets ?? []).map((subnet) =>
    subnet.includes(':') ? subnet.replace(/::\/64$/, '::99') : subnet.replace(/\.0\/24$/, '.99')
  )
}

describe('host-gw with a node behind a router', () => {
  let cluster: Cluster
  let far: ClusterNode

  beforeAll(async () => {
    cluster = await Cluster.prepare({ nodes: 2, config: 'host-gw-dual-stack' })
    const elsewhere = await cluster.addElsewhere()
    far = await cluster.addNode(3, elsewhere.host(3))
    await cluster.start()
  })

  afterAll(() => cluster?.dispose())

  it('says on each side who cannot be reached, from where, and what to do', async () => {
    const sides = [
      { node: cluster.node(1), peer: 'node3', peerAddress: '192.168.88.3', localAddress: '192.168.77.1/24' },
      { node: far, peer: 'node1', peerAddress: '192.168.77.1', localAddress: '192.168.88.3/24' }
    ]
    for (const { node, peer, peerAddress, localAddress } of sides) {
      const { peers, health, state } = await node.network()
      const problem = peers.find(({ lease }) => lease.node === peer)
      expect(problem).toMatchObject({ wanted: 0, present: 0, error: { code: 'TRI_PEER_NOT_ON_LINK' } })
      expect(problem).not.toHaveProperty('lane')
      expect(problem?.error?.values).toMatchObject({ peer, peerAddress, device: 'eth0', localAddress })
      expect(health).toContainEqual(
        expect.objectContaining({
          code: 'TRI_PEER_NOT_ON_LINK',
          text: `host-gw cannot reach ${peer} at ${peerAddress}: eth0 is ${localAddress}, another network`,
          fix: expect.stringContaining('choose another Backend.Type')
        })
      )
      expect(state).toBe('degraded')
    }
  })

  it('exits 1 from `trilane status` with the same words', async () => {
    const { status, stdout } = await cluster.node(1).trilane('status')
    expect(stdout).toContain('network default: degraded')
    expect(stdout).toContain(
      'TRI_PEER_NOT_ON_LINK: host-gw cannot reach node3 at 192.168.88.3: eth0 is 192.168.77.1/24, another network'
    )
    expect(stdout).toMatch(/fix: .*move the node, or choose another Backend\.Type/)
    expect(status).toBe(1)
  })

  it('serves the peers that are on the segment, and sends nothing astray', async () => {
    const [one, two, three] = [
      await cluster.attach(cluster.node(1), 'a'),
      await cluster.attach(cluster.node(2), 'a'),
      await cluster.attach(far, 'a')
    ]
    const expectations = reachability()
    for (const address of two.addresses) expectations.expectSome(one.place, two.place, { address })
    for (const address of three.addresses) expectations.expectNone(one.place, three.place, { address })
    await expectations.mustHold()
    const farSubnets = (await far.network()).lease?.subnets ?? []
    const routes = (await cluster.node(1).routes('all')).join('\n')
    expect(farSubnets).toHaveLength(2)
    for (const subnet of farSubnets) expect(routes).not.toContain(subnet)
  })
})
