import { type FloodResult, type Frame, startCapture, startFlood } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, type Elsewhere, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'

/** How long pods may be silent when a node moves. */
const SILENT_MS = 1_000

const DUAL = 'EnableIPv6: true\nNetwork: 10.5.0.0/16\nIPv6Network: fd00:5::/48\n'
const VXLAN = `${DUAL}Backend: {Type: vxlan}\n`
const DIRECT = `${DUAL}Backend: {Type: vxlan, DirectRouting: true}\n`

interface Scene {
  readonly cluster: Cluster
  readonly elsewhere: Elsewhere
  /** Of node1 and node2 on one segment, and of node3 behind a router. */
  readonly pods: readonly [Pod, Pod, Pod]
}

async function build(text: string): Promise<Scene> {
  const cluster = await Cluster.prepare({ nodes: 2, config: { text }, flags: { 'full-pass': '1h' } })
  try {
    const elsewhere = await cluster.addElsewhere()
    await cluster.addNode(3, elsewhere.host(3))
    await cluster.start()
    const pods = [
      await cluster.attach(cluster.node(1), 'a'),
      await cluster.attach(cluster.node(2), 'a'),
      await cluster.attach(cluster.node(3), 'a')
    ] as const
    return { cluster, elsewhere, pods }
  } catch (error) {
    await cluster.dispose()
    throw error
  }
}

/** By the peers' names. */
async function lanesOf(node: ClusterNode): Promise<Readonly<Record<string, string | undefined>>> {
  const { peers } = await node.network()
  return Object.fromEntries(peers.map(({ lease, lane }) => [lease.node ?? lease.key, lane]))
}

/** Until every node's lanes are these. */
async function settledOn(
  { cluster }: Scene,
  lanes: Readonly<Record<string, Readonly<Record<string, string>>>>,
  withinMs?: number
): Promise<void> {
  for (const node of cluster.nodes) {
    const wanted = lanes[node.name]
    if (wanted === undefined) continue
    await node.wait(
      `its lanes are ${JSON.stringify(wanted)}`,
      async () => {
        const { peers, state } = await node.network()
        const complete = peers.every((peer) => peer.wanted === peer.present)
        const actual = await lanesOf(node)
        return (
          state === 'ready' &&
          complete &&
          Object.entries(wanted).every(([peer, lane]) => actual[peer] === lane)
        )
      },
      withinMs
    )
  }
}

const TUNNELLED = {
  node1: { node2: 'vxlan', node3: 'vxlan' },
  node2: { node1: 'vxlan', node3: 'vxlan' },
  node3: { node1: 'vxlan', node2: 'vxlan' }
}
const MIXED = {
  node1: { node2: 'host-gw', node3: 'vxlan' },
  node2: { node1: 'host-gw', node3: 'vxlan' },
  node3: { node1: 'vxlan', node2: 'vxlan' }
}

/** What the segment of node1 and node2 saw of an echo request to this address. */
async function seen({ cluster, pods }: Scene, to: Pod, address: string): Promise<readonly Frame[]> {
  const isIt = ({ inner, ...frame }: Frame): boolean => {
    const { ip, icmp } = inner ?? frame
    return ip?.destination === address && (icmp?.type === 8 || icmp?.type === 128)
  }
  const capture = await startCapture({ place: cluster.segment, device: 'br0' })
  await podsTalk([pods[0], to])
  await capture.waitFor(`an echo to ${address}`, isIt)
  return (await capture.stop()).filter(isIt)
}

/** While `act` runs, pods of node1 send to each of the others in both families. */
async function flooded(
  scene: Scene,
  what: string,
  act: () => Promise<void>
): Promise<readonly FloodResult[]> {
  const [from, ...others] = scene.pods
  const ways = others.flatMap((to) => to.addresses.map((address) => ({ to: to.place, address })))
  const floods = await Promise.all(
    ways.map((way) => startFlood({ from: from.place, packetsPerSecond: 1_000, ...way }))
  )
  await act()
  const results = await Promise.all(floods.map((flood) => flood.stop()))
  for (const [at, { sent, lost, longestGapMs }] of results.entries())
    console.info(
      `${what}, to ${ways[at]?.address}: ${lost} of ${sent} lost, ${Math.round(longestGapMs)} ms at most`
    )
  return results
}

describe('vxlan between two segments and a router', () => {
  let scene: Scene

  beforeAll(async () => {
    scene = await build(VXLAN)
  })
  afterAll(() => scene?.cluster.dispose())

  it('reaches all, and everything rides', async () => {
    await settledOn(scene, TUNNELLED)
    await podsTalk(scene.pods)
    for (const to of [scene.pods[1], scene.pods[2]]) {
      for (const address of to.addresses) {
        const frames = await seen(scene, to, address)
        expect(frames.map(({ vxlan }) => vxlan)).toEqual(frames.map(() => ({ vni: 1, gbp: false })))
      }
    }
  })

  it('loses nothing when DirectRouting is added and removed, node by node', async () => {
    const direct = await scene.cluster.writeConfig('direct.yaml', DIRECT)
    const plain = await scene.cluster.writeConfig('plain.yaml', VXLAN)
    for (const [what, path, lanes] of [
      ['DirectRouting added', direct, MIXED],
      ['DirectRouting removed', plain, TUNNELLED]
    ] as const) {
      const results = await flooded(scene, what, async () => {
        for (const node of scene.cluster.nodes) {
          await node.stop()
          await node.start({ 'net-config-path': path })
          await node.settled(2)
        }
        await settledOn(scene, lanes)
        await podsTalk(scene.pods)
      })
      expect(results.map(({ lost }) => lost)).toEqual([0, 0, 0, 0])
    }
  })
})

