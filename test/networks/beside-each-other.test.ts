import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Place, reachability } from '@trilane/testbed'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { NodePlugin, type Target } from '../cni/plugin.ts'
import { addressesOf, resultOf } from '../cni/world.ts'
import {
  BLUE,
  cniConfig,
  named,
  networkOf,
  networkReady,
  prepared,
  storeConfig,
  waitingFor
} from './several.ts'

/** A pod with an interface in each network. */
interface DoublePod {
  readonly place: Place
  readonly plugin: NodePlugin
  readonly target: Target
  readonly plain: string
  readonly blue: string
}

const BLUE_IFNAME = 'net1'

describe('a host-gw network and a vxlan network on two nodes', () => {
  let cluster: Cluster
  const pods: DoublePod[] = []

  async function plug(number: number): Promise<DoublePod> {
    const node = cluster.node(number)
    const place = await cluster.bed.addContainer(node.place, 'pod')
    const plugin = new NodePlugin(node)
    const target: Target = { containerId: `pod-${number}`, netns: place.namespacePath }
    const [plain = ''] = addressesOf(await plugin.add(target, cniConfig('default')))
    const added = await plugin.add({ ...target, ifname: BLUE_IFNAME }, cniConfig('blue'))
    const [blue = ''] = addressesOf(added)
    // The first interface leads out, the second one to its own network.
    expect(resultOf(added).routes.map(({ dst }) => dst)).toContain('10.6.0.0/16')
    return { place, plugin, target, plain, blue }
  }

  beforeAll(async () => {
    cluster = await prepared({ networks: 'default,blue' })
    await storeConfig(cluster, 'blue', BLUE)
    for (const node of cluster.nodes) await node.start()
    for (const node of cluster.nodes) {
      await networkReady(node, 'default', 1)
      await networkReady(node, 'blue', 1)
    }
    for (const number of [1, 2]) pods.push(await plug(number))
  })

  afterAll(() => cluster?.dispose())

  it('carry one pod with an interface in each, by two ADDs', async () => {
    const expectations = reachability()
    for (const from of pods) {
      for (const to of pods.filter((pod) => pod !== from)) {
        expectations.expectSome(from.place, to.place, { address: to.plain })
        expectations.expectSome(from.place, to.place, { address: to.blue })
      }
    }
    await expectations.mustHold()
    for (const { plain, blue } of pods) expect([plain, blue].join(' ')).toMatch(/^10\.5\.\S+ 10\.6\.\S+$/)
  })

  it('have ways of their own: plain routes, and a tunnel', async () => {
    const node = cluster.node(1)
    const routes = await node.routes()
    expect(routes.filter((route) => /^10\.5\..* via 192\.168\.77\.2 dev eth0/.test(route))).toHaveLength(1)
    expect(routes.filter((route) => /^10\.6\..* dev flannel\.6 /.test(route))).toHaveLength(1)
    const [pod] = pods
    const way = await pod?.place.run(['ip', 'route', 'get', pods[1]?.blue ?? ''])
    expect(way?.stdout).toContain(`dev ${BLUE_IFNAME} src ${pod?.blue}`)
  })

  it('have a bridge, a subnet file and addresses each', async () => {
    const node = cluster.node(1)
    const bridges = await node.ip('-j', 'link', 'show', 'type', 'bridge')
    const names = (JSON.parse(bridges) as { ifname: string }[]).map(({ ifname }) => ifname)
    expect(names.sort()).toEqual(['cni-blue', 'cni0'])
    const blue = await networkOf(node, 'blue')
    const text = await readFile(node.file('networks', 'blue.env'), 'utf8')
    expect(text).toContain('FLANNEL_NETWORK=10.6.0.0/16\n')
    expect(text).toContain(`FLANNEL_MTU=${blue.podMtuBytes}\n`)
    expect(await readFile(node.file('subnet.env'), 'utf8')).toContain('FLANNEL_NETWORK=10.5.0.0/16\n')
    const reserved = (network: string) => readdir(node.file('networks', network))
    expect(await reserved('default')).toContain(pods[0]?.plain)
    expect(await reserved('blue')).toContain(pods[0]?.blue)
  })

  it('are in one firewall table', async () => {
    const { stdout } = await cluster.node(1).place.run(['nft', 'list', 'table', 'inet', 'trilane'])
    expect(stdout).toContain('10.5.0.0/16')
    expect(stdout).toContain('10.6.0.0/16')
  })

  it('are asked for by name, by the daemon and without one', async () => {
    const node = cluster.node(1)
    const list = async (...words: string[]) =>
      JSON.parse((await node.trilane('lease', 'list', '--json', ...words)).stdout)
    const subnets = (text: { leases: { subnets: string[] }[] }) =>
      text.leases.flatMap((lease) => lease.subnets)
    expect(subnets(await list())).toEqual([
      expect.stringMatching(/^10\.5\./),
      expect.stringMatching(/^10\.5\./)
    ])
    const blue = [expect.stringMatching(/^10\.6\./), expect.stringMatching(/^10\.6\./)]
    expect(subnets(await list(...named('blue')))).toEqual(blue)
    expect((await node.trilane('config', 'get', ...named('blue'))).stdout).toBe(BLUE)
    const unknown = await node.trilane(
      'lease',
      'list',
      '--networks=default,blue,green',
      '--network-name=green'
    )
    expect(unknown.stderr).toContain(
      'TRI_NETWORK_UNKNOWN: this daemon serves no network "green"; it serves default, blue'
    )
    const nowhere = ['--socket', node.file('nowhere.sock'), `--store-directory=${cluster.storeDirectory}`]
    expect(subnets(await list(...named('blue'), ...nowhere))).toEqual(blue)
    const { stdout } = await node.trilane('status')
    expect(stdout).toMatch(/network default: ready.*network blue: ready/s)
  })

  it('have host ports each, which the node reaches by its loopback address too', async () => {
    const node = cluster.node(1)
    const place = await cluster.bed.addContainer(node.place, 'server')
    const plugin = new NodePlugin(node)
    const target: Target = { containerId: 'server', netns: place.namespacePath }
    const runtimeConfig = { portMappings: [{ hostPort: 8606, containerPort: 80, protocol: 'tcp' }] }
    const config = { ...cniConfig('blue'), runtimeConfig }
    expect(await plugin.add(target, config)).toMatchObject({ status: 0 })
    await place.spawn(['python3', '-m', 'http.server', '80'])
    await node.wait('it answers', async () => {
      const { stdout } = await node.place.run(
        ['curl', '-s', '-m', '2', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1:8606/'],
        { anyStatus: true }
      )
      return stdout === '200'
    })
    const { stdout } = await node.place.run(['nft', 'list', 'chain', 'inet', 'trilane', 'loopback'])
    for (const bridge of ['cni0', 'cni-blue'])
      expect(stdout).toContain(`iifname "${bridge}" ip daddr 127.0.0.0/8 drop`)
    expect(await plugin.del(target, config)).toMatchObject({ status: 0 })
  })

  it('go on while the daemon is away and starts again, and nothing is written then', async () => {
    const node = cluster.node(1)
    await node.wait(
      'Linux is sure of its link-local addresses',
      async () => !(await node.kernelText()).includes(' tentative')
    )
    const before = await node.kernelText()
    await node.stop('SIGKILL')
    await node.start()
    for (const name of ['default', 'blue']) await networkReady(node, name, 1)
    expect(await node.kernelText()).toBe(before)
    const { writes } = await node.client.reconcile()
    expect(writes).toBe(0)
    for (const { plugin, target } of pods.slice(0, 1)) {
      const status = await plugin.whole('STATUS', configOf11('blue'))
      expect(status).toMatchObject({ status: 0 })
      expect((await node.client.pods()).map(({ network }) => network).sort()).toEqual(['blue', 'default'])
      expect(target.containerId).toBe('pod-1')
    }
  })

  it('lose an interface each by its DEL, whatever the other one does', async () => {
    const [pod] = pods
    if (pod === undefined) throw new Error('there is no pod')
    const { plugin, target, place } = pod
    expect(await plugin.del({ ...target, ifname: BLUE_IFNAME }, cniConfig('blue'))).toMatchObject({
      status: 0
    })
    expect((await place.run(['ip', '-o', 'link', 'show'])).stdout).not.toContain(BLUE_IFNAME)
    await reachability()
      .expectSome(place, pods[1]?.place ?? place, { address: pods[1]?.plain ?? '' })
      .mustHold()
    expect(await plugin.del(target, cniConfig('default'))).toMatchObject({ status: 0 })
    expect(await cluster.node(1).client.pods()).toEqual([])
  })

  it('are all gone with an uninstall that has never heard of one of them', async () => {
    const node = cluster.node(1)
    await node.stop()
    const { status, stdout, stderr } = await node.trilane('uninstall', ...node.flags({ networks: undefined }))
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^trilane lease release 10\.6\.\d+\.0-24 --network-name blue$/m)
    expect(stdout).toMatch(/^trilane lease release 10\.5\.\d+\.0-24$/m)
    expect(await node.ip('-o', 'link', 'show')).not.toMatch(/cni0|cni-blue|flannel/)
    expect(await node.routes()).toEqual([])
    for (const names of [['networks'], ['state'], ['subnet.env']]) {
      await expect(readFile(node.file(...names))).rejects.toMatchObject({ code: 'ENOENT' })
    }
    const left = await readdir(join(cluster.storeDirectory, 'blue', 'subnets'))
    expect(left.filter((name) => !name.startsWith('.'))).toHaveLength(1)
  })
})

