import { mkdir, rename } from 'node:fs/promises'
import { startFlood } from '@trilane/testbed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster, machineIdOf, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'

let cluster: Cluster
let pods: readonly Pod[]
let node: ClusterNode

beforeEach(async () => {
  cluster = await Cluster.create({ nodes: 2, config: 'vxlan' })
  node = cluster.node(1)
  pods = await Promise.all(cluster.nodes.map((each) => cluster.attach(each, 'a')))
})

afterEach(() => cluster?.dispose())

const keyOf = async (of: ClusterNode): Promise<string> => (await of.network()).lease?.key ?? ''

function flood() {
  const [from, to] = pods
  if (from === undefined || to === undefined) throw new Error('there are no pods')
  return startFlood({ from: from.place, to: to.place, address: to.addresses[0] ?? '' })
}

const THIEF = {
  PublicIP: '192.168.77.66',
  BackendType: 'vxlan',
  BackendData: { VNI: 1, VtepMAC: '02:00:00:00:00:66' },
  Trilane: { machineId: machineIdOf('thief'), name: 'thief' }
}

describe('a lease that is lost while its node lives', () => {
  it('is written again with the same subnet when it was deleted; pods of the node do not notice', async () => {
    const key = await keyOf(node)
    const before = await cluster.leaseText(key)
    await cluster.removeLease(key)
    await node.wait('it says so', () => node.log().includes('lease lost'))
    await node.wait('it is there again', async () => (await node.network()).state === 'ready')
    expect(await keyOf(node)).toBe(key)
    expect(JSON.parse(await cluster.leaseText(key)).value).toEqual(JSON.parse(before).value)
    await cluster.settled()
    await podsTalk(pods)
  })

  it('is left to whoever wrote it: the node takes another subnet, says so, and lives', async () => {
    const key = await keyOf(node)
    await cluster.writeLeases({ [key]: THIEF })
    await node.wait('it has another', async () => ![key, ''].includes(await keyOf(node)))
    expect(node.log()).toContain('TRI_LEASE_LOST')
    expect(JSON.parse(await cluster.leaseText(key)).value.PublicIP).toBe(THIEF.PublicIP)
    await node.wait('all is well', async () => (await node.network()).health.length === 0)
    expect((await node.network()).peers.map(({ lease }) => lease.node).sort()).toEqual(['node2', 'thief'])
    expect(node.running).toBe(true)
    // Pods that come now are reached by everybody.
    const later = await cluster.attach(node, 'b')
    const [, other] = pods
    if (other !== undefined) await podsTalk([later, other])
  })

  it('is written again by each node after the store was wiped, with the same subnet and without a lost packet', async () => {
    const keys = await Promise.all(cluster.nodes.map(keyOf))
    const stream = await flood()
    await rename(cluster.storeDirectory, `${cluster.storeDirectory}-lost`)
    await mkdir(cluster.storeDirectory)
    for (const each of cluster.nodes) {
      await each.wait('it noticed', () => each.log().includes('lease lost'))
      await each.wait('it is ready again', async () => (await each.network()).state === 'ready')
    }
    await cluster.settled()
    expect(await Promise.all(cluster.nodes.map(keyOf))).toEqual(keys)
    for (const key of keys) expect(await cluster.leaseText(key)).toContain('"machineId"')
    expect((await stream.stop()).lost).toBe(0)
  })

  it('that ended while the daemon slept, and that somebody else took, is not used on', async () => {
    await node.stop()
    await node.start({ 'lease-ttl': '3s' })
    await node.ready()
    const key = await keyOf(node)
    node.program.kill('SIGSTOP')
    try {
      const two = cluster.node(2)
      await two.wait('it is gone', async () => (await two.network()).peers.length === 0)
      await cluster.writeLeases({ [key]: THIEF })
    } finally {
      node.program.kill('SIGCONT')
    }
    await node.wait('it has another', async () => ![key, ''].includes(await keyOf(node)))
    expect(node.log()).toContain('TRI_LEASE_LOST')
    expect(JSON.parse(await cluster.leaseText(key)).value.PublicIP).toBe(THIEF.PublicIP)
  })
})

