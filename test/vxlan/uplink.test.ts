import { readFile } from 'node:fs/promises'
import { type Flood, type FloodResult, startFlood } from '@trilane/testbed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { TUNNELS, TunnelView } from '../cluster/tunnel.ts'

/** How long pods may be silent when nothing but our reaction is missing; the promise is a second. */
const SILENT_MS = 1_000

let cluster: Cluster
let one: ClusterNode
let two: ClusterNode
let pods: readonly [Pod, Pod]
let pid: number

beforeEach(async () => {
  cluster = await Cluster.create({ nodes: 2, config: 'vxlan-dual-stack', flags: { 'full-pass': '1h' } })
  one = cluster.node(1)
  two = cluster.node(2)
  pods = [await cluster.attach(one, 'a'), await cluster.attach(two, 'a')]
  pid = one.program.pid
  await podsTalk(pods)
})

afterEach(async () => {
  try {
    // Nothing here needs a restart.
    expect(one.running && one.program.pid === pid).toBe(true)
  } finally {
    await cluster.dispose()
  }
})

async function leaseOf(node: ClusterNode): Promise<string> {
  return cluster.leaseText((await node.network()).lease?.key ?? '')
}

/** A stream of a thousand packets a second from node1's pod to node2's, in each family. */
function startFloods(): Promise<Flood[]> {
  const [from, to] = pods
  return Promise.all(to.addresses.map((address) => startFlood({ from: from.place, to: to.place, address })))
}

async function stopFloods(what: string, floods: readonly Flood[]): Promise<readonly FloodResult[]> {
  const results = await Promise.all(floods.map((flood) => flood.stop()))
  for (const { sent, lost, longestGapMs } of results)
    console.info(`${what}: ${lost} of ${sent} lost, ${Math.round(longestGapMs)} ms at most`)
  return results
}

/** Where node2 sends to node1, by family. */
async function destinations(): Promise<readonly string[]> {
  const { peers } = await TunnelView.of(two)
  return Object.values(TUNNELS).map(
    (device) => peers.find((peer) => peer.device === device)?.destination ?? ''
  )
}

