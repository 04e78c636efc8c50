import { hostGw } from '@trilane/backend-host-gw'
import { vxlan } from '@trilane/backend-vxlan'
import {
  commandOf,
  type Kernel,
  type KernelState,
  type LogFields,
  type Logger,
  type Neighbour,
  objectsOf,
  SILENT_LOGGER,
  type StoredLease
} from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'
import { memoryNode } from '@trilane/kernel-memory'
import { lanesHere, networkLanes } from '@trilane/lanes'
import { beforeEach, describe, expect, it } from 'vitest'
import { Health } from '../src/health.ts'
import { LaneLoop } from '../src/lane-loop.ts'
import { factsOf, leaseOf } from './facts.ts'
import { HandClock } from './hand-clock.ts'

const PERIOD_MS = 30_000

let clock: HandClock
let health: Health
let kernel: Kernel
let loop: LaneLoop
/** By slot, what is wished for it. */
let wishes: Map<string, string[]>
/** Who was asked, batch by batch, since it was emptied. */
let asked: string[][]
let logged: { message: string; fields: LogFields }[]

function here(order: readonly string[] = ['host-gw', 'vxlan'], uplink: Parameters<typeof factsOf>[0] = {}) {
  const lanes = order.map((type) => ({ type, options: {} }))
  const backend = { type: 'host-gw', options: {}, lanes }
  return lanesHere(networkLanes(backend, hostGw, [hostGw, vxlan]), factsOf(uplink), undefined)
}

beforeEach(() => {
  clock = new HandClock()
  health = new Health(clock)
  kernel = memoryNode({ links: ['eth0 192.168.77.1/24'] })
  asked = []
  logged = []
  wishes = new Map()
  kernel.solicit = async (hops) => {
    asked.push(hops.map(({ address }) => String(address)))
  }
  const logger: Logger = {
    ...SILENT_LOGGER,
    info: (message, fields = {}) => logged.push({ message, fields })
  }
  loop = new LaneLoop({
    kernel,
    clock,
    logger,
    health,
    periodMs: PERIOD_MS,
    slotOf: (key) => `peer/${key}`,
    wish: (slots) => {
      for (const [slot, state] of slots) wishes.set(slot, commandsOf(state))
    }
  })
})

function commandsOf(state: KernelState | undefined): string[] {
  if (state === undefined) return ['gone']
  return objectsOf(state).map((object) => commandOf({ action: 'set', ...object }))
}

function neighbour(number: number, state: Neighbour['state']): Neighbour {
  const mac = state === 'failed' ? {} : { mac: Mac.parse('02:00:00:00:00:99') }
  const address = IpAddress.parse(`192.168.77.${number}`)
  return { device: 'eth0', address, ...mac, ...(state === undefined ? {} : { state }) }
}

/** As the kernel tells. */
function tell(number: number, state: Neighbour['state'], gone = false): void {
  loop.onKernelEvent({ kind: 'neighbour', gone, value: neighbour(number, state) })
}

async function has(...neighbours: readonly Neighbour[]): Promise<void> {
  await kernel.apply(neighbours.map((value) => ({ action: 'set', kind: 'neighbour', value })))
}

function put(...leases: readonly StoredLease[]): void {
  loop.onPeers({ put: new Map(leases.map((stored) => [stored.key, stored])), gone: new Set() })
}

/** Until the first decision was made. */
async function settle(withinMs = 250): Promise<void> {
  const settled = loop.settle()
  await clock.pass(withinMs)
  await settled
}

const laneOf = (number: number) => loop.lanes.get(`10.5.${number}.0-24`)?.lane
const routeOf = (number: number) =>
  wishes.get(`peer/10.5.${number}.0-24`)?.find((text) => text.startsWith('ip route'))
const DIRECT = 'ip route replace 10.5.2.0/24 via 192.168.77.2 dev eth0 proto 133'
const TUNNELLED = 'ip route replace 10.5.2.0/24 via 10.5.2.0 dev flannel.1 proto 133 onlink'

describe('the first decision', () => {
  it('is made at once when the kernel knows every neighbour', async () => {
    await has(neighbour(2, 'stale'))
    loop.setHere(here())
    put(leaseOf(2), leaseOf(3, '192.168.88.3'))
    expect(wishes.size).toBe(0)
    await settle(0)
    expect([laneOf(2), laneOf(3)]).toEqual(['host-gw', 'vxlan'])
    expect([routeOf(2), asked]).toEqual([DIRECT, []])
  })

  it('asks, and waits a moment for answers; who has not answered gets the next lane', async () => {
    loop.setHere(here())
    put(leaseOf(2), leaseOf(3))
    const settled = loop.settle()
    await clock.pass(50)
    expect(asked).toEqual([['192.168.77.2', '192.168.77.3']])
    tell(2, 'reachable')
    expect(loop.lanes.size).toBe(0)
    await clock.pass(200)
    await settled
    expect([laneOf(2), laneOf(3)]).toEqual(['host-gw', 'vxlan'])
    tell(3, 'reachable')
    expect(laneOf(3)).toBe('host-gw')
  })

  it('goes on with what the kernel carries already', async () => {
    kernel = memoryNode({
      links: ['eth0 192.168.77.1/24'],
      routes: ['10.5.2.0/24 via 192.168.77.2 dev eth0 proto 133']
    })
    const solicit = async () => {}
    Object.assign(kernel, { solicit })
    loop = new LaneLoop({
      kernel,
      clock,
      logger: SILENT_LOGGER,
      health,
      periodMs: PERIOD_MS,
      slotOf: (key) => key,
      wish: () => {}
    })
    loop.setHere(here())
    put(leaseOf(2), leaseOf(3))
    await settle()
    expect([laneOf(2), laneOf(3)]).toEqual(['host-gw', 'vxlan'])
  })
})

