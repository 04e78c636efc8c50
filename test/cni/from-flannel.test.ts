import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Place } from '@trilane/testbed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { failureOf, jsonOf, NodePlugin, type Target } from './plugin.ts'
import { addressesOf, resultOf } from './world.ts'

/** Debian's place for the reference plugins. */
const REFERENCE = '/usr/lib/cni'

/** flannel's name for its CNI network, and so of host-local's directory. */
const NAME = 'cbr0'
const SUBNET = '10.5.71'
const LENGTH = 28
/** The subnet without network, gateway and broadcast address. */
const ROOM = 13
const NETWORK = `Network: 10.5.0.0/16\nSubnetLen: ${LENGTH}\nBackend: {Type: host-gw}\n`

/** What flannel's plugin asks of the bridge plugin. */
const delegate = (dataDir: string): object => ({
  cniVersion: '0.4.0',
  name: NAME,
  type: 'bridge',
  mtu: 1500,
  hairpinMode: true,
  ipMasq: false,
  isGateway: true,
  isDefaultGateway: true,
  ipam: {
    type: 'host-local',
    dataDir,
    ranges: [[{ subnet: `${SUBNET}.0/${LENGTH}` }]],
    routes: [{ dst: '10.5.0.0/16' }]
  }
})

const CONFIG = { cniVersion: '1.1.0', name: NAME, type: 'trilane', network: NAME }

let cluster: Cluster
let node: ClusterNode
let plugin: NodePlugin

interface Pod {
  readonly place: Place
  readonly target: Target
  readonly address: string
  readonly result: Record<string, unknown>
}

/** By flannel's chain. */
async function old(name: string): Promise<Pod> {
  const place = await cluster.bed.addContainer(node.place, name)
  const target = { containerId: name, netns: place.namespacePath }
  const ran = await chain('ADD', target)
  return { place, target, address: addressesOf(ran)[0] ?? '', result: jsonOf(ran) }
}

async function chain(verb: string, { containerId, netns }: Target) {
  const env = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns,
    CNI_IFNAME: 'eth0',
    CNI_PATH: REFERENCE
  }
  const input = JSON.stringify(delegate(node.file('networks')))
  return node.place.run([`${REFERENCE}/bridge`], { env, input, anyStatus: true })
}

/** By ours. */
async function ours(name: string, more: object = {}): Promise<Pod> {
  const place = await cluster.bed.addContainer(node.place, name)
  const target = { containerId: name, netns: place.namespacePath }
  const ran = await plugin.add(target, { ...CONFIG, ...more })
  return { place, target, address: addressesOf(ran)[0] ?? '', result: jsonOf(ran) }
}

const held = (): readonly string[] =>
  readdirSync(node.file('networks', NAME))
    .filter((name) => /^\d+\.\d+\.\d+\.\d+$/.test(name))
    .sort((a, b) => Number(a.split('.')[3]) - Number(b.split('.')[3]))
const ownerOf = (address: string) => readFileSync(node.file('networks', NAME, address), 'utf8')
const reaches = async (from: Pod, to: string): Promise<boolean> =>
  (await from.place.run(['ping', '-c', '1', '-W', '2', to], { anyStatus: true })).status === 0
const ports = async (): Promise<number> =>
  (JSON.parse(await node.ip('-json', 'link', 'show', 'master', 'cni0')) as unknown[]).length
const hasLink = async ({ place }: Pod): Promise<boolean> =>
  (await place.run(['ip', 'link', 'show', 'dev', 'eth0'], { anyStatus: true })).status === 0

let pods: readonly [Pod, Pod, Pod]
beforeEach(async () => {
  cluster = await Cluster.prepare({ nodes: 1, config: { text: NETWORK }, flags: { 'network-name': NAME } })
  node = cluster.node(1)
  plugin = new NodePlugin(node)
  mkdirSync(node.place.directory, { recursive: true })
  const lines = [`FLANNEL_NETWORK=10.5.0.0/16`, `FLANNEL_SUBNET=${SUBNET}.1/${LENGTH}`, 'FLANNEL_MTU=1500']
  writeFileSync(node.file('subnet.env'), `${lines.join('\n')}\nFLANNEL_IPMASQ=true\n`)
  pods = [await old('one'), await old('two'), await old('three')]
  await node.start()
  await node.ready()
})
afterEach(() => cluster?.dispose())