describe('DirectRouting', () => {
  let scene: Scene

  beforeAll(async () => {
    scene = await build(DIRECT)
  })
  afterAll(() => scene?.cluster.dispose())

  it('sends plainly on the segment, and through the tunnel past the router', async () => {
    await settledOn(scene, MIXED)
    await podsTalk(scene.pods)
    const [, near, far] = scene.pods
    for (const address of near.addresses)
      expect((await seen(scene, near, address)).every(({ vxlan }) => vxlan === undefined)).toBe(true)
    for (const address of far.addresses)
      expect((await seen(scene, far, address)).every(({ vxlan }) => vxlan?.vni === 1)).toBe(true)
  })

  /** As somebody carries the machine over: the cable, then the addresses. */
  async function move(node: ClusterNode, to: 'elsewhere' | 'home'): Promise<void> {
    const { cluster, elsewhere } = scene
    const number = Number(node.name.replace('node', ''))
    const [from, target] =
      to === 'elsewhere' ? [cluster.segment, elsewhere.segment] : [elsewhere.segment, cluster.segment]
    const [old, fresh] = to === 'elsewhere' ? ['77', '88'] : ['88', '77']
    await cluster.bed.moveCable(node.place, from, target)
    const commands = [
      `address add 192.168.${fresh}.${number}/24 dev eth0`,
      `address add fd${fresh}::${number}/64 dev eth0 nodad`,
      `route replace default via 192.168.${fresh}.254`,
      `route replace default via fd${fresh}::254`,
      `address del 192.168.${old}.${number}/24 dev eth0`,
      `address del fd${old}::${number}/64 dev eth0`
    ]
    await node.place.run(['ip', '-batch', '-'], { input: `${commands.join('\n')}\n` })
  }

  it('costs under a second when a node moves to the other segment and back, and leaves no route of the former lane', async () => {
    const two = scene.cluster.node(2)
    for (const [to, lanes] of [
      [
        'elsewhere',
        {
          node1: { node2: 'vxlan' },
          node2: { node1: 'vxlan', node3: 'host-gw' },
          node3: { node2: 'host-gw' }
        }
      ],
      ['home', MIXED]
    ] as const) {
      const [v4, v6] = await flooded(scene, `a node moved ${to}`, async () => {
        await move(two, to)
        await settledOn(scene, lanes)
        await podsTalk(scene.pods)
      })
      expect(v4?.longestGapMs).toBeLessThan(SILENT_MS)
      expect(v6?.longestGapMs).toBeLessThan(SILENT_MS)
      // One route for each family of each peer: nothing of the former lane.
      for (const node of scene.cluster.nodes) expect(await node.routes()).toHaveLength(4)
    }
  })

  it('22: leaks no route when a peer goes after the topology changed', async () => {
    const { cluster } = scene
    const [one, two] = [cluster.node(1), cluster.node(2)]
    const { lease } = await two.network()
    await move(two, 'elsewhere')
    await settledOn(scene, { node1: { node2: 'vxlan' } })
    await two.stop()
    await cluster.removeLease(lease?.key ?? '')
    await one.wait('the peer is gone', async () => (await one.network()).peers.length === 1)
    await one.wait('its routes are gone', async () => (await one.routes()).length === 2)
    for (const subnet of lease?.subnets ?? [])
      expect((await one.routes('all')).join('\n')).not.toContain(subnet)
    expect((await one.network()).state).toBe('ready')
  })
})

describe('host-gw between two segments and a router', () => {
  it('alone names the unreachable peer in status; with vxlan as second lane it reaches it', async () => {
    await using cluster = await Cluster.prepare({ nodes: 2 })
    const elsewhere = await cluster.addElsewhere()
    await cluster.addNode(3, elsewhere.host(3))
    await cluster.start()
    const one = cluster.node(1)
    const { peers, state } = await one.network()
    expect(state).toBe('degraded')
    const far = peers.find(({ lease }) => lease.node === 'node3')
    expect(far).toMatchObject({ error: { code: 'TRI_PEER_NOT_ON_LINK', values: { peer: 'node3' } } })
    expect(far).not.toHaveProperty('lane')
    const { stdout, status } = await one.trilane('status')
    expect(stdout).toContain('TRI_PEER_NOT_ON_LINK: host-gw cannot reach node3 at 192.168.88.3')
    expect(status).toBe(1)

    const text = 'Network: 10.5.0.0/16\nBackend: {Type: host-gw, Lanes: [host-gw, vxlan]}\n'
    const lanes = await cluster.writeConfig('lanes.yaml', text)
    for (const node of cluster.nodes) {
      await node.stop()
      await node.start({ 'net-config-path': lanes })
    }
    const pods = await Promise.all(
      cluster.nodes.map(async (node) => {
        await node.ready()
        return cluster.attach(node, 'a')
      })
    )
    for (const node of cluster.nodes) {
      const near = node === cluster.node(3) ? [] : ['host-gw']
      await node.wait('its lanes are chosen', async () => {
        const chosen = Object.values(await lanesOf(node)).sort()
        return (
          chosen.join() === [...near, 'vxlan', 'vxlan'].slice(0, 2).join() &&
          (await node.network()).state === 'ready'
        )
      })
    }
    await podsTalk(pods)
  })
})