const configOf11 = (network: string): object => ({ ...cniConfig(network), cniVersion: '1.1.0' })

describe('what is wrong with one network', () => {
  let cluster: Cluster

  afterEach(() => cluster?.dispose())

  it('keeps no other from carrying packets, and is over by itself', async () => {
    cluster = await prepared({ networks: 'default,blue' })
    for (const node of cluster.nodes) await node.start()
    const [one, two] = [cluster.node(1), cluster.node(2)]
    for (const node of [one, two]) await networkReady(node, 'default', 1)
    expect(await waitingFor(one, 'blue')).toContain('there is no network config in file ')
    const status = await one.trilane('status')
    expect(status.status).toBe(1)
    expect(status.stdout).toMatch(/network blue: waiting.*\n {2}TRI_CONFIG_MISSING: .*\n {8}fix: /)
    const pods = [await cluster.attach(one, 'a'), await cluster.attach(two, 'b')]
    await reachability()
      .expectSome(pods[0]?.place ?? one.place, pods[1]?.place ?? two.place, {
        address: pods[1]?.addresses[0] ?? ''
      })
      .mustHold()
    const plugin = new NodePlugin(one)
    const target = { containerId: 'early', netns: pods[0]?.place.namespacePath ?? '', ifname: 'net1' }
    for (const verb of ['ADD', 'DEL']) {
      const { status, stdout } = await plugin.call(verb, target, cniConfig('blue'))
      expect({ status, ...JSON.parse(stdout) }).toMatchObject({ status: 1, code: 11 })
    }

    await storeConfig(cluster, 'blue', 'Network: 10.6.0.0/16\nBackend: {Type: vxlam}\n')
    await one.wait('the mistake is named', async () => (await waitingFor(one, 'blue'))?.includes('vxlam'))
    expect((await networkOf(one, 'default')).state).toBe('ready')

    await storeConfig(cluster, 'blue', BLUE)
    for (const node of [one, two]) await networkReady(node, 'blue', 1)
    expect(await plugin.add(target, cniConfig('blue'))).toMatchObject({ status: 0 })
  })

  it('that has the device or the addresses of another is said, and harms neither', async () => {
    cluster = await prepared({ nodes: 1, networks: 'default,blue,red' })
    await storeConfig(cluster, 'blue', BLUE)
    const node = cluster.node(1)
    await node.start()
    for (const name of ['default', 'blue']) await networkReady(node, name, 0)
    const before = await node.kernelText()
    const isRefused = (words: string) =>
      node.wait(words, async () => (await waitingFor(node, 'red'))?.includes(words))
    await storeConfig(cluster, 'red', BLUE.replace('10.6.0.0', '10.7.0.0'))
    await isRefused('red cannot be on this node beside blue: both have the device flannel.6')
    await storeConfig(cluster, 'red', BLUE.replace('10.6.0.0', '10.5.0.0').replace('VNI: 6', 'VNI: 7'))
    await isRefused(
      'red cannot be on this node beside default: both have addresses of 10.5.0.0/16 and 10.5.0.0/16'
    )
    expect(await node.kernelText()).toBe(before)
    await storeConfig(cluster, 'red', BLUE.replace('10.6.0.0', '10.7.0.0').replace('VNI: 6', 'VNI: 7'))
    await networkReady(node, 'red', 0)
    for (const name of ['default', 'blue']) expect((await networkOf(node, name)).state).toBe('ready')
  })

  it('takes nothing from its pods: whose config is gone at a start goes on as it was', async () => {
    cluster = await prepared({ networks: 'default,blue' })
    await storeConfig(cluster, 'blue', BLUE)
    const [one, two] = [cluster.node(1), cluster.node(2)]
    for (const node of [one, two]) await node.start()
    for (const node of [one, two]) await networkReady(node, 'blue', 1)
    const plug = async (node: ClusterNode) => {
      const place = await cluster.bed.addContainer(node.place, 'pod')
      const target: Target = { containerId: place.name, netns: place.namespacePath }
      const [address = ''] = addressesOf(await new NodePlugin(node).add(target, cniConfig('blue')))
      return { place, target, address }
    }
    const [from, to] = [await plug(one), await plug(two)]
    await one.stop()
    await rm(join(cluster.storeDirectory, 'blue', 'config'))
    await one.start()
    await networkReady(one, 'default', 1)
    const passes = (await networkOf(one, 'default')).kernel.fullPasses
    await one.wait('it has swept what it may', async () => {
      await one.client.reconcile()
      return (await networkOf(one, 'default')).kernel.fullPasses > passes + 1
    })
    expect(await waitingFor(one, 'blue')).toBeDefined()
    await reachability()
      .expectSome(from.place, to.place, { address: to.address })
      .expectSome(to.place, from.place, { address: from.address })
      .mustHold()
  })

  it('ends the daemon when it is the only one', async () => {
    cluster = await prepared({ nodes: 1, networks: 'blue', flags: { 'net-config-path': undefined } })
    await storeConfig(cluster, 'blue', 'Network: 10.6.0.0/16\nBackend: {Type: vxlam}\n')
    const { status, stderr } = await (await cluster.node(1).start()).exited
    expect(stderr).toContain('TRI_BACKEND_UNKNOWN')
    expect(status).toBe(2)
  })
})
