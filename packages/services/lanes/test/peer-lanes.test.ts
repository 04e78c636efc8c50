import type { NodeFacts } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { beforeEach, describe, expect, it } from 'vitest'
import { byDestination, FIRST_HOLD_MS, lanesHere, networkLanes, PeerLanes } from '../src/index.ts'
import { direct, HandClock, KNOWN, leaseOf, neighbour, nodeAt, tunnel } from './fixtures.ts'

const MIXED = [
  { type: 'direct', options: {} },
  { type: 'tunnel', options: {} }
]

let clock: HandClock

beforeEach(() => {
  clock = new HandClock()
})

const hereOf = (order = MIXED, node: NodeFacts = nodeAt(), primary = tunnel) =>
  lanesHere(networkLanes({ type: primary.type, options: {}, lanes: order }, primary, KNOWN), node, undefined)

function peersOf(...args: Parameters<typeof hereOf>): PeerLanes {
  return new PeerLanes(hereOf(...args), clock)
}

/** Puts and decides. @returns lane and reason */
function carry(peers: PeerLanes, stored = leaseOf(2)): string {
  peers.put(stored)
  peers.decide([stored.key])
  const { lane = 'none', reason } = peers.lanes.get(stored.key) ?? { reason: 'it is unknown' }
  return `${lane}: ${reason}`
}

const there = { publicAddresses: { v4: IpAddress.parse('192.168.88.2') } }

describe('who is carried by what', () => {
  it('straight to a neighbour that answers', () => {
    const peers = peersOf()
    peers.note(neighbour(2, 'reachable'), false)
    expect(carry(peers)).toBe('direct: the preferred lane; an answer from 192.168.77.2')
    const route = peers.lanes.get('10.5.2.0-24')?.state.routes[0]
    expect(`${route?.destination} via ${route?.gateway} dev ${route?.device}`).toBe(
      '10.5.2.0/24 via 192.168.77.2 dev eth0'
    )
  })

  it('by the tunnel to who is elsewhere, silent, or has not answered yet', () => {
    const peers = peersOf()
    expect(carry(peers)).toBe('tunnel: in place of direct: 192.168.77.2 on eth0 has not answered yet')
    peers.note(neighbour(3, 'failed'), false)
    expect(carry(peers, leaseOf(3))).toBe('tunnel: in place of direct: 192.168.77.3 on eth0 does not answer')
    expect(carry(peers, leaseOf(4, there))).toBe(
      'tunnel: in place of direct: unexpected: 192.168.88.2 is elsewhere'
    )
  })

  it('only by what the peer offers', () => {
    const peers = peersOf()
    peers.note(neighbour(2, 'reachable'), false)
    const node = { machineId: 'm', name: 'node2' }
    expect(carry(peers, leaseOf(2, { node }))).toBe(
      'tunnel: in place of direct: node2 does not offer it; it offers tunnel'
    )
    const noTunnel = leaseOf(2, { backendType: 'direct', backendData: {}, node })
    expect(carry(peersOf(), noTunnel)).toBe('direct: the preferred lane; nothing asked of 192.168.77.2')
  })

  it('only by what this node can take part in', () => {
    const peers = peersOf(MIXED, nodeAt('203.0.113.1'))
    peers.note(neighbour(2, 'reachable'), false)
    expect(carry(peers)).toBe(
      'tunnel: in place of direct: this node cannot take part: unexpected: it is behind a NAT'
    )
  })

  it('straight to flanneld of the same type, as DirectRouting does; flanneld of another ignores this node', () => {
    const peers = peersOf()
    peers.note(neighbour(2, 'reachable'), false)
    const { node: _, ...lease } = leaseOf(2).lease
    expect(carry(peers, { ...leaseOf(2), lease })).toBe(
      'direct: the preferred lane; an answer from 192.168.77.2'
    )
    expect(carry(peers, { ...leaseOf(2), lease: { ...lease, backendType: 'direct' } })).toMatch(
      /^none: no lane to the holder of 10\.5\.2\.0\/24: direct: .* runs flanneld with direct, which ignores nodes of type tunnel; tunnel: /
    )
  })

  it('by what needs nothing here when the peer offers none of the lanes: a change of type that is half done', () => {
    const half = leaseOf(2, { backendType: 'direct', backendData: {} })
    expect(carry(peersOf(MIXED.slice(1)), half)).toBe(
      "direct: its node offers none of this network's lanes, and direct needs nothing here"
    )
    expect(carry(peersOf(MIXED.slice(1)))).toBe('tunnel: the only lane')
    const other = carry(peersOf(MIXED.slice(0, 1), nodeAt(), direct), leaseOf(2))
    expect(other).toBe('direct: the only lane; nothing asked of 192.168.77.2')
  })

  it('not at all, with the lane’s own word where there is only one, and with all of them where there are more', () => {
    const single = peersOf(MIXED.slice(0, 1), nodeAt(), direct)
    carry(single, leaseOf(2, there))
    expect(single.lanes.get('10.5.2.0-24')?.error?.code).toBe('TRI_INTERNAL')
    const mixed = peersOf()
    carry(mixed, leaseOf(2, { ...there, backendData: {} }))
    expect(mixed.lanes.get('10.5.2.0-24')?.error?.message).toBe(
      'no lane to node2: direct: unexpected: 192.168.88.2 is elsewhere; tunnel: unexpected: it publishes no end'
    )
    expect(mixed.lanes.get('10.5.2.0-24')?.state.routes).toEqual([])
  })

  it('by a silent neighbour when there is nothing else, with a word about it', () => {
    const peers = peersOf(MIXED.slice(0, 1), nodeAt(), direct)
    peers.note(neighbour(2, 'failed'), false)
    expect(carry(peers)).toBe('direct: the only lane; no other lane fits, and no answer from 192.168.77.2')
    const lane = peers.lanes.get('10.5.2.0-24')
    expect(lane?.doubt?.code).toBe('TRI_PEER_SILENT')
    expect(lane?.error).toBeUndefined()
    peers.decide(peers.note(neighbour(2, 'reachable'), false))
    expect(peers.lanes.get('10.5.2.0-24')?.doubt).toBeUndefined()
  })
})

