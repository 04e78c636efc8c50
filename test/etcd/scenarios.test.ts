import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { machineIdOf, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { TunnelView } from '../cluster/tunnel.ts'
import { EtcdCluster, lostWhile } from './etcd-cluster.ts'

/** Numbers are those of flannel's scenarios in docs/testing.md. */
let site: EtcdCluster

async function keyOf(node: ClusterNode): Promise<string> {
  return (await node.network()).lease?.key ?? ''
}

/** In vxlan's part of the kernel. */
async function peersOf(node: ClusterNode): Promise<string[]> {
  return (await TunnelView.of(node)).peers.map(({ subnet }) => subnet).sort()
}

const subnetOf = (key: string): string => key.replace('-', '/')
const isReady = (node: ClusterNode) =>
  node.wait('it is ready', async () => {
    const { state, health } = await node.network()
    return state === 'ready' && health.length === 0
  })

/** Nothing of it may cost these pods a packet. */
async function hitless(what: string, pods: readonly Pod[], act: () => Promise<void>): Promise<void> {
  expect(await lostWhile(what, pods, act)).toBe(0)
}

describe('leases in etcd among nodes of vxlan', () => {
  let pods: readonly Pod[]

  beforeAll(async () => {
    site = await EtcdCluster.create({ nodes: 3 })
    pods = await Promise.all(site.nodes.map((node) => site.cluster.attach(node, 'a')))
  })

  afterAll(() => site?.dispose())

  it('1: three nodes that start at once are a full mesh', async () => {
    const keys = await Promise.all(site.nodes.map(keyOf))
    expect([...(await site.leases()).keys()].sort()).toEqual([...keys].sort())
    expect(new Set(keys).size).toBe(3)
    for (const [at, node] of site.nodes.entries()) {
      const others = keys.filter((_, other) => other !== at).map(subnetOf)
      expect(await peersOf(node)).toEqual(others.sort())
    }
    await podsTalk(pods)
    await hitless('three daemons start at once', pods, async () => {
      await Promise.all(site.nodes.map((node) => node.restart('SIGKILL')))
      await site.cluster.settled()
    })
    expect(await Promise.all(site.nodes.map(keyOf))).toEqual(keys)
  })

  it('2: a daemon that starts again has its lease again, writes nothing and loses no packet', async () => {
    const two = site.node(2)
    const key = await keyOf(two)
    const before = { text: (await site.leases()).get(key)?.text, kernel: (await TunnelView.of(two)).text }
    await hitless('a daemon started again', pods, async () => {
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        await two.restart(signal)
        await two.settled(2)
        expect(await keyOf(two)).toBe(key)
        expect((await two.network()).kernel).toMatchObject({ writes: 0, missing: [] })
      }
    })
    expect({ text: (await site.leases()).get(key)?.text, kernel: (await TunnelView.of(two)).text }).toEqual(
      before
    )
  })

  it('3: a node whose key was lost while it was down, and whose machine is another, takes its former subnet', async () => {
    const three = site.node(3)
    const key = await keyOf(three)
    await hitless('a key is lost with its node', pods.slice(0, 2), async () => {
      await three.stop()
      await site.remove(`subnets/${key}`)
      await site.node(1).wait('it is gone', async () => (await peersOf(site.node(1))).length === 1)
      await three.start({ 'machine-id': machineIdOf('another') })
      await site.cluster.settled()
    })
    expect(await keyOf(three)).toBe(key)
    await podsTalk(pods)
  })

  it('5, R19: keys and values that are no lease cost nobody a peer, and each is named', async () => {
    const before = await Promise.all(site.nodes.map(peersOf))
    const vtep = { BackendType: 'vxlan', BackendData: { VNI: 1, VtepMAC: '02:00:00:00:00:01' } }
    const good = { PublicIP: '192.168.77.101', ...vtep }
    const withMac = (VtepMAC: string) => ({ ...good, BackendData: { VNI: 1, VtepMAC } })
    const half = (await keyOf(site.node(2))).replace('.0-24', '.128-25')
    const poison: Readonly<Record<string, unknown>> = {
      foo: 'bar',
      '10.5.2.0-24': '{"PublicIP":',
      '10.5.3.0-24': { PublicIP: null, ...vtep },
      // R19: what would take packets from somebody, and what leads nowhere.
      [half]: good,
      '10.5.0.0-16': good,
      '10.0.0.0-8': good,
      '0.0.0.0-0': good,
      '10.6.1.0-24': good,
      '127.0.0.0-24': good,
      '224.0.0.0-24': good,
      '10.5.4.0-24': { ...good, PublicIP: '127.0.0.1' },
      '10.5.5.0-24': { ...good, PublicIP: '224.0.0.1' },
      '10.5.6.0-24': { ...good, PublicIP: '255.255.255.255' },
      '10.5.7.0-24': withMac('none'),
      '10.5.8.0-24': withMac('01:00:5e:00:00:01'),
      '10.5.9.0-24': { ...good, BackendData: { VNI: 99_999_999, VtepMAC: '02:00:00:00:00:02' } },
      '10.5.10.0-24': { ...good, BackendType: ['vxlan'] }
    }
    const keys = Object.keys(poison)
    const isNamed = (node: ClusterNode) =>
      node.wait('it names each', async () => {
        const { health, peers } = await node.network()
        const refused = peers.filter(({ error }) => error !== undefined).map(({ lease }) => lease.key)
        const words = [...health.map(({ text }) => text), ...refused].join('\n')
        expect(keys.filter((key) => !words.includes(key))).toEqual([])
        return true
      })
    await hitless('poison', pods, async () => {
      await site.put('subnets-backup/10.5.1.0-24', good)
      for (const key of keys) await site.put(`subnets/${key}`, poison[key])
      for (const node of site.nodes) {
        await isNamed(node)
        expect(await peersOf(node)).toEqual(before[site.nodes.indexOf(node)])
      }
      // Found by a list, and taken away while it is watched.
      await site.node(1).restart()
      await isNamed(site.node(1))
      expect(await peersOf(site.node(1))).toEqual(before[0])
      for (const key of keys) await site.remove(`subnets/${key}`)
      await site.remove('subnets-backup/10.5.1.0-24')
      for (const node of site.nodes) await isReady(node)
    })
    expect(await Promise.all(site.nodes.map(peersOf))).toEqual(before)
  })

  it('8: a node whose key is deleted writes it again with the same subnet, and lives', async () => {
    const two = site.node(2)
    const key = await keyOf(two)
    const before = (await site.leases()).get(key)
    await hitless('a key deleted', pods, async () => {
      await site.remove(`subnets/${key}`)
      await two.wait('its key is there again', async () => (await site.leases()).has(key))
      await site.cluster.settled()
    })
    const after = (await site.leases()).get(key)
    expect(after?.text).toBe(before?.text)
    expect(after?.isReserved).toBe(false)
    await isReady(two)
    await site.cluster.settled()
    await podsTalk(pods)
  })

  it('9: a node whose key another address overwrote takes another subnet, and says so', async () => {
    const three = site.node(3)
    const key = await keyOf(three)
    const thief = {
      PublicIP: '192.168.77.99',
      BackendType: 'vxlan',
      BackendData: { VNI: 1, VtepMAC: '02:00:00:00:00:99' }
    }
    await hitless('a key overwritten', pods.slice(0, 2), async () => {
      await site.put(`subnets/${key}`, thief)
      await three.wait('it has another', async () => ![key, ''].includes(await keyOf(three)))
      expect(three.log()).toContain('lease lost')
      await three.wait('it serves who has it', async () => (await peersOf(three)).includes(subnetOf(key)))
    })
    expect((await site.leases()).get(key)?.text).toBe(JSON.stringify(thief))
    await podsTalk(pods.slice(0, 2))
    const pod = await site.cluster.attach(three, 'b')
    await podsTalk([...pods.slice(0, 2), pod])
    await site.remove(`subnets/${key}`)
  })

  it('7: a key without an etcd lease keeps its subnet for the node of its address, and stays without an end', async () => {
    // As docs/stores.md has it.
    await site.put('subnets/10.5.9.0-24', '{"PublicIP":"192.168.77.4"}')
    const four = await site.addNode(4)
    await hitless('a node takes what is reserved for it', pods.slice(0, 2), async () => {
      await four.start()
      await four.ready()
      expect(await keyOf(four)).toBe('10.5.9.0-24')
      await four.restart()
      expect(await keyOf(four)).toBe('10.5.9.0-24')
      expect((await site.leases()).get('10.5.9.0-24')?.isReserved).toBe(true)
      await site.cluster.settled()
    })
    await podsTalk([...pods.slice(0, 2), await site.cluster.attach(four, 'a')])
  })

  it('10: two nodes with one public address have a subnet each, name each other, and serve everybody else', async () => {
    const flags = { 'public-ip': '192.168.77.98' }
    const [five, six] = [await site.addNode(5, flags), await site.addNode(6, flags)]
    await hitless('one public address twice', pods.slice(0, 2), async () => {
      await Promise.all([five.start(), six.start()])
      await Promise.all([five.ready(), six.ready()])
      const [fifth, sixth] = [await keyOf(five), await keyOf(six)]
      expect(fifth).not.toBe(sixth)
      for (const [node, other] of [
        [five, sixth],
        [six, fifth]
      ] as const) {
        await node.wait('it names the other', async () =>
          (await node.network()).health.some(
            ({ text }) => text.includes(other) && text.includes('public address of this node')
          )
        )
        expect((await peersOf(node)).length).toBe(4)
      }
    })
  })

  it('29: a lease that is renewed again and again lives on, and leaves no etcd leases behind', async () => {
    const seven = await site.addNode(7, { 'lease-ttl': '4s' })
    const before = await etcdLeases()
    await hitless('a short lease', pods.slice(0, 2), async () => {
      await seven.start()
      await seven.ready()
      const key = await keyOf(seven)
      const revisions = new Set<number>()
      await seven.wait('it was renewed three times', async () => {
        const stored = (await site.leases()).get(key)
        expect(stored?.isReserved).toBe(false)
        revisions.add(stored?.revision ?? 0)
        return revisions.size > 3
      })
      expect(revisions.has(0)).toBe(false)
      expect(await etcdLeases()).toBe(before + 1)
      expect(seven.log()).not.toContain('lease lost')
      await seven.stop('SIGKILL')
      const one = site.node(1)
      await one.wait('without its daemon it ends', async () => !(await site.leases()).has(key))
      await one.wait('nobody serves it', async () => !(await peersOf(one)).includes(subnetOf(key)))
    })
  })

  async function etcdLeases(): Promise<number> {
    const [, ...ids] = (await site.etcd.ctl(['lease', 'list'])).trim().split('\n')
    return ids.length
  }
})

describe('leases in etcd of nodes without IPv4', () => {
  it('24: two nodes reach each other, and each finds its own lease again', async () => {
    const config = {
      EnableIPv4: false,
      EnableIPv6: true,
      IPv6Network: 'fd00:5::/48',
      Backend: { Type: 'vxlan' }
    }
    const six = await EtcdCluster.create({ nodes: 2, config })
    try {
      const keys = await Promise.all(six.nodes.map(keyOf))
      expect(new Set(keys).size).toBe(2)
      for (const key of keys) {
        expect(key).toMatch(/^0\.0\.0\.0-0&fd00:5:/)
        // Anything else makes a flanneld drop all of its peers.
        expect((await six.leases()).get(key)?.text).toContain('"PublicIP":"0.0.0.0"')
      }
      const pods = await Promise.all(six.nodes.map((node) => six.cluster.attach(node, 'a')))
      await podsTalk(pods)
      await hitless('IPv6 alone', pods, async () => {
        for (const node of six.nodes) await node.restart()
        await six.cluster.settled()
      })
      expect(await Promise.all(six.nodes.map(keyOf))).toEqual(keys)
      await podsTalk(pods)
    } finally {
      await six.dispose()
    }
  })
})
