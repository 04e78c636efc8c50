import {
  type Clock,
  type Lease,
  type NetworkConfig,
  nftTextOf,
  SILENT_LOGGER,
  TrilaneError
} from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { MemoryFirewall, MemoryRules } from '@trilane/kernel-memory'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Loopback } from '../src/bridge-loopback.ts'
import { NodeFirewall } from '../src/firewall-node.ts'
import { Health } from '../src/health.ts'

/** Sleeps end at once, but for the long one between two resyncs. */
const clock: Clock = {
  wallMs: () => 0,
  monotonicMs: () => 0,
  bootMs: () => 0,
  sleep: (ms, signal) =>
    ms < RESYNC_MS
      ? Promise.resolve()
      : new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
}
const RESYNC_MS = 5_000

const SETTINGS = {
  ipMasq: true,
  ipMasqFullyRandomDisable: false,
  iptablesForwardRules: true,
  nonMasqueradeCidrs: [Prefix.parse('172.16.0.0/12')]
}

function network(name: string, text: string): NetworkConfig {
  const whole = Prefix.parse(text)
  const v4 = { network: whole, subnetLength: 24, subnetMin: whole.address, subnetMax: whole.address }
  return { name, families: { v4 }, backend: { type: 'host-gw', options: {} }, enableNftables: false }
}

function lease(text: string): Lease {
  return {
    subnets: { v4: Prefix.parse(text) },
    publicAddresses: { v4: IpAddress.parse('192.0.2.1') },
    backendType: 'host-gw',
    backendData: {}
  }
}

let rules: MemoryRules
let firewall: MemoryFirewall
let health: Health
let node: NodeFirewall
let loopback: Loopback
let opened = false

beforeEach(() => {
  rules = new MemoryRules()
  firewall = new MemoryFirewall(rules)
  health = new Health(clock)
  loopback = {
    openAmong: async (devices) => (opened ? devices : []),
    open: vi.fn(() => {
      opened = true
    })
  }
  opened = false
  node = new NodeFirewall({
    firewall,
    clock,
    logger: SILENT_LOGGER,
    settings: SETTINGS,
    loopback,
    networks: 1,
    resyncMs: RESYNC_MS
  })
  node.start()
})
afterEach(() => node.stop())

const table = (): string => (rules.table === undefined ? '' : nftTextOf(rules.table))

it('has the rules of every network that has a lease, with the settings of the node', async () => {
  await node.leased({
    network: network('a', '10.5.0.0/16'),
    lease: lease('10.5.1.0/24'),
    health,
    routed: true,
    bridge: 'cni0'
  })
  await node.leased({
    network: network('b', '10.7.0.0/16'),
    lease: lease('10.7.1.0/24'),
    health,
    routed: true,
    bridge: 'cni0'
  })
  expect(table()).toContain('{ 10.5.1.0/24 . 10.5.0.0/16, 10.7.1.0/24 . 10.7.0.0/16 }')
  expect(table()).toContain('{ 172.16.0.0/12, 224.0.0.0/4 }')
  expect(table()).toContain('masquerade fully-random')
  await node.leased({
    network: network('a', '10.5.0.0/16'),
    lease: lease('10.5.9.0/24'),
    health,
    routed: true,
    bridge: 'cni0'
  })
  expect(table()).toContain('{ 10.5.9.0/24, 10.7.1.0/24 }')
  expect(node.status.standing).toBe(true)
})

it('tells the health of the network what stands in the way, and when it is over', async () => {
  const problem = TrilaneError.of('TRI_FIREWALL_UNAVAILABLE', { problem: 'no library' })
  firewall.replace = async () => {
    throw problem
  }
  const place = { tool: 'nft', family: 'ip', table: 'filter', chain: 'FORWARD' } as const
  await rules.addForwardChain({ ...place, policy: 'accept', rejects: true })
  await node.leased({
    network: network('a', '10.5.0.0/16'),
    lease: lease('10.5.1.0/24'),
    health,
    routed: true,
    bridge: 'cni0'
  })
  expect(health.conditions().get('firewall')?.item).toMatchObject({ code: problem.code, severity: 'high' })
  expect(health.items().map(({ code }) => code)).toContain('TRI_FORWARD_REFUSED')
  Reflect.deleteProperty(firewall, 'replace')
  rules.change({ forwardChains: [] })
  await node.leased({
    network: network('a', '10.5.0.0/16'),
    lease: lease('10.5.1.0/24'),
    health,
    routed: true,
    bridge: 'cni0'
  })
  expect(health.items()).toEqual([])
})

const POD = { network: 'a', key: { containerId: 'pod', ifname: 'eth0' } }
const OTHER = { network: 'a', key: { containerId: 'other', ifname: 'eth0' } }
const UDP = { protocol: 'udp', hostPort: 53, podPort: 5353 } as const
const ADDRESS = { v4: IpAddress.parse('10.5.1.2') }

