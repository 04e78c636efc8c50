import { type StoredLease, TrilaneError } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { LeaseSet } from '../src/lease-set.ts'
import { lease } from './fixtures.ts'
import { keyOf } from './memory-store.ts'

const stored = (subnet: string, revision: number): StoredLease => {
  const value = lease(subnet, '192.0.2.2', 'b')
  return { key: keyOf(value), lease: value, revision }
}
const error = TrilaneError.of('TRI_LEASE_INVALID', { key: 'foo', problem: 'it is no lease' })
const a = stored('10.5.1.0/24', 1)
const b = stored('10.5.2.0/24', 2)

function listed(): LeaseSet {
  const set = new LeaseSet()
  set.replace({ leases: [a, b], rejected: [error], revision: 2 })
  expect(set.takeChanges()).toBe('all')
  return set
}

describe('LeaseSet.takeChanges', () => {
  it('names what events wrote, once', () => {
    const set = listed()
    const c = stored('10.5.3.0/24', 3)
    set.apply({ kind: 'put', stored: c })
    set.apply({ kind: 'gone', key: a.key, revision: 4 })
    set.apply({ kind: 'rejected', key: b.key, error })
    expect(set.takeChanges()).toEqual(
      new Map<string, unknown>([
        [c.key, c],
        [a.key, undefined],
        [b.key, error]
      ])
    )
    expect(set.takeChanges()).toEqual(new Map())
  })

  it('names of a list what it changes: another revision, what came and went, what is no lease', () => {
    const set = listed()
    set.replace({ leases: [stored('10.5.1.0/24', 1), b], rejected: [error], revision: 2 })
    expect(set.takeChanges()).toEqual(new Map([['foo', error]]))
    const newer = stored('10.5.2.0/24', 5)
    const c = stored('10.5.3.0/24', 4)
    set.replace({ leases: [newer, c], rejected: [], revision: 5 })
    expect(set.takeChanges()).toEqual(
      new Map<string, unknown>([
        [b.key, newer],
        [c.key, c],
        [a.key, undefined],
        ['foo', undefined]
      ])
    )
  })

  it('names a lease with other lanes under the same revision', () => {
    const set = listed()
    const lanes = (port: number) => ({ vxlan: { v4: { port } } })
    const withLanes = (stored: StoredLease, port: number): StoredLease => {
      const node = { machineId: 'b', name: 'b', lanes: lanes(port) }
      return { ...stored, lease: { ...stored.lease, node } }
    }
    for (const [port, isNew] of [
      [1, true],
      [1, false],
      [2, true]
    ] as const) {
      set.replace({ leases: [a, withLanes(b, port)], rejected: [error], revision: 2 })
      const changed = isNew ? [[b.key, withLanes(b, port)] as const] : []
      expect(set.takeChanges()).toEqual(new Map<string, unknown>([...changed, ['foo', error]]))
    }
  })

  it('names a lease that says something else under the same revision', () => {
    const set = listed()
    const other = { ...b, lease: lease('10.5.2.0/24', '192.0.2.3', 'c') }
    set.replace({ leases: [a, other], rejected: [], revision: 2 })
    expect(set.takeChanges()).toEqual(
      new Map<string, unknown>([
        [b.key, other],
        ['foo', undefined]
      ])
    )
  })

  it('keeps what events wrote before a list', () => {
    const set = listed()
    set.apply({ kind: 'gone', key: a.key, revision: 3 })
    set.replace({ leases: [b], rejected: [error], revision: 3 })
    expect(set.takeChanges()).toEqual(
      new Map<string, unknown>([
        [a.key, undefined],
        ['foo', error]
      ])
    )
  })

  it('names everything when the store counts anew: equal revisions mean nothing then', () => {
    const set = listed()
    set.replace({ leases: [stored('10.5.1.0/24', 1)], rejected: [], revision: 1 })
    expect(set.takeChanges()).toBe('all')
  })
})
