import { IpAddress } from '@trilane/ip'
import type { WalkFrame, Way, WayHop } from '@trilane/packet-way'
import { describe, expect, it } from 'vitest'
import {
  compareWalk,
  type HopPoint,
  isOfWalk,
  type Sighting,
  type WalkHead
} from '../src/compare/walk/compare-walk.ts'

const HEAD: WalkHead = {
  ...{ mode: 'host-gw', family: 'v4', packet: 'ping', from: 'a', to: 'b' },
  ...{ source: '10.5.1.2', destination: '10.5.2.2' }
}

function frame(ttl: string, bytes = 98): WalkFrame {
  const ends = { source: HEAD.source, destination: HEAD.destination }
  return {
    bytes,
    layers: [
      { name: 'ipv4', bytes: 20, fields: { ttl, ...ends } },
      { name: 'icmp', bytes: 8, fields: { type: '8', sequence: '1' } }
    ]
  }
}

const hop = (place: string, ttl: string, bytes = 98): WayHop => ({
  ...{ place, device: 'eth0', role: 'uplink', direction: 'out', rows: [] },
  frame: frame(ttl, bytes)
})

const seen = (place: string, atNs: bigint, ttl: string, bytes = 98): Sighting => {
  const point: HopPoint = { namespace: '', place, device: 'eth0', role: 'uplink' }
  return { point, direction: 'out', atNs, frame: frame(ttl, bytes) }
}

const way: Way = {
  destination: IpAddress.parse(HEAD.destination),
  hops: [hop('a', '64'), hop('b', '63', 148)],
  outcome: { kind: 'arrived', place: 'b', rows: [] }
}

describe('compareWalk', () => {
  it('puts what was seen beside what was predicted, whatever the order in which it came', () => {
    const walk = compareWalk(HEAD, way, [seen('b', 1_005n, '63', 148), seen('a', 1_000n, '64')])
    expect(walk).toMatchObject({ equal: true, addedBytes: 50 })
    expect(walk.hops.map(({ place, afterNs, addedBytes }) => [place, afterNs, addedBytes])).toEqual([
      ['a', 0, 0],
      ['b', 5, 50]
    ])
    expect(walk.hops[1]?.changed).toEqual(['ipv4.ttl'])
  })

  it('is not equal when a frame looks otherwise, is missing, or was seen where nobody predicted it', () => {
    const good = [seen('a', 0n, '64'), seen('b', 1n, '63', 148)]
    const other = compareWalk(HEAD, way, [seen('a', 0n, '64'), seen('b', 1n, '62', 148)])
    expect([other.equal, other.hops[1]?.equal]).toEqual([false, false])
    const missing = compareWalk(HEAD, way, good.slice(0, 1))
    expect([missing.equal, missing.hops[1]?.observed]).toEqual([false, undefined])
    const more = compareWalk(HEAD, way, [...good, seen('c', 2n, '63')])
    expect([more.equal, more.hops[2]?.predicted]).toEqual([false, undefined])
    expect(compareWalk(HEAD, way, [...good, seen('a', 3n, '64')]).equal).toBe(false)
  })

  it('says why a way is broken', () => {
    const outcome = { kind: 'broken', place: 'b', reason: 'b does not forward', rows: [] } as const
    expect(compareWalk(HEAD, { ...way, outcome }, [])).toMatchObject({
      equal: false,
      broken: 'b does not forward'
    })
  })
})

describe('isOfWalk', () => {
  it('takes the packet and what carries it, no answer and no other', () => {
    const [ip, icmp] = frame('64').layers
    if (ip === undefined || icmp === undefined) throw new Error('no layers')
    const outer = { name: 'ipv4', bytes: 20, fields: { source: '192.168.77.1' } } as const
    const of = (...layers: WalkFrame['layers'][number][]): boolean =>
      isOfWalk({ ...seen('a', 0n, '64'), frame: { bytes: 98, layers } }, HEAD, 7)
    expect(of(ip, icmp)).toBe(true)
    expect(of(outer, ip, icmp)).toBe(true)
    expect(of(ip, { ...icmp, fields: { type: '0', sequence: '1' } })).toBe(false)
    expect(of({ ...ip, fields: { ...ip.fields, source: '10.5.1.3' } }, icmp)).toBe(false)
    expect(of(icmp)).toBe(false)
  })
})