describe('host ports', () => {
  beforeEach(() =>
    node.leased({
      network: network('a', '10.5.0.0/16'),
      lease: lease('10.5.1.0/24'),
      health,
      routed: true,
      bridge: 'cni0'
    })
  )

  it('stand when they are published, and are gone when they are withdrawn', async () => {
    const before = table()
    await node.publish(POD, [UDP], ADDRESS)
    expect(table()).toContain('{ 17 . 53 : 10.5.1.2 . 5353 }')
    expect(node.problems(POD)).toEqual([])
    await node.withdraw(POD)
    expect(node.problems(POD)).toEqual(['its host ports are not open'])
    expect(table().replace(/\n\tchain loopback \{[^}]*\}\n/, '')).toBe(before)
  })

  it('are open to the node itself only behind the guard, which stays', async () => {
    expect(table()).not.toContain('loopback')
    const guardedFirst = new Promise<string>((resolve) => {
      vi.mocked(loopback.open).mockImplementation(() => {
        opened = true
        resolve(table())
      })
    })
    await node.publish(POD, [UDP], ADDRESS)
    expect(await guardedFirst).toContain('iifname "cni0" ip daddr 127.0.0.0/8 drop')
    await node.withdraw(POD)
    expect(table()).toContain('iifname "cni0" ip daddr 127.0.0.0/8 drop')
  })

  it('are guarded where somebody else opened the loopback address', async () => {
    opened = true
    await node.leased({
      network: network('a', '10.5.0.0/16'),
      lease: lease('10.5.1.0/24'),
      health,
      routed: true,
      bridge: 'cni0'
    })
    expect(table()).toContain('iifname "cni0" ip daddr 127.0.0.0/8 drop')
  })

  it('of another pod are refused and leave nothing', async () => {
    await node.publish(POD, [UDP], ADDRESS)
    const before = table()
    const wanted = [{ ...UDP, hostPort: 54 }, UDP]
    await expect(node.publish(OTHER, wanted, { v4: IpAddress.parse('10.5.1.3') })).rejects.toMatchObject({
      code: 'TRI_HOST_PORT_REFUSED'
    })
    expect(table()).toBe(before)
    await node.withdraw(OTHER)
    expect(table()).toBe(before)
  })

  it('that cannot be written are refused, and do not come back later', async () => {
    const problem = TrilaneError.of('TRI_FIREWALL_UNAVAILABLE', { problem: 'no library' })
    firewall.broken = problem
    await expect(node.publish(POD, [UDP], ADDRESS)).rejects.toBe(problem)
    firewall.broken = undefined
    await node.leased({
      network: network('a', '10.5.0.0/16'),
      lease: lease('10.5.1.0/24'),
      health,
      routed: true,
      bridge: 'cni0'
    })
    expect(table()).not.toContain('5353')
    expect(opened).toBe(false)
  })

  it('of UDP are tracked anew when they open and when they close', async () => {
    const flow = { family: 'v4', port: 53, address: IpAddress.parse('192.0.2.1') } as const
    await rules.track(flow)
    await node.publish(POD, [UDP], ADDRESS)
    expect(rules.flows).toEqual([])
    await rules.track(flow)
    await node.withdraw(POD)
    expect(rules.flows).toEqual([])
  })
})

describe('of two networks', () => {
  const patience = vi.fn<Clock['sleep']>()
  const both = () =>
    new NodeFirewall({
      firewall,
      clock: {
        ...clock,
        sleep: (ms, signal) => (ms < RESYNC_MS ? patience(ms, signal) : clock.sleep(ms, signal))
      },
      logger: SILENT_LOGGER,
      settings: SETTINGS,
      loopback,
      networks: 2,
      resyncMs: RESYNC_MS
    })
  const a = () => ({
    network: network('a', '10.5.0.0/16'),
    lease: lease('10.5.1.0/24'),
    health,
    routed: true,
    bridge: 'cni0'
  })
  const b = () => ({
    network: network('b', '10.7.0.0/16'),
    lease: lease('10.7.1.0/24'),
    health,
    routed: true,
    bridge: 'cni-b'
  })

  it('the first table has both: one of them alone would take from pods what they use', async () => {
    patience.mockImplementation(
      (_, signal) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
    )
    const node = both()
    const first = node.leased(a())
    await new Promise((resolve) => setImmediate(resolve))
    expect(firewall.writes).toEqual([])
    patience.mockResolvedValue()
    await Promise.all([first, node.leased(b())])
    expect(table()).toContain('{ 10.5.1.0/24 . 10.5.0.0/16, 10.7.1.0/24 . 10.7.0.0/16 }')
    expect(firewall.writes).toEqual(['replace'])
    node.stop()
  })

  it('one that has no lease does not keep the other waiting forever', async () => {
    patience.mockResolvedValue()
    const node = both()
    await node.leased(a())
    expect(patience).toHaveBeenCalledWith(3_000, expect.anything())
    expect(table()).toContain('{ 10.5.1.0/24 . 10.5.0.0/16 }')
    node.stop()
  })

  it('each has its bridge guarded', async () => {
    patience.mockResolvedValue()
    const node = both()
    await node.leased(a())
    await node.leased(b())
    await node.publish(POD, [UDP], ADDRESS)
    for (const bridge of ['cni0', 'cni-b']) {
      expect(table()).toContain(`iifname "${bridge}" ip daddr 127.0.0.0/8 drop`)
    }
    expect(loopback.open).toHaveBeenCalledWith(['cni0', 'cni-b'])
    node.stop()
  })
})

it('host ports of a former process are in the first table of this one', async () => {
  node.restore(POD, [UDP], ADDRESS)
  await node.withdraw(OTHER)
  expect(firewall.writes).toEqual([])
  await node.leased({
    network: network('a', '10.5.0.0/16'),
    lease: lease('10.5.1.0/24'),
    health,
    routed: true,
    bridge: 'cni0'
  })
  expect(table()).toContain('{ 17 . 53 : 10.5.1.2 . 5353 }')
  expect(firewall.writes).toEqual(['replace'])
})
