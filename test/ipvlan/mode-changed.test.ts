import { needsLinkTypes, type Place, reachability } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { PATIENCE_MS } from '../cluster/until.ts'

needsLinkTypes('ipvlan')

/** Both on one device, each with a part of its segment. */
const NETWORKS = { red: 64, blue: 128 } as const

describe('ipvlans whose mode somebody changes while the daemon is down', () => {
  let cluster: Cluster
  let node: ClusterNode
  const pods: { readonly place: Place; readonly address: string }[] = []

  async function serve(): Promise<void> {
    await node.ready()
    await node.wait('its networks are ready', async () => {
      const { networks } = await node.client.status()
      return networks.length === 2 && networks.every(({ state }) => state === 'ready')
    })
  }

  beforeAll(async () => {
    const flags: string[] = []
    cluster = await Cluster.prepare({ nodes: 1, flags: { 'full-pass': '2s' } })
    node = cluster.node(1)
    for (const [name, first] of Object.entries(NETWORKS)) {
      const config = `Network: 192.168.77.0/24
SubnetLen: 28
SubnetMin: 192.168.77.${first}
SubnetMax: 192.168.77.${first + 32}
Backend: {Type: ipvlan}
`
      flags.push(`${name}=${await cluster.writeConfig(`${name}.yaml`, config)}`)
    }
    const names = Object.keys(NETWORKS).join(',')
    const several = { 'net-config-path': undefined, networks: names, 'net-config-paths': flags }
    await node.start(several)
    await serve()
    for (const network of Object.keys(NETWORKS)) {
      const place = await cluster.bed.addContainer(node.place, network)
      const request = { containerId: network, ifname: 'eth0', network, namespace: place.namespacePath }
      const { addresses } = await node.client.attach(request)
      pods.push({ place, address: addresses[0]?.address ?? '' })
    }
    await node.stop()
    await node.ip('link', 'add', 'link', 'eth0', 'name', 'foreign', 'type', 'ipvlan', 'mode', 'l3')
    await node.start(several)
  })
  afterAll(() => cluster?.dispose())

  it('are mended by its start, though the other’s stays: neither theirs nor each other’s are in the way', async () => {
    const modeOf = async ({ place }: (typeof pods)[number]) =>
      (await place.run(['ip', '-details', 'link', 'show', 'eth0'])).stdout
    await serve()
    for (const pod of pods) expect(await modeOf(pod)).toContain('mode l2 bridge')
    expect(node.log()).not.toContain('TRI_PARENT_BUSY')
    const expectations = reachability()
    for (const { place, address } of pods) {
      expectations.expectSome(node.place, place, { address })
      expectations.expectSome(place, node.place, { address: '192.168.77.1' })
    }
    const [red, blue] = pods
    if (red === undefined || blue === undefined) throw new Error('each network has a pod')
    expectations.expectSome(red.place, blue.place, { address: blue.address })
    await expectations.mustHold({ withinMs: PATIENCE_MS })
  })
})