describe('what changes about the uplink is told to the peers, without a restart', () => {
  it('19: another address', async () => {
    const floods = await startFloods()
    // As systemd sets it: the second address stays when the first is removed.
    await one.place.run(['sysctl', '-q', '-w', 'net.ipv4.conf.eth0.promote_secondaries=1'])
    await one.ip('address', 'add', '192.168.77.11/24', 'dev', 'eth0')
    await one.ip('address', 'add', 'fd77::11/64', 'dev', 'eth0', 'nodad')
    await one.ip('address', 'del', '192.168.77.1/24', 'dev', 'eth0')
    await one.ip('address', 'del', 'fd77::1/64', 'dev', 'eth0')
    const tookMs = await two.wait(
      'it sends to the new addresses',
      async () => (await destinations()).join() === '192.168.77.11,fd77::11'
    )
    expect(tookMs).toBeLessThan(SILENT_MS)
    const { text } = await TunnelView.of(one)
    expect(text).toMatch(/"ifname":"flannel\.1".*"local":"192\.168\.77\.11"/)
    expect(text).toMatch(/"ifname":"flannel-v6\.1".*"local":"fd77::11"/)
    expect(JSON.parse(await leaseOf(one)).value).toMatchObject({
      PublicIP: '192.168.77.11',
      PublicIPv6: 'fd77::11'
    })
    await podsTalk(pods)
    for (const { longestGapMs } of await stopFloods('another address', floods))
      expect(longestGapMs).toBeLessThan(SILENT_MS)
  })

  it('20: a smaller MTU, and the old one again', async () => {
    const before = await TunnelView.of(one)
    for (const [mtu, v4, v6] of [
      [1400, 1350, 1330],
      [1500, 1450, 1430]
    ] as const) {
      const floods = await startFloods()
      await one.ip('link', 'set', 'dev', 'eth0', 'mtu', String(mtu))
      const tookMs = await one.wait('its tunnels and the file have the new MTU', async () => {
        const { text } = await TunnelView.of(one)
        const file = await readFile(one.file('subnet.env'), 'utf8')
        return (
          text.includes(`"ifname":"flannel.1","mtu":${v4}`) &&
          text.includes(`"ifname":"flannel-v6.1","mtu":${v6}`) &&
          file.includes(`FLANNEL_MTU=${v6}\n`)
        )
      })
      expect(tookMs).toBeLessThan(SILENT_MS)
      expect((await one.network()).podMtuBytes).toBe(v6)
      for (const { lost } of await stopFloods(`an MTU of ${mtu}`, floods)) expect(lost).toBe(0)
    }
    expect((await TunnelView.of(one)).text).toBe(before.text)
  })

  it('another MAC', async () => {
    const before = await TunnelView.of(one)
    const floods = await startFloods()
    await one.ip('link', 'set', 'dev', 'eth0', 'address', '02:00:00:00:be:ef')
    await podsTalk(pods)
    for (const { longestGapMs } of await stopFloods('another MAC', floods))
      expect(longestGapMs).toBeLessThan(SILENT_MS)
    expect((await TunnelView.of(one)).text).toBe(before.text)
    expect((await one.network()).state).toBe('ready')
  })

  it('another device of the same name, after a while without one', async () => {
    const before = await TunnelView.of(one)
    await cluster.bed.unplug(one.place)
    await one.wait('it says that the uplink is gone', async () => {
      const { state, health } = await one.network()
      return state === 'degraded' && health.some(({ code }) => code === 'TRI_UPLINK_NOT_FOUND')
    })
    await cluster.bed.plug(one.place, {
      switch: cluster.segment,
      addresses: ['192.168.77.1/24', 'fd77::1/64']
    })
    const tookMs = await one.wait(
      'all is as before',
      async () => (await TunnelView.of(one)).text === before.text && (await one.network()).state === 'ready'
    )
    console.info(`another uplink device: ${Math.round(tookMs)} ms`)
    expect(tookMs).toBeLessThan(SILENT_MS)
    await podsTalk(pods)
  })

  it('no device at all at the start, and one later', async () => {
    await two.stop()
    await cluster.bed.unplug(two.place)
    await two.start()
    await two.wait('it says that it waits', async () => {
      const { state, health } = await two.network()
      return state === 'starting' && health.some(({ code }) => code === 'TRI_UPLINK_NOT_FOUND')
    })
    await cluster.bed.plug(two.place, {
      switch: cluster.segment,
      addresses: ['192.168.77.2/24', 'fd77::2/64']
    })
    await cluster.settled()
    expect((await two.network()).state).toBe('ready')
    await podsTalk(pods)
  })

  it('another device of the same name with other addresses, at once', async () => {
    await cluster.bed.unplug(one.place)
    await cluster.bed.plug(one.place, {
      switch: cluster.segment,
      addresses: ['192.168.77.12/24', 'fd77::12/64']
    })
    const tookMs = await two.wait(
      'it sends to the new addresses',
      async () => (await destinations()).join() === '192.168.77.12,fd77::12'
    )
    expect(tookMs).toBeLessThan(SILENT_MS)
    await podsTalk(pods)
    await one.wait('it is ready', async () => (await one.network()).state === 'ready')
  })

  it('18: a link that flaps', async () => {
    const before = await TunnelView.of(one)
    for (let flap = 0; flap < 3; flap++) {
      await one.ip('link', 'set', 'dev', 'eth0', 'down')
      await one.ip('link', 'set', 'dev', 'eth0', 'up')
      // IPv6 addresses go with it: theirs to put back, not ours.
      await one.ip('address', 'replace', 'fd77::1/64', 'dev', 'eth0', 'nodad')
    }
    const tookMs = await one.wait(
      'all is as before',
      async () => (await TunnelView.of(one)).text === before.text
    )
    expect(tookMs).toBeLessThan(SILENT_MS)
    await podsTalk(pods)
    await one.wait('it is ready', async () => (await one.network()).state === 'ready')
  })

  it('18: a cable that is pulled, while nothing else changes', async () => {
    const before = await TunnelView.of(one)
    const floods = await startFloods()
    await cluster.segment.setCable(one.place, 'out')
    await cluster.segment.setCable(one.place, 'in')
    await podsTalk(pods)
    // Linux reports a carrier that came back up to a second later.
    for (const { longestGapMs } of await stopFloods('a pulled cable', floods))
      expect(longestGapMs).toBeLessThan(1_000 + SILENT_MS)
    expect((await TunnelView.of(one)).text).toBe(before.text)
  })
})
