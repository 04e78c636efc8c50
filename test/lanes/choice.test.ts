import type { PeerStatus } from '@trilane/contracts'
import { startFlood } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'

/** How long a lane that failed once must work before it is used again. */
const HOLD_MS = 5_000

/** node1 and node2. */
const [SELF, PEER] = ['192.168.77.1', '192.168.77.2']

const TWO_LANES = 'Network: 10.5.0.0/16\nBackend: {Type: host-gw, Lanes: [host-gw, vxlan]}\n'

async function peerOf(node: ClusterNode): Promise<PeerStatus> {
  const [peer] = (await node.network()).peers
  if (peer === undefined) throw new Error(`${node.name} has no peer`)
  return peer
}

/** Until its one peer is carried so, and all that this takes is in the kernel. */
function carriedBy(node: ClusterNode, lane: string, withinMs?: number): Promise<number> {
  return node.wait(
    `its peer is carried by ${lane}`,
    async () => {
      const peer = await peerOf(node)
      return peer.lane === lane && peer.wanted === peer.present
    },
    withinMs
  )
}

/** What a vxlan lane leaves in the kernel for a peer, besides its route. */
async function tunnelEntries(node: ClusterNode): Promise<string> {
  const neighbours = await node.ip('neigh', 'show', 'dev', 'flannel.1', 'nud', 'permanent')
  const { stdout } = await node.place.run(['bridge', 'fdb', 'show', 'dev', 'flannel.1'])
  return `${neighbours}${stdout}`.trim()
}

function lanesLogged(node: ClusterNode): string[] {
  const lines = node
    .log()
    .split('\n')
    .filter((line) => line.includes('lane changed'))
  return lines
    .map((line) => JSON.parse(line) as { from: string; to: string })
    .map(({ from, to }) => `${from} ${to}`)
}

describe('host-gw with vxlan as second lane, on one segment', () => {
  let cluster: Cluster
  let one: ClusterNode
  let two: ClusterNode
  let pods: readonly [Pod, Pod]

  beforeAll(async () => {
    cluster = await Cluster.create({ nodes: 2, config: { text: TWO_LANES }, flags: { 'full-pass': '1s' } })
    one = cluster.node(1)
    two = cluster.node(2)
    pods = [await cluster.attach(one, 'a'), await cluster.attach(two, 'a')]
  })

  afterAll(() => cluster?.dispose())

  it('goes straight, with an MTU that would fit the tunnel, and says why', async () => {
    await carriedBy(one, 'host-gw')
    await one.wait('its peer has answered', async () =>
      (await peerOf(one)).laneReason.includes('answer from')
    )
    expect(await peerOf(one)).toMatchObject({
      laneReason: `the preferred lane; an answer from ${PEER}`,
      passedOver: [],
      wanted: 1
    })
    const { podMtuBytes, lanes, health } = await one.network()
    expect({ podMtuBytes, lanes, health }).toEqual({
      podMtuBytes: 1450,
      lanes: [{ type: 'host-gw' }, { type: 'vxlan' }],
      health: []
    })
    expect(await tunnelEntries(one)).toBe('')
    expect((await two.trilane('status')).stdout).toMatch(/backend +host-gw, lanes host-gw then vxlan/)
    const stored = JSON.parse(await cluster.leaseText((await one.network()).lease?.key ?? ''))
    expect(stored.value).toMatchObject({
      BackendType: 'host-gw',
      Trilane: { lanes: { vxlan: { v4: { VNI: 1 } } } }
    })
  })

  it('changes lanes both ways without losing a packet, and removes what the former lane needed', async () => {
    const [from, to] = pods
    const ways = [
      { from: from.place, to: to.place, address: to.addresses[0] ?? '' },
      { from: to.place, to: from.place, address: from.addresses[0] ?? '' }
    ]
    const floods = await Promise.all(ways.map((way) => startFlood(way)))
    const before = lanesLogged(one)
    // As the kernel finds out that nobody answers; the next packet asks again, and is answered.
    await one.ip('neigh', 'replace', PEER, 'dev', 'eth0', 'nud', 'failed')
    await carriedBy(one, 'vxlan')
    const leftMs = performance.now()
    expect(await tunnelEntries(one)).toContain(`dst ${PEER}`)
    // The other end has no reason to change: the two directions ride differently.
    expect((await peerOf(two)).lane).toBe('host-gw')
    await one.wait('it is on its way back', async () =>
      (await peerOf(one)).laneReason.includes('failed once and must work for 5 s first')
    )
    await carriedBy(one, 'host-gw')
    // Its answer came after it was left.
    expect(performance.now() - leftMs).toBeGreaterThan(HOLD_MS - 1_000)
    await one.wait('nothing of the tunnel is left', async () => (await tunnelEntries(one)) === '')
    const results = await Promise.all(floods.map((flood) => flood.stop()))
    expect(results.map(({ lost }) => lost)).toEqual([0, 0])
    expect(results.map(({ sent }) => sent > 4_000)).toEqual([true, true])
    expect(lanesLogged(one).slice(before.length)).toEqual(['host-gw vxlan', 'vxlan host-gw'])
  })

  it('leaves a neighbour that falls silent, without any traffic, and comes back to it', async () => {
    for (const [key, value] of [
      ['base_reachable_time_ms', '500'],
      ['delay_first_probe_time', '1'],
      ['retrans_time_ms', '100']
    ] as const) {
      await one.place.run(['sysctl', '-q', '-w', `net.ipv4.neigh.eth0.${key}=${value}`])
    }
    // It answers no more; nor does it ask, which would be as good as an answer.
    const mac = /link\/ether (\S+)/.exec(await one.ip('link', 'show', 'dev', 'eth0'))?.[1] ?? ''
    await two.ip('neigh', 'replace', SELF, 'lladdr', mac, 'dev', 'eth0', 'nud', 'permanent')
    await two.place.run(['sysctl', '-q', '-w', 'net.ipv4.conf.eth0.arp_ignore=8'])
    // Its timer still runs by the former settings.
    await one.ip('neigh', 'change', PEER, 'dev', 'eth0', 'nud', 'stale')
    await carriedBy(one, 'vxlan')
    expect(await peerOf(one)).toMatchObject({
      laneReason: `in place of host-gw: ${PEER} on eth0 does not answer`,
      passedOver: [{ lane: 'host-gw', reason: `${PEER} on eth0 does not answer` }]
    })
    expect((await one.network()).state).toBe('ready')
    await two.place.run(['sysctl', '-q', '-w', 'net.ipv4.conf.eth0.arp_ignore=0'])
    await two.ip('neigh', 'del', SELF, 'dev', 'eth0')
    // It was left for the second time: the hold is twice as long.
    expect(await carriedBy(one, 'host-gw', 40_000)).toBeGreaterThan(2 * HOLD_MS - 1_000)
    await podsTalk(pods)
  })

  it('stays on its lanes when the daemon starts again, and writes nothing', async () => {
    await carriedBy(two, 'host-gw')
    await two.stop()
    // The new one must not need an answer to go on.
    await two.ip('neigh', 'flush', 'dev', 'eth0')
    await two.start()
    await two.settled(1)
    expect(lanesLogged(two)).toEqual([])
    const { kernel, peers } = await two.network()
    expect([kernel.writes, peers[0]?.lane]).toEqual([0, 'host-gw'])
  })

  it('is what `plan` finds too', async () => {
    await carriedBy(one, 'host-gw')
    const config = await cluster.writeConfig('same.yaml', TWO_LANES)
    const flags = one.flags({ 'net-config-path': undefined })
    const { stdout } = await one.trilane('plan', '--config', config, ...flags)
    expect(stdout).toContain('# nothing to do')
  })
})