describe('what changes a choice', () => {
  it('is news for the peers behind that neighbour alone', () => {
    const peers = peersOf()
    carry(peers)
    carry(peers, leaseOf(3))
    expect([...peers.note(neighbour(2, 'reachable'), false)]).toEqual(['10.5.2.0-24'])
    expect([...peers.note(neighbour(2, 'stale'), false)]).toEqual([])
    expect([...peers.note(neighbour(9, 'reachable'), false)]).toEqual([])
    expect([...peers.note(neighbour(2, 'reachable', 'eth1'), false)]).toEqual([])
    expect([...peers.note(neighbour(2, 'failed'), false)]).toEqual(['10.5.2.0-24'])
    // It is asked again, by a packet: that is no answer.
    expect([...peers.note(neighbour(2, 'incomplete'), false)]).toEqual([])
    peers.remove('10.5.2.0-24')
    expect([...peers.note(neighbour(2, 'reachable'), false)]).toEqual([])
  })

  it('leaves at once, comes back when it was good for a while, and counts since when', () => {
    const peers = peersOf()
    const key = '10.5.2.0-24'
    peers.note(neighbour(2, 'reachable'), false)
    carry(peers)
    clock.nowMs += 100
    const [change] = peers.decide(peers.note(neighbour(2, 'failed'), false))
    expect([change?.before?.lane, change?.now.lane, change?.now.sinceMs]).toEqual([
      'direct',
      'tunnel',
      clock.nowMs
    ])
    expect(peers.nextDueMs()).toBeUndefined()
    peers.decide(peers.note(neighbour(2, 'reachable'), false))
    expect(peers.lanes.get(key)?.lane).toBe('tunnel')
    expect(peers.nextDueMs()).toBe(clock.nowMs + FIRST_HOLD_MS)
    expect(peers.due()).toEqual([])
    clock.nowMs += FIRST_HOLD_MS
    expect(peers.due()).toEqual([key])
    peers.decide(peers.due())
    expect(peers.lanes.get(key)).toMatchObject({ lane: 'direct', sinceMs: clock.nowMs })
    expect(peers.nextDueMs()).toBeUndefined()
  })

  it('is another node under the same peers', () => {
    const peers = peersOf()
    peers.note(neighbour(2, 'reachable'), false)
    carry(peers)
    peers.setHere(hereOf(MIXED, nodeAt('192.168.77.1', 'eth1')))
    peers.decide(peers.keys())
    // Of eth1 nothing is known yet, and nothing speaks against it.
    expect(peers.lanes.get('10.5.2.0-24')?.state.routes[0]?.device).toBe('eth1')
    peers.decide(peers.note(neighbour(2, 'failed', 'eth1'), false))
    expect(peers.lanes.get('10.5.2.0-24')?.lane).toBe('tunnel')
  })

  it('is not the end of the daemon: what the kernel carries goes on', () => {
    const route = (gateway: string, device = 'eth0') => ({
      destination: Prefix.parse('10.5.2.0/24'),
      gateway: IpAddress.parse(gateway),
      device
    })
    for (const [routes, lane] of [
      [[route('192.168.77.2')], 'direct'],
      [[route('192.168.77.9')], 'tunnel'],
      [[route('192.168.77.2', 'eth1')], 'tunnel'],
      [[], 'tunnel']
    ] as const) {
      const peers = peersOf()
      peers.put(leaseOf(2))
      peers.evaluate(peers.keys())
      peers.adopt(peers.keys(), byDestination(routes))
      peers.decide(peers.keys())
      expect(peers.lanes.get('10.5.2.0-24')?.lane).toBe(lane)
    }
  })
})

describe('whom to ask', () => {
  it('is who decides between lanes, each once', () => {
    const peers = peersOf()
    const ask = (which: Parameters<PeerLanes['toAsk']>[0]) =>
      [...peers.toAsk(which)].map(({ address }) => `${address}`)
    for (const number of [2, 3, 4]) peers.put(leaseOf(number))
    peers.put(leaseOf(5, there))
    peers.put(leaseOf(6, { node: { machineId: 'm', name: 'n' } }))
    expect(ask('all')).toEqual([])
    peers.evaluate(peers.keys())
    peers.note(neighbour(3, 'reachable'), false)
    peers.note(neighbour(4, 'failed'), false)
    expect(ask('all')).toEqual(['192.168.77.2', '192.168.77.3', '192.168.77.4'])
    expect(ask('unanswered')).toEqual(['192.168.77.2', '192.168.77.4'])
    expect(ask('unknown')).toEqual(['192.168.77.2'])
    peers.remove('10.5.2.0-24')
    expect(ask('unknown')).toEqual([])
    peers.forgetNeighbours()
    expect(ask('unknown')).toEqual(['192.168.77.3', '192.168.77.4'])
  })

  it('is nobody in a network of one lane', () => {
    const peers = peersOf(MIXED.slice(0, 1), nodeAt(), direct)
    peers.put(leaseOf(2))
    peers.evaluate(peers.keys())
    expect([...peers.toAsk('all')]).toEqual([])
  })
})
