import { type StoredLease, TrilaneError } from '@trilane/contracts'
import { IpAddress, Prefix, valuesOf } from '@trilane/ip'
import { type PeerRules, usablePeers } from '@trilane/subnet-manager'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BookChange, type Holding, PeerBook } from '../src/peer-book.ts'
import { lease, V4, V6 } from './fixtures.ts'
import { keyOf } from './memory-store.ts'

/** Few addresses and several lengths, so that most leases overlap some others. */
const anySubnets = fc
  .record({
    third: fc.nat(7),
    length: fc.constantFrom(21, 22, 23, 24, 25),
    sixth: fc.option(fc.nat(3), { freq: 3 })
  })
  .map(({ third, length, sixth }) => {
    const v4 = `${Prefix.of(IpAddress.parse(`10.5.${third}.128`), length)}`
    return sixth === null ? v4 : `${v4} fd00:5:0:${sixth}::/64`
  })

const anyWrite = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), subnets: anySubnets }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('gone' as const), subnets: anySubnets }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rejected' as const), subnets: anySubnets }) }
)

/** Writes of one turn, told as events or found by a list; before it, perhaps, our own lease becomes another one. */
const anyTurn = fc.record({
  writes: fc.array(fc.record({ write: anyWrite, holder: fc.nat(5), mac: fc.nat(1) }), { maxLength: 6 }),
  listed: fc.boolean(),
  own: fc.option(fc.option(anySubnets, { nil: null }), { nil: undefined, freq: 5 })
})

/** Slow and plain: each against all older ones that are served. */
function fromScratch(holdings: ReadonlyMap<string, Holding>, rules: PeerRules) {
  const peers = new Map<string, StoredLease>()
  const problems: string[] = []
  const leases: StoredLease[] = []
  for (const holding of holdings.values()) {
    if (holding instanceof TrilaneError) problems.push(holding.message)
    else if (holding !== undefined) leases.push(holding)
  }
  for (const stored of leases.sort((a, b) => a.revision - b.revision)) {
    const alone = usablePeers([stored], rules)
    problems.push(...alone.problems.map(({ message }) => message))
    const peer = alone.peers.get(stored.key)
    if (peer === undefined) continue
    const clash = valuesOf(peer.lease.subnets).flatMap((subnet) => {
      const owner = [...peers.values()].find((other) =>
        valuesOf(other.lease.subnets).some((held) => held.overlaps(subnet))
      )
      return owner === undefined ? [] : [`${subnet} overlaps the lease of ${owner.key}`]
    })
    if (clash[0] === undefined) peers.set(peer.key, peer)
    else problems.push(`lease ${peer.key} is skipped: ${clash[0]}`)
  }
  return { peers, problems: problems.sort() }
}

const sorted = (peers: ReadonlyMap<string, StoredLease>) => new Map([...peers].sort())
const textOf = (book: PeerBook) => book.problems().map(({ message }) => message)