describe('a node of flannel’s with running pods that Trilane takes over', () => {
  it('lets them talk on, and gives nobody an address that one of them has', async () => {
    expect((await node.network()).lease?.subnets).toEqual([`${SUBNET}.0/${LENGTH}`])
    expect(held()).toEqual(pods.map(({ address }) => address))
    const [one, two] = pods
    const late = await ours('late')
    const wished = await ours('wished', { runtimeConfig: { ips: [`${SUBNET}.10`] } })
    expect([late.address, wished.address]).toEqual([`${SUBNET}.5`, `${SUBNET}.10`])
    const taken = { containerId: 'taken', netns: wished.target.netns, args: `IP=${one.address}` }
    expect(failureOf(await plugin.add(taken, CONFIG))).toEqual([
      1,
      100,
      `${one.address} is taken by one/eth0`
    ])
    for (const [from, to] of [
      [one, two.address],
      [one, late.address],
      [late, two.address],
      [two, `${SUBNET}.1`]
    ] as const) {
      expect(await reaches(from, to)).toBe(true)
    }
    // All that is left goes to somebody, and nothing twice.
    const all = new Set(held())
    for (let number = 0; all.size < ROOM; number++) {
      const { addresses } = await node.client.attach({
        network: NAME,
        containerId: `filler-${number}`,
        ifname: `f${number}`,
        namespace: late.place.namespacePath
      })
      const given = addresses[0]?.address ?? ''
      expect(all).not.toContain(given)
      all.add(given)
    }
    for (const pod of pods) expect(ownerOf(pod.address)).toBe(`${pod.target.containerId}\r\neth0`)
    await expect(plugin.add({ containerId: 'x', netns: wished.target.netns }, CONFIG)).resolves.toMatchObject(
      {
        status: 1
      }
    )
  })

  it('ends them by its own DEL, whatever it is told of them', async () => {
    const [one, two, three] = pods
    expect(await ports()).toBe(3)
    // With the namespace, as containerd ends a pod; and again.
    for (const _ of ['once', 'again']) {
      expect(await plugin.del(one.target, CONFIG)).toMatchObject({ status: 0, stdout: '' })
    }
    expect([await hasLink(one), held()]).toEqual([false, [two.address, three.address]])
    // With the result that a runtime remembers and no namespace, as podman may.
    const remembered = { ...CONFIG, prevResult: two.result }
    expect(await plugin.del({ ...two.target, netns: '' }, remembered)).toMatchObject({ status: 0 })
    expect([await hasLink(two), held()]).toEqual([false, [three.address]])
    expect(await reaches(three, `${SUBNET}.1`)).toBe(true)
    // When its namespace is gone.
    await cluster.bed.remove(three.place)
    expect(await plugin.del(three.target, CONFIG)).toMatchObject({ status: 0 })
    expect(held()).toEqual([])
    await node.wait('the bridge has no port', async () => (await ports()) === 0)
  })

  it('leaves a link alone that is none of the network’s', async () => {
    const place = await cluster.bed.addContainer(node.place, 'stranger')
    await node.ip('link', 'add', 'stranger0', 'type', 'veth', 'peer', 'eth0', 'netns', place.namespacePath)
    const [one] = pods
    // A namespace that another pod has by now: its eth0 has not the address that is reserved for this key.
    const confused = { containerId: 'one', netns: place.namespacePath }
    expect(await plugin.del(confused, CONFIG)).toMatchObject({ status: 0 })
    expect((await place.run(['ip', 'link', 'show', 'dev', 'eth0'])).status).toBe(0)
    expect(await hasLink(one)).toBe(true)
  })

  it('collects those that the runtime does not know any more', async () => {
    const [one, two, three] = pods
    const late = await ours('late')
    await cluster.bed.remove(two.place)
    const valid = [one, three, late].map(({ target }) => ({
      containerID: target.containerId,
      ifname: 'eth0'
    }))
    const gc = (more: object, name = NAME) => plugin.whole('GC', { ...CONFIG, name, ...more })
    expect(await gc({})).toMatchObject({ status: 0 })
    expect(await gc({ 'cni.dev/valid-attachments': [] }, 'another')).toMatchObject({ status: 0 })
    expect(held()).toHaveLength(4)
    expect(await gc({ 'cni.dev/valid-attachments': valid })).toMatchObject({ status: 0, stdout: '' })
    expect(held()).toEqual([one, three, late].map(({ address }) => address))
    expect(await reaches(one, late.address)).toBe(true)
  })

  it('may go back: flannel’s chain gives no address of ours, and ends our pods', async () => {
    const [one] = pods
    const late = await ours('late')
    await node.stop()
    const back = await old('back')
    expect(back.address).toBe(`${SUBNET}.6`)
    expect(await reaches(back, late.address)).toBe(true)
    expect(await reaches(back, one.address)).toBe(true)
    for (const pod of [late, one, back]) {
      expect(await chain('DEL', pod.target)).toMatchObject({ status: 0 })
      expect(await hasLink(pod)).toBe(false)
    }
    expect(held()).toEqual(pods.slice(1).map(({ address }) => address))
    // And over once more: what its record says is gone is no reason to fail.
    await node.start()
    await node.ready()
    expect(await plugin.del(late.target, CONFIG)).toMatchObject({ status: 0 })
    const again = await ours('again')
    expect(resultOf({ status: 0, stdout: JSON.stringify(again.result) }).ips[0]?.address).toBe(
      `${SUBNET}.7/${LENGTH}`
    )
  })
})