describe('two machines with one machine id', () => {
  it('have a lease each, name each other, and serve everybody else', async () => {
    const key = await keyOf(node)
    const clone = await cluster.addNode(3)
    await clone.start({ 'machine-id': machineIdOf('node1') })
    await clone.ready()
    await clone.wait('it has its own', async () => ![key, ''].includes(await keyOf(clone)))
    await node.wait('the first has its own again', async () => {
      const { lease, health } = await node.network()
      return lease?.key === key && health.some(({ code }) => code === 'TRI_LEASE_RIVAL')
    })
    for (const [each, other] of [
      [node, 'node3'],
      [clone, 'node1']
    ] as const) {
      await each.wait('it names the other', async () =>
        (await each.network()).health.some(
          ({ code, text }) => code === 'TRI_LEASE_RIVAL' && text.endsWith(`${other} holds it`)
        )
      )
      await each.wait('nothing else is wrong', async () =>
        (await each.network()).health.every(({ code }) => code === 'TRI_LEASE_RIVAL')
      )
    }
    const two = cluster.node(2)
    await two.wait('it serves both', async () => (await two.network()).peers.length === 2)
    await podsTalk(pods)
  })
})

describe('poison in the store', () => {
  it('is skipped key by key, each named, and harms nobody', async () => {
    const own = await keyOf(node)
    const upper = own.replace('.0-24', '.128-25')
    const good = {
      PublicIP: '192.168.77.101',
      BackendType: 'vxlan',
      BackendData: { VtepMAC: '02:00:00:00:00:01' }
    }
    const poison: Readonly<Record<string, unknown>> = {
      foo: 'bar',
      'config.bak': { Network: '10.5.0.0/16' },
      '10.5.1.0-24': 'bar',
      '10.5.2.0-24': { ...good, PublicIP: null },
      '10.5.3.0-24': { ...good, PublicIP: 7 },
      '10.5.4.0-24': { ...good, PublicIP: '127.0.0.1' },
      '10.5.5.0-24': { ...good, PublicIP: '224.0.0.1' },
      '10.5.6.0-24': { ...good, BackendType: ['vxlan'] },
      '10.5.7.0-24': [],
      '10.5.8.1-24': good,
      '10.5.9.0-33': good,
      '10.5.300.0-24': good,
      '10.5.0.0-16': good,
      '10.0.0.0-8': good,
      '10.6.1.0-24': good,
      '127.0.0.0-24': good,
      '224.0.0.0-24': good,
      [upper]: good,
      '10.5.10.0-24': { ...good, PublicIP: '192.168.77.1' },
      '10.5.11.0-24': { ...good, BackendData: { VtepMAC: '01:00:5e:00:00:01' } },
      '10.5.12.0-24': { ...good, BackendType: 'wireguard' }
    }
    const routes = async () => (await node.routes('all')).sort().join('\n')
    const before = await routes()
    const stream = await flood()
    await cluster.writeLeases(poison)
    await node.wait('each is named', async () => {
      const { health, peers } = await node.network()
      const refused = peers.filter(({ error }) => error !== undefined).map(({ lease }) => lease.key)
      const words = [...health.map(({ text }) => text), ...refused].join('\n')
      return Object.keys(poison).every((key) => words.includes(key))
    })
    expect(await routes()).toBe(before)
    expect((await node.network()).peers.some(({ lease }) => lease.node === 'node2')).toBe(true)
    for (const key of Object.keys(poison)) await cluster.removeLease(key)
    await node.wait('nothing is left', async () => (await node.network()).health.length === 0)
    expect(await routes()).toBe(before)
    expect((await stream.stop()).lost).toBe(0)
  })
})