describe('PeerBook', () => {
  it.each([
    ['one family', { v4: V4 }],
    ['both families', { v4: V4, v6: V6 }]
  ])('with %s, after any events says what a fresh look at everything says', (_, families) => {
    let conflicts = 0
    fc.assert(
      fc.property(fc.array(anyTurn, { minLength: 1, maxLength: 12 }), (turns) => {
        const book = new PeerBook()
        const holdings = new Map<string, Holding>()
        let rules: PeerRules = { families, machineId: 'node 0', publicAddresses: {}, own: undefined }
        let revision = 0
        const stored = (subnets: string, holder: number, mac: number): StoredLease => {
          const value = lease(subnets, `192.0.2.${holder}`, `node ${holder}`, `02:00:00:00:00:0${mac}`)
          return { key: keyOf(value), lease: value, revision: ++revision }
        }
        book.replace(holdings, rules)
        const followed = new Map<string, StoredLease>()
        for (const { writes, listed, own } of turns) {
          const changed = new Map<string, Holding>()
          for (const { write, holder, mac } of writes) {
            const one = stored(write.subnets, holder, mac)
            const error = TrilaneError.of('TRI_LEASE_INVALID', { key: one.key, problem: 'no lease' })
            const holding = { put: one, gone: undefined, rejected: error }[write.kind]
            changed.set(one.key, holding)
            if (holding === undefined) holdings.delete(one.key)
            else holdings.set(one.key, holding)
          }
          if (own !== undefined) {
            const held = own === null ? undefined : stored(own, 0, 0)
            rules = { ...rules, own: held, publicAddresses: held?.lease.publicAddresses ?? {} }
          }
          const before = textOf(book).sort()
          const whole = listed || own !== undefined
          const change: BookChange = whole ? book.replace(holdings, rules) : book.update(changed)

          const expected = fromScratch(holdings, rules)
          expect(sorted(book.peers)).toEqual(sorted(expected.peers))
          expect(textOf(book).sort()).toEqual(expected.problems)
          expect(change.sameProblems).toBe(`${before}` === `${expected.problems}`)
          for (const key of change.gone) expect(followed.delete(key)).toBe(true)
          for (const [key, peer] of change.put) followed.set(key, peer)
          expect([...followed.keys()].sort()).toEqual([...expected.peers.keys()].sort())
          for (const [key, peer] of followed) expect(peer.lease).toEqual(expected.peers.get(key)?.lease)
          conflicts += expected.problems.filter((text) => text.includes('overlaps the lease of 10')).length
        }
      }),
      { numRuns: 300 }
    )
    expect(conflicts).toBeGreaterThan(300)
  })

  it('judges older ones first along a chain that one removal sets off, in whatever order they were listed', () => {
    const book = new PeerBook()
    const holding = (subnets: string, revision: number): [string, Holding] => {
      const value = lease(subnets, `192.0.2.${revision}`, `node ${revision}`)
      return [keyOf(value), { key: keyOf(value), lease: value, revision }]
    }
    const first = holding('10.5.2.0/24', 1)
    const listed = [
      first,
      holding('10.5.2.0/23', 2),
      holding('10.5.3.0/24 fd00:5:0:1::/64', 3),
      holding('10.5.5.0/24 fd00:5:0:1::/64', 5),
      holding('10.5.4.0/24 fd00:5:0:1::/64', 4)
    ]
    const rules = { families: { v4: V4, v6: V6 }, machineId: 'me', publicAddresses: {}, own: undefined }
    book.replace(new Map(listed), rules)
    expect([...book.peers.values()].map(({ revision }) => revision).sort()).toEqual([1, 3])
    book.update(new Map([[first[0], undefined]]))
    expect([...book.peers.values()].map(({ revision }) => revision).sort()).toEqual([2, 4])
  })

  it('looks only at those that a change concerns', () => {
    const book = new PeerBook()
    const holdings = new Map<string, Holding>()
    let looks = 0
    for (let index = 0; index < 200; index++) {
      const value = lease(`10.5.${index}.0/24`, `192.0.2.${index}`, `node ${index}`)
      const watched = new Proxy(value, {
        get: (target, name, self) => {
          looks++
          return Reflect.get(target, name, self)
        }
      })
      holdings.set(keyOf(value), { key: keyOf(value), lease: watched, revision: index + 1 })
    }
    book.replace(holdings, { families: { v4: V4 }, machineId: 'me', publicAddresses: {}, own: undefined })
    const younger = lease('10.5.8.0/23', '192.0.2.250', 'x')
    looks = 0
    const stored = { key: keyOf(younger), lease: younger, revision: 1000 }
    const change = book.update(new Map([[stored.key, stored]]))
    expect(change).toMatchObject({ sameProblems: false })
    expect(book.peers.size).toBe(200)
    expect(looks).toBeLessThan(10)
    expect([...book.update(new Map([['10.5.8.0-24', undefined]])).gone]).toEqual(['10.5.8.0-24'])
    const both = book.update(new Map([['10.5.9.0-24', undefined]]))
    expect([[...both.put.keys()], [...both.gone]]).toEqual([['10.5.8.0-23'], ['10.5.9.0-24']])
    expect(looks).toBeLessThan(40)
  })
})
