import type { StoredLease } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { type PeerRules, usablePeers } from '@trilane/subnet-manager'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lease, V4, V6 } from './fixtures.ts'
import { keyOf } from './memory-store.ts'

let revision = 100
const stored = (...args: Parameters<typeof lease>): StoredLease => {
  const value = lease(...args)
  return { key: keyOf(value), lease: value, revision: revision++, expiresAtMs: 1 }
}

const own = stored('10.5.1.0/24', '192.0.2.1', 'me')
const rules: PeerRules = {
  families: { v4: V4 },
  machineId: 'me',
  publicAddresses: own.lease.publicAddresses,
  own
}

function judge(leases: StoredLease[], more: Partial<PeerRules> = {}) {
  const { peers, problems } = usablePeers(leases, { ...rules, ...more })
  return { peers: [...peers.keys()], problems: problems.map((problem) => problem.message) }
}

describe('usablePeers', () => {
  const good = stored('10.5.2.0/24', '192.0.2.2', 'b')

  it('takes others and never its own', () => {
    expect(judge([own, good])).toEqual({ peers: ['10.5.2.0-24'], problems: [] })
  })

  it('knows its own by machine id while it has none in hand', () => {
    expect(judge([own, good], { own: undefined, publicAddresses: {} })).toEqual({
      peers: ['10.5.2.0-24'],
      problems: []
    })
  })

  it('takes a lease outside SubnetMin to SubnetMax, of another length, of another type, of flanneld', () => {
    const foreign = { ...stored('10.5.0.0/24', '192.0.2.3') }
    const longer = stored('10.5.9.128/25', '192.0.2.4', 'd')
    expect(judge([foreign, longer]).peers).toHaveLength(2)
  })

  it.each([
    [
      '10.6.2.0/24 outside',
      stored('10.6.2.0/24', '192.0.2.9', 'x'),
      '10.6.2.0/24 is outside the network 10.5.0.0/16'
    ],
    [
      'the whole network',
      stored('10.5.0.0/16', '192.0.2.9', 'x'),
      '10.5.0.0/16 is the whole network 10.5.0.0/16'
    ],
    ['everything', stored('0.0.0.0/0', '192.0.2.9', 'x'), '0.0.0.0/0 is the whole network 10.5.0.0/16'],
    [
      'our subnet in part',
      stored('10.5.1.128/25', '192.0.2.9', 'x'),
      '10.5.1.128/25 overlaps the lease of this node; name of x holds it'
    ],
    [
      'our subnet and more',
      stored('10.5.0.0/23', '192.0.2.9', 'x'),
      '10.5.0.0/23 overlaps the lease of this node; name of x holds it'
    ],
    [
      'our public address',
      stored('10.5.9.0/24', '192.0.2.1', 'x'),
      'it has the public address of this node; name of x holds it'
    ],
    [
      'our machine id',
      stored('10.5.9.0/24', '192.0.2.9', 'me'),
      'it has the machine id of this node; name of me holds it'
    ],
    [
      'no family of ours',
      stored('fd00:5:0:9::/64', '192.0.2.9', 'x'),
      'it has no subnet of a family of this network'
    ]
  ])('skips a lease of %s alone and names its key', (_, bad, problem) => {
    expect(judge([bad, good])).toEqual({
      peers: ['10.5.2.0-24'],
      problems: [`lease ${bad.key} is skipped: ${problem}`]
    })
  })

  it('neither serves nor names what is reserved for a node that has not come yet', () => {
    const { expiresAtMs: _, ...forEver } = stored('10.5.9.0/24', '192.0.2.9')
    const vacant = { ...forEver, lease: { ...forEver.lease, backendType: '' } }
    expect(judge([vacant, good])).toEqual({ peers: ['10.5.2.0-24'], problems: [] })
    expect(judge([forEver, good]).peers).toHaveLength(2)
  })

  it('of two that overlap, serves the older, in whichever order they come', () => {
    const younger = stored('10.5.2.0/25', '192.0.2.9', 'x')
    for (const leases of [
      [good, younger],
      [younger, good]
    ]) {
      expect(judge(leases)).toEqual({
        peers: ['10.5.2.0-24'],
        problems: ['lease 10.5.2.0-25 is skipped: 10.5.2.0/25 overlaps the lease of 10.5.2.0-24']
      })
    }
  })

  it('leaves out the subnet of a family that this network does not have', () => {
    const dual = stored('10.5.3.0/24 fd00:5:0:3::/64', '192.0.2.3', 'c')
    const { peers } = usablePeers([dual], rules)
    expect(peers.get(dual.key)?.lease.subnets).toEqual({ v4: Prefix.parse('10.5.3.0/24') })
    const both = usablePeers([dual], { ...rules, families: { v4: V4, v6: V6 } })
    expect(both.peers.get(dual.key)).toBe(dual)
  })

  it('serves a set without overlaps in which every skipped lease overlaps an older one', () => {
    const anyLease = fc.record({
      bits: fc.integer({ min: 0, max: 0xffff }),
      length: fc.integer({ min: 17, max: 30 })
    })
    fc.assert(
      fc.property(fc.array(anyLease, { maxLength: 40 }), (drawn) => {
        const byKey = new Map<string, StoredLease>()
        for (const [i, { bits, length }] of drawn.entries()) {
          const subnet = Prefix.of(IpAddress.fromBits('v4', V4.network.address.bits + BigInt(bits)), length)
          const one = stored(`${subnet}`, `198.51.100.${i}`, `node ${i}`)
          byKey.set(one.key, one)
        }
        const leases = [...byKey.values()]
        const { peers } = usablePeers(leases, rules)
        const held = [own, ...peers.values()]
        const clash = (a: StoredLease, b: StoredLease) =>
          a !== b && a.lease.subnets.v4 !== undefined && b.lease.subnets.v4?.overlaps(a.lease.subnets.v4)
        const clean = held.every((a) => !held.some((b) => clash(a, b)))
        const justified = leases
          .filter((one) => !peers.has(one.key))
          .every((one) => held.some((other) => clash(one, other) && other.revision < one.revision))
        return clean && justified
      })
    )
  })
})