describe('a silent neighbour where there is only one lane', () => {
  it('is sent to all the same, with a word about it until it answers', async () => {
    await using cluster = await Cluster.create({ nodes: 2, config: 'host-gw' })
    const one = cluster.node(1)
    await one.place.run(['ping', '-c', '1', '-W', '2', PEER])
    await one.ip('neigh', 'replace', PEER, 'dev', 'eth0', 'nud', 'failed')
    await one.wait('it says so', async () => (await one.network()).health.length > 0)
    const { state, health, peers } = await one.network()
    expect([state, health[0]?.code, health[0]?.severity]).toEqual(['ready', 'TRI_PEER_SILENT', 'low'])
    expect(peers[0]).toMatchObject({ lane: 'host-gw', present: 1 })
    expect((await one.trilane('status')).status).toBe(0)
    await one.place.run(['ping', '-c', '1', '-W', '2', PEER])
    await one.wait('it is well', async () => (await one.network()).health.length === 0)
  })
})

describe('a change of Type, node by node', () => {
  it.each([
    ['host-gw', 'vxlan'],
    ['vxlan', 'host-gw']
  ] as const)('from %s to %s loses nothing, also half done', async (before, after) => {
    const textOf = (type: string) => `Network: 10.5.0.0/16\nBackend: {Type: ${type}}\n`
    await using cluster = await Cluster.create({ nodes: 2, config: { text: textOf(before) } })
    const pods = [
      await cluster.attach(cluster.node(1), 'a'),
      await cluster.attach(cluster.node(2), 'a')
    ] as const
    await podsTalk(pods)
    const config = await cluster.writeConfig('after.yaml', textOf(after))
    const [from, to] = pods
    const flood = await startFlood({ from: from.place, to: to.place, address: to.addresses[0] ?? '' })
    for (const node of cluster.nodes) {
      await node.stop()
      await node.start({ 'net-config-path': config })
      await node.settled(1)
      expect(await peerOf(node)).toHaveProperty('lane')
      // What the others may still send by, or send by from now on.
      expect(await node.ip('-brief', 'link', 'show')).toContain('flannel.1')
    }
    for (const node of cluster.nodes) await carriedBy(node, after)
    // What the former type left goes when nobody can be sending by it any more.
    for (const node of cluster.nodes) {
      await node.wait('its tunnel is as the type says', async () => {
        const links = await node.ip('-brief', 'link', 'show')
        return links.includes('flannel.1') === (after === 'vxlan')
      })
    }
    await podsTalk(pods)
    const { sent, lost } = await flood.stop()
    expect({ lost }).toEqual({ lost: 0 })
    expect(sent).toBeGreaterThan(500)
  })
})