describe('from then on', () => {
  beforeEach(async () => {
    await has(neighbour(2, 'reachable'))
    loop.setHere(here())
    put(leaseOf(2))
    await settle()
    asked.length = 0
  })

  it('a silent neighbour is left at once, asked again, and trusted again when it has answered for a while', async () => {
    tell(2, 'failed')
    expect(routeOf(2)).toBe(TUNNELLED)
    await clock.pass(5_000)
    expect(asked).toEqual([['192.168.77.2']])
    tell(2, 'reachable')
    await clock.pass(4_999)
    expect(laneOf(2)).toBe('vxlan')
    await clock.pass(1)
    expect(routeOf(2)).toBe(DIRECT)
    const changes = logged.filter(({ message }) => message === 'lane changed').map(({ fields }) => fields)
    expect(changes).toMatchObject([
      { peer: 'node2', from: 'host-gw', to: 'vxlan', reason: expect.stringContaining('does not answer') },
      { peer: 'node2', from: 'vxlan', to: 'host-gw', reason: expect.stringContaining('preferred') }
    ])
  })

  it('a new peer is asked and carried meanwhile; one that goes takes its state along', () => {
    put(leaseOf(3))
    expect(laneOf(3)).toBe('vxlan')
    expect(asked).toEqual([['192.168.77.3']])
    tell(3, 'reachable')
    expect(laneOf(3)).toBe('host-gw')
    loop.onPeers({ put: new Map(), gone: new Set(['10.5.3.0-24']) })
    expect(wishes.get('peer/10.5.3.0-24')).toEqual(['gone'])
    expect(loop.lanes.has('10.5.3.0-24')).toBe(false)
  })

  it('everybody whose answer decides is asked in each period', async () => {
    await clock.pass(PERIOD_MS)
    expect(asked).toEqual([['192.168.77.2']])
  })

  it('many are asked a few at a time', async () => {
    const many = Array.from({ length: 200 }, (_, index) => leaseOf(index + 3))
    put(...many)
    await clock.pass(0)
    const count = () => asked.flat().length
    expect(count()).toBeLessThanOrEqual(128)
    await clock.pass(1_000)
    expect(count()).toBeLessThanOrEqual(256)
    await clock.pass(1_000)
    // All of them, and each once.
    expect([count(), new Set(asked.flat()).size]).toEqual([200, 200])
    expect(Math.max(...asked.map((batch) => batch.length))).toBeLessThanOrEqual(128)
  })

  it('a kernel that does not ask harms nobody', async () => {
    kernel.solicit = () => Promise.reject(new Error('no'))
    put(leaseOf(3))
    await clock.pass(0)
    expect(laneOf(3)).toBe('vxlan')
  })

  it('another uplink is another way for each peer', async () => {
    loop.setHere(here(['host-gw', 'vxlan'], { name: 'eth1' }))
    await clock.pass(0)
    expect(routeOf(2)).toBe('ip route replace 10.5.2.0/24 via 192.168.77.2 dev eth1 proto 133')
    expect(asked).toEqual([['192.168.77.2']])
    // Of the former one it hears no more.
    tell(2, 'failed')
    expect(laneOf(2)).toBe('host-gw')
  })

  it('lost events are read again', async () => {
    await has(neighbour(2, 'failed'))
    loop.onKernelEvent({ kind: 'lost', reason: 'ENOBUFS' })
    await clock.pass(0)
    expect(laneOf(2)).toBe('vxlan')
  })

  it('nothing happens after its end', async () => {
    loop.stop()
    tell(2, 'failed')
    await clock.pass(PERIOD_MS)
    expect([laneOf(2), asked]).toEqual(['host-gw', []])
  })
})

describe('conditions', () => {
  it('name a peer without a lane, and one that does not answer where there is nothing else', async () => {
    loop.setHere(here(['host-gw']))
    put(leaseOf(2), leaseOf(3, '192.168.88.3'))
    await settle(0)
    tell(2, 'failed')
    expect(
      health
        .items()
        .map(({ code, severity }) => `${code} ${severity}`)
        .sort()
    ).toEqual(['TRI_PEER_NOT_ON_LINK medium', 'TRI_PEER_SILENT low'])
    expect([routeOf(2), laneOf(3)]).toEqual([DIRECT, undefined])
    tell(2, 'reachable')
    put(leaseOf(3))
    expect(health.items()).toEqual([])
    expect(asked).toEqual([])
  })
})
