import { needsLinkTypes, type Place, reachability } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { PATIENCE_MS } from '../cluster/until.ts'

needsLinkTypes('vlan')

/**
 * All in one prefix, so that nothing but the tags keeps them apart: red and rose are on VLAN 100, blue is on 200, each with a
 * part of the addresses.
 */
const NETWORKS = {
  red: { vlanId: 100, first: 64, last: 96 },
  rose: { vlanId: 100, first: 112, last: 144 },
  blue: { vlanId: 200, first: 160, last: 192 }
} as const

type Name = keyof typeof NETWORKS

interface Pod {
  readonly place: Place
  readonly network: Name
  readonly address: string
  readonly node: ClusterNode
}

describe('macvlan on two VLANs of one device, one of them for two networks', () => {
  let cluster: Cluster
  let paths: Readonly<Record<Name, string>>
  const pods: Pod[] = []

  /** Starts the daemon with these networks. */
  async function serve(node: ClusterNode, names: readonly Name[]): Promise<void> {
    await node.start({
      'net-config-path': undefined,
      networks: names.join(','),
      'net-config-paths': names.map((name) => `${name}=${paths[name]}`)
    })
  }

  const ready = (node: ClusterNode, count: number) =>
    node.wait('its networks are ready', async () => {
      const { networks } = await node.client.status()
      return networks.length === count && networks.every(({ state }) => state === 'ready')
    })

  beforeAll(async () => {
    cluster = await Cluster.prepare({ flags: { 'full-pass': '2s' } })
    const written = Object.entries(NETWORKS).map(async ([name, { vlanId, first, last }]) => {
      const config = `Network: 192.168.100.0/24
SubnetLen: 28
SubnetMin: 192.168.100.${first}
SubnetMax: 192.168.100.${last}
Backend: {Type: macvlan, VLAN: ${vlanId}}
`
      return [name, await cluster.writeConfig(`${name}.yaml`, config)] as const
    })
    paths = Object.fromEntries(await Promise.all(written)) as Record<Name, string>
    const two = cluster.node(2)
    // The operator's own, by a name that says nothing.
    await two.ip('link', 'add', 'link', 'eth0', 'name', 'storage', 'type', 'vlan', 'id', '100')
    await two.ip('link', 'set', 'storage', 'up')
    const names = Object.keys(NETWORKS) as Name[]
    await Promise.all(cluster.nodes.map((node) => serve(node, names)))
    for (const node of cluster.nodes) {
      await ready(node, names.length)
      for (const network of names) {
        const place = await cluster.bed.addContainer(node.place, network)
        const request = { containerId: `${node.name}-${network}`, ifname: 'eth0', network }
        const { addresses } = await node.client.attach({ ...request, namespace: place.namespacePath })
        pods.push({ place, network, node, address: addresses[0]?.address ?? '' })
      }
    }
  })
  afterAll(() => cluster?.dispose())

  function talk(among: readonly Pod[]): ReturnType<typeof reachability> {
    const expectations = reachability()
    for (const from of among) {
      for (const to of among.filter((one) => one !== from)) {
        const isSame = NETWORKS[from.network].vlanId === NETWORKS[to.network].vlanId
        expectations[isSame ? 'expectSome' : 'expectNone'](from.place, to.place, { address: to.address })
      }
    }
    for (const { node, place, address } of among) expectations.expectSome(node.place, place, { address })
    return expectations
  }

  async function vlansOf(node: ClusterNode): Promise<string[]> {
    const links = JSON.parse(await node.ip('-json', '-details', 'link', 'show', 'type', 'vlan')) as {
      ifname?: string
      linkinfo?: { info_data: { id: number } }
    }[]
    return links.flatMap(({ ifname, linkinfo }) =>
      ifname === undefined ? [] : [`${ifname} ${linkinfo?.info_data.id}`]
    )
  }

  it('lets each VLAN’s pods reach each other on all nodes, and nobody else', async () => {
    await talk(pods).mustHold({ withinMs: PATIENCE_MS })
  })

  it('makes one device for each VLAN, uses the operator’s, and writes nothing more', async () => {
    const [one, two] = [cluster.node(1), cluster.node(2)]
    expect((await vlansOf(one)).sort()).toEqual(['eth0.100 100', 'eth0.200 200'])
    expect((await vlansOf(two)).sort()).toEqual(['eth0.200 200', 'storage 100'])
    expect(await two.ip('link', 'show', 'storage')).not.toContain('alias')
    for (const node of cluster.nodes) {
      expect(await node.client.reconcile()).toMatchObject({ writes: 0, failures: [] })
      for (const { health } of (await node.client.status()).networks) expect(health).toEqual([])
    }
  })

  it('keeps a device as long as a network wants it or pods stand on it, and then removes it, but not the operator’s', async () => {
    const [one, two] = [cluster.node(1), cluster.node(2)]
    const kept = async () =>
      (await one.client.status()).networks.flatMap(({ health }) =>
        health.filter(({ code }) => code === 'TRI_VLAN_KEPT')
      )
    await one.stop()
    await serve(one, ['rose'])
    await one.wait('it says that blue’s is kept', async () => (await kept()).length > 0)
    expect(await kept()).toMatchObject([
      {
        severity: 'low',
        text: expect.stringMatching(/ eth0\.200 .* 1 pods stand on it: blue\/node1-blue\/eth0$/)
      }
    ])
    expect((await vlansOf(one)).sort()).toEqual(['eth0.100 100', 'eth0.200 200'])
    const others = reachability()
    const blue = pods.filter(({ network }) => network === 'blue')
    const [mine, theirs] = [blue.find(({ node }) => node === one), blue.find(({ node }) => node === two)]
    if (mine === undefined || theirs === undefined) throw new Error('each node has a pod of blue')
    others.expectSome(theirs.place, mine.place, { address: mine.address })
    for (const pod of pods.filter(({ network }) => network === 'rose')) {
      others.expectSome(pod.node.place, pod.place, { address: pod.address })
    }
    await others.mustHold({ withinMs: PATIENCE_MS })
    // As it ends.
    await mine.place.run(['ip', 'link', 'delete', 'eth0'])
    await one.wait('blue’s is gone', async () => (await vlansOf(one)).join() === 'eth0.100 100')
    await one.wait('nothing is said any more', async () => (await kept()).length === 0)

    await two.stop()
    const flags = two.flags({ 'net-config-path': undefined, networks: 'red,rose,blue' })
    const done = await two.trilane('uninstall', ...flags)
    expect(done.status, done.stderr).toBe(0)
    expect(await vlansOf(two)).toEqual(['storage 100'])
  })
})
