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
import { afterEach, beforeEach, expect, it } from 'vitest'
import { NodeFirewall } from '../src/firewall-node.ts'
import { Health } from '../src/health.ts'

/** Sleeps end at once, but for the long one between two resyncs. */
const clock: Clock = {
  wallMs: () => 0,
  monotonicMs: () => 0,
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

beforeEach(() => {
  rules = new MemoryRules()
  firewall = new MemoryFirewall(rules)
  health = new Health(clock)
  node = new NodeFirewall({ firewall, clock, logger: SILENT_LOGGER, settings: SETTINGS, resyncMs: RESYNC_MS })
  node.start()
})
afterEach(() => node.stop())

const table = (): string => (rules.table === undefined ? '' : nftTextOf(rules.table))

it('has the rules of every network that has a lease, with the settings of the node', async () => {
  await node.leased(network('a', '10.5.0.0/16'), lease('10.5.1.0/24'), health)
  await node.leased(network('b', '10.7.0.0/16'), lease('10.7.1.0/24'), health)
  expect(table()).toContain('{ 10.5.1.0/24 . 10.5.0.0/16, 10.7.1.0/24 . 10.7.0.0/16 }')
  expect(table()).toContain('{ 172.16.0.0/12, 224.0.0.0/4 }')
  expect(table()).toContain('masquerade fully-random')
  await node.leased(network('a', '10.5.0.0/16'), lease('10.5.9.0/24'), health)
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
  await node.leased(network('a', '10.5.0.0/16'), lease('10.5.1.0/24'), health)
  expect(health.conditions().get('firewall')).toMatchObject({ code: problem.code, severity: 'high' })
  expect(health.items().map(({ code }) => code)).toContain('TRI_FORWARD_REFUSED')
  Reflect.deleteProperty(firewall, 'replace')
  rules.change({ forwardChains: [] })
  await node.leased(network('a', '10.5.0.0/16'), lease('10.5.1.0/24'), health)
  expect(health.items()).toEqual([])
})
