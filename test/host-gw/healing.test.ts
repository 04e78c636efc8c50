import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Cluster, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { until } from '../cluster/until.ts'

/** What somebody else set up beside ours, and what must outlive every repair. */
const FOREIGN = ['203.0.113.0/24 via 192.168.77.2 dev eth0', '10.5.255.0/24 via 192.168.77.2 dev eth0']

/** From the event to the repaired state, as it is promised. */
const HEALED_WITHIN_MS = 1_000

let cluster: Cluster
let node: ClusterNode
let pods: readonly [Pod, Pod]
let right: readonly string[]

beforeAll(async () => {
  cluster = await Cluster.create({ nodes: 2, config: 'host-gw-dual-stack', flags: { 'full-pass': '1h' } })
  node = cluster.node(1)
  pods = [await cluster.attach(node, 'a'), await cluster.attach(cluster.node(2), 'a')]
})

afterAll(() => cluster?.dispose())

beforeEach(async () => {
  for (const route of FOREIGN) await node.ip('route', 'replace', ...route.split(' '))
  right = await node.routes()
  expect(right).toHaveLength(2)
  await cluster.settled()
})

/** @returns milliseconds until everything is as it was */
function healed(hold: () => Promise<boolean> = async () => true): Promise<number> {
  return node.wait('it heals', async () => {
    const routes = await node.routes()
    return routes.join('\n') === right.join('\n') && (await hold())
  })
}

async function foreignRoutes(): Promise<string[]> {
  const routes = await node.routes('all')
  return FOREIGN.filter((route) => routes.includes(route))
}

/** The first of ours of the family: `10.5.95.0/24 via 192.168.77.2 dev eth0 proto 133`. */
function ours(family: '-4' | '-6'): string {
  const route = right.find((text) => text.includes(':') === (family === '-6'))
  if (route === undefined) throw new Error(`there is no route of ours in ${right}`)
  return route
}

const subnetOf = (route: string): string => route.split(' ')[0] ?? ''

describe('what somebody did to our kernel state by hand is undone within a second', () => {
  it.each(['-4', '-6'] as const)('a route of ours that was deleted (ip %s)', async (family) => {
    await node.ip(family, 'route', 'del', subnetOf(ours(family)), 'proto', '133')
    expect(await healed()).toBeLessThan(HEALED_WITHIN_MS)
    expect(await foreignRoutes()).toEqual(FOREIGN)
  })

  it.each([
    ['-4', '192.168.77.99'],
    ['-6', 'fd77::99']
  ] as const)('17: a route of ours that was given another gateway (ip %s)', async (family, gateway) => {
    await node.ip(
      family,
      'route',
      'replace',
      subnetOf(ours(family)),
      'via',
      gateway,
      'dev',
      'eth0',
      'proto',
      '133'
    )
    expect(await healed()).toBeLessThan(HEALED_WITHIN_MS)
    expect(await foreignRoutes()).toEqual(FOREIGN)
    await podsTalk(pods)
  })

  it('all routes of ours, deleted at once', async () => {
    await node.ip('-4', 'route', 'flush', 'proto', '133')
    await node.ip('-6', 'route', 'flush', 'proto', '133')
    expect(await healed()).toBeLessThan(HEALED_WITHIN_MS)
    expect(await foreignRoutes()).toEqual(FOREIGN)
  })

  it('18: an uplink that went down and came back', async () => {
    await node.ip('link', 'set', 'dev', 'eth0', 'down')
    await until('the routes go with it', async () => (await node.routes()).length === 0)
    // With it go its IPv6 address and the foreign routes: theirs to put back, not ours.
    await node.ip('link', 'set', 'dev', 'eth0', 'up')
    await node.ip('address', 'add', 'fd77::1/64', 'dev', 'eth0', 'nodad')
    expect(await healed()).toBeLessThan(HEALED_WITHIN_MS)
    await podsTalk(pods)
  })

  it.each(['-4', '-6'] as const)('the address of the bridge, removed (ip %s)', async (family) => {
    const before = await node.ip(family, '-brief', 'address', 'show', 'dev', 'cni0', 'scope', 'global')
    const address = before.trim().split(/\s+/)[2] ?? ''
    await node.ip(family, 'address', 'del', address, 'dev', 'cni0')
    const tookMs = await healed(async () =>
      (await node.ip(family, '-brief', 'address', 'show', 'dev', 'cni0')).includes(address)
    )
    expect(tookMs).toBeLessThan(HEALED_WITHIN_MS)
    expect(await foreignRoutes()).toEqual(FOREIGN)
    await podsTalk(pods)
  })

  it.each([
    ['MTU', ['mtu', '1400'], /mtu 1500 /],
    ['mark', ['alias', 'somebody'], /alias trilane:default$/m],
    ['state', ['down'], /[<,]UP[,>]/]
  ])('the %s of the bridge, changed', async (_, words, expected) => {
    const show = (): Promise<string> => node.ip('link', 'show', 'dev', 'cni0')
    expect(await show()).toMatch(expected)
    await node.ip('link', 'set', 'dev', 'cni0', ...words)
    expect(await healed(async () => expected.test(await show()))).toBeLessThan(HEALED_WITHIN_MS)
    await podsTalk(pods)
  })

  it('a stray route with our mark, which goes', async () => {
    await node.ip('route', 'add', '10.5.254.0/24', 'via', '192.168.77.2', 'dev', 'eth0', 'proto', '133')
    expect(await healed()).toBeLessThan(HEALED_WITHIN_MS)
    expect(await foreignRoutes()).toEqual(FOREIGN)
  })

  it('the bridge, deleted: it comes back, with address, for pods that are attached from then on', async () => {
    const addressesOf = async (): Promise<string> =>
      (await node.ip('-brief', 'address', 'show', 'dev', 'cni0'))
        .replace(/fe80:\S+/, '')
        .replace(/^\S+\s+\S+/, '')
    const before = await addressesOf()
    expect(before).toMatch(/10\.5\.\d+\.1\/24 .*fd00:5:/)
    await node.ip('link', 'del', 'dev', 'cni0')
    const tookMs = await healed(async () => (await addressesOf().catch(() => '')).trim() === before.trim())
    expect(tookMs).toBeLessThan(HEALED_WITHIN_MS)
    expect(await foreignRoutes()).toEqual(FOREIGN)
    // A port is a pod's: what was attached to the old bridge must be attached again.
    const [former, other] = pods
    await node.client.detach({ containerId: former.containerId, ifname: 'eth0' })
    const { containerId, place } = former
    const answer = await node.client.attach({ containerId, ifname: 'eth0', namespace: place.namespacePath })
    pods = [{ ...former, answer, addresses: answer.addresses.map(({ address }) => address) }, other]
    await podsTalk(pods)
  })
})

describe('what no event tells of is undone by the next full pass', () => {
  it.each(['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'])('%s, switched off', async (key) => {
    await node.stop()
    await node.start({ 'full-pass': '1s' })
    await node.settled(1)
    const value = async (): Promise<string> => (await node.place.run(['sysctl', '-n', key])).stdout.trim()
    expect(await value()).toBe('1')
    await node.place.run(['sysctl', '-q', '-w', `${key}=0`])
    const tookMs = await node.wait(`${key} is on again`, async () => (await value()) === '1')
    // The period, and what a pass takes on a busy machine.
    expect(tookMs).toBeLessThan(1_000 + HEALED_WITHIN_MS)
    await podsTalk(pods)
  })
})
