import { type KernelEvent, type NodeFacts, SILENT_LOGGER, TrilaneError } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { beforeEach, describe, expect, it } from 'vitest'
import { FactsFollower } from '../src/facts-follower.ts'
import { Health } from '../src/health.ts'
import { factsOf } from './facts.ts'
import { HandClock } from './hand-clock.ts'

/** Within so long after its event a change must be known. */
const SOON_MS = 50

let clock: HandClock
let health: Health
let follower: FactsFollower
let now: NodeFacts | undefined
let reads: number
let changes: string[]
let refuse: TrilaneError | undefined

beforeEach(async () => {
  clock = new HandClock()
  health = new Health(clock)
  now = factsOf()
  reads = 0
  changes = []
  refuse = undefined
  follower = new FactsFollower({
    read: async () => {
      reads++
      if (now === undefined) throw TrilaneError.of('TRI_UPLINK_NOT_FOUND', { reason: 'gone' })
      return now
    },
    onChange: async ({ uplink }) => {
      if (refuse !== undefined) throw refuse
      changes.push(`${uplink.name} ${uplink.index} ${uplink.mtuBytes}`)
    },
    health,
    clock,
    logger: SILENT_LOGGER
  })
  await follower.readFirst()
  reads = 0
})

const address = (device: string, text: string): KernelEvent => ({
  kind: 'address',
  gone: false,
  value: {
    device,
    address: IpAddress.parse(text),
    prefixLength: 24,
    scope: 'global',
    permanent: true,
    tentative: false,
    deprecated: false,
    temporary: false
  }
})
const route = (destination: string, device: string, gateway?: string): KernelEvent => ({
  kind: 'route',
  gone: false,
  value: {
    destination: Prefix.parse(destination),
    device,
    ...(gateway === undefined ? {} : { gateway: IpAddress.parse(gateway) })
  }
})
const lost: KernelEvent = { kind: 'lost', reason: 'ENOBUFS' }

async function after(...events: readonly KernelEvent[]): Promise<void> {
  for (const event of events) follower.onKernelEvent(event)
  await clock.pass(SOON_MS)
}

describe('FactsFollower', () => {
  it('reads once for a flock of events, and tells only of another node', async () => {
    await after(address('eth0', '192.168.77.9'), lost, route('192.168.99.0/24', 'eth0'))
    expect([reads, changes]).toEqual([1, []])
    now = factsOf({ mtuBytes: 1400 })
    await after(lost)
    expect(changes).toEqual(['eth0 2 1400'])
    expect(follower.facts?.uplink.mtuBytes).toBe(1400)
  })

  it.each([
    ['a route of a peer', route('10.5.2.0/24', 'eth0', '192.168.77.2'), 0],
    ['a link-local address elsewhere', address('veth1', 'fe80::1'), 0],
    ['another default route', route('0.0.0.0/0', 'eth1', '192.168.88.1'), 1],
    ['an address elsewhere', address('eth1', '192.168.88.1'), 1],
    ['a network on the uplink', route('192.168.99.0/24', 'eth0'), 1],
    ['lost events', lost, 1]
  ])('looks again when it may concern the uplink: %s', async (_, event, expected) => {
    await after(event)
    expect(reads).toBe(expected)
  })

  it('keeps the facts of a vanished uplink, says so, and tells when it is back, though nothing else is new', async () => {
    now = undefined
    await after(lost)
    expect(follower.facts).toEqual(factsOf())
    expect(health.items()).toMatchObject([{ code: 'TRI_UPLINK_NOT_FOUND', severity: 'high' }])
    // While it is waited for, its event is not: no back-off may stand between.
    await clock.pass(60_000)
    now = factsOf()
    await after(lost)
    expect(changes).toEqual(['eth0 2 1500'])
    expect(health.items()).toEqual([])
  })

  it('says that the parent of pods is down, from the start and later, until it is up', async () => {
    const parent = { ...factsOf().uplink, isWireless: false, addresses: [], gateways: {}, children: [] }
    const down: NodeFacts = { ...factsOf(), parent: { ...parent, isDown: true } }
    now = down
    await follower.readFirst()
    expect(health.items()).toMatchObject([{ code: 'TRI_PARENT_UNFIT', severity: 'high' }])
    now = { ...factsOf(), parent }
    await after(lost)
    expect(health.items()).toEqual([])
    now = down
    await after(lost)
    expect(health.items()).toMatchObject([{ code: 'TRI_PARENT_UNFIT', severity: 'high' }])
  })

  it('finds a return that no event told of', async () => {
    now = undefined
    await after(lost)
    now = factsOf({ index: 9 })
    await clock.pass(5_000)
    expect(changes).toEqual(['eth0 9 1500'])
  })

  it('tries again what could not be done with new facts', async () => {
    refuse = TrilaneError.of('TRI_CONFIG_INVALID', { path: '--public-ip', value: 1, allowed: 2 })
    now = factsOf({ mtuBytes: 1400 })
    await after(lost)
    expect(health.items()).toMatchObject([{ code: 'TRI_CONFIG_INVALID' }])
    refuse = undefined
    await clock.pass(5_000)
    expect(changes).toEqual(['eth0 2 1400'])
    expect(health.items()).toEqual([])
  })

  it('is over when it is stopped', async () => {
    follower.stop()
    await after(lost)
    expect(reads).toBe(0)
  })
})
