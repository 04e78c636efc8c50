import { reachability } from '@trilane/testbed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'

let cluster: Cluster

afterEach(() => cluster?.dispose())

/** Its one subnet. */
async function subnetOf(node: ClusterNode): Promise<string> {
  const [subnet] = (await node.network()).lease?.subnets ?? []
  if (subnet === undefined) throw new Error(`${node.name} has no lease`)
  return subnet
}

const keyOf = (subnet: string): string => subnet.replace('/', '-')

const routeTo = (subnet: string, gateway: string): string => `${subnet} via ${gateway} dev eth0`

/** As `ip route show proto 133` prints them, in any order. */
async function waitForRoutes(
  node: ClusterNode,
  routes: readonly string[],
  withinMs?: number
): Promise<number> {
  return node.wait(
    `its routes are ${routes.join(', ') || 'none'}`,
    async () => (await node.routes()).sort().join() === [...routes].sort().join(),
    withinMs
  )
}

describe('nodes that come, go and move', () => {
  beforeEach(async () => {
    cluster = await Cluster.prepare({ nodes: 3 })
    await cluster.node(1).start()
    await cluster.node(2).start()
    await cluster.settled()
  })

  it('get their route on the others when they come', async () => {
    const [one, two, three] = [cluster.node(1), cluster.node(2), cluster.node(3)]
    await waitForRoutes(one, [routeTo(await subnetOf(two), '192.168.77.2')])
    await three.start()
    await three.ready()
    const tookMs = await waitForRoutes(one, [
      routeTo(await subnetOf(two), '192.168.77.2'),
      routeTo(await subnetOf(three), '192.168.77.3')
    ])
    expect(tookMs).toBeLessThan(2_000)
  })

  it('are gone after the start of a daemon that was not there when they went', async () => {
    const [one, two] = [cluster.node(1), cluster.node(2)]
    const [own, gone] = [await subnetOf(one), await subnetOf(two)]
    const [pod] = (await cluster.attach(one, 'a')).addresses
    await one.stop()
    await two.stop()
    await cluster.removeLease(keyOf(gone))
    expect(await one.routes()).toEqual([routeTo(gone, '192.168.77.2')])
    await one.start()
    await one.settled(0)
    expect(await one.routes()).toEqual([])
    expect(await subnetOf(one)).toBe(own)
    expect(await one.client.pods()).toMatchObject([{ addresses: [{ address: pod }] }])
  })

  it('keep their subnet when their address changes, and the others replace the route without a gap', async () => {
    const [one, two] = [cluster.node(1), cluster.node(2)]
    const subnet = await subnetOf(two)
    const monitor = await one.place.spawn(['ip', 'monitor', 'route'])
    // As systemd sets it: the second address stays when the first is removed.
    await two.place.run(['sysctl', '-q', '-w', 'net.ipv4.conf.eth0.promote_secondaries=1'])
    await two.ip('address', 'add', '192.168.77.22/24', 'dev', 'eth0')
    await two.ip('address', 'del', '192.168.77.2/24', 'dev', 'eth0')
    await waitForRoutes(one, [routeTo(subnet, '192.168.77.22')])
    await one.wait('the monitor has seen it', () => monitor.stdout.includes(routeTo(subnet, '192.168.77.22')))
    expect(monitor.stdout).not.toMatch(/^Deleted/m)
    // The address took its routes with it, of which the kernel told nobody.
    await waitForRoutes(two, [routeTo(await subnetOf(one), '192.168.77.1')])
    expect(await two.network()).toMatchObject({ state: 'ready', uplink: { addresses: ['192.168.77.22/24'] } })
    const [from, to] = [await cluster.attach(one, 'a'), await cluster.attach(two, 'a')]
    const [address = ''] = to.addresses
    await reachability().expectSome(from.place, to.place, { address }).mustHold()
  })

  it('get their lease again, the same, when somebody removed it, and say so', async () => {
    const [one, two] = [cluster.node(1), cluster.node(2)]
    const [from, to] = [await cluster.attach(one, 'a'), await cluster.attach(two, 'a')]
    // Whichever of the two was written last, the newest lease of the store is among them.
    for (const node of [one, two]) {
      const subnet = await subnetOf(node)
      const key = keyOf(subnet)
      await cluster.removeLease(key)
      await node.wait('it notices', () => node.log().includes('TRI_LEASE_LOST'))
      await node.wait('it has it again', async () => {
        const { health, state } = await node.network()
        const text = await cluster.leaseText(key).catch(() => '')
        return state === 'ready' && health.length === 0 && text.includes(`"${node.name}"`)
      })
      expect(await subnetOf(node)).toBe(subnet)
      const line =
        node
          .log()
          .split('\n')
          .find((text) => text.includes('TRI_LEASE_LOST')) ?? ''
      expect(JSON.parse(line)).toMatchObject({ level: 'error', error: { values: { subnet: key } } })
    }
    await cluster.settled()
    const [address = ''] = to.addresses
    await reachability().expectSome(from.place, to.place, { address }).mustHold()
  })
})

describe('a node that died', () => {
  it('loses its lease and its routes on the others when its time is over, and not before', async () => {
    const ttlMs = 4_000
    cluster = await Cluster.create({ nodes: 3, flags: { 'lease-ttl': `${ttlMs}ms` } })
    const [one, two, three] = [cluster.node(1), cluster.node(2), cluster.node(3)]
    const [second, third] = [await subnetOf(two), await subnetOf(three)]
    const both = [routeTo(second, '192.168.77.2'), routeTo(third, '192.168.77.3')]
    await three.stop('SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await one.routes()).sort()).toEqual(both.sort())
    const tookMs = await waitForRoutes(one, [routeTo(second, '192.168.77.2')])
    expect(tookMs).toBeLessThan(ttlMs + 2_000)
    // The living renew theirs.
    await new Promise((resolve) => setTimeout(resolve, ttlMs))
    expect(await one.network()).toMatchObject({ state: 'ready', peers: [{ lease: { node: 'node2' } }] })
    expect(await subnetOf(two)).toBe(second)
  })
})
