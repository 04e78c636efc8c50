import type { AddressPool, AttachmentKey, PoolRange } from '@trilane/contracts'
import { FAMILIES, type IpAddress, type PerFamily, valuesOf } from '@trilane/ip'
import { expect } from 'vitest'
import type { SuiteFixture } from '../suite.ts'

export interface AddressPoolFixture extends SuiteFixture {
  /** Empty. */
  readonly pool: AddressPool
  /** What the pool was given: both families, at least six free addresses each, more in v4 than in v6, at most 256. */
  readonly ranges: { readonly v4: PoolRange; readonly v6: PoolRange }
  /** Another pool on the same data, as another process or the next life of this one has it. */
  again(): AddressPool
  /** Puts a file among the reservations, past the pool. */
  putRaw(name: string, text: string): void | Promise<void>
}

/** The key of the pod with this number. */
export function keyOf(pod: number | string, ifname = 'eth0'): AttachmentKey {
  return { containerId: `pod-${pod}`, ifname }
}

/** Every address of the range that a pod may have, in order. */
export function allowed({ range, excluded }: PoolRange): string[] {
  return [...range.addresses()]
    .filter((address) => !excluded.some((other) => other.contains(address)))
    .map(String)
}

/** How many pods the pool has room for. */
export function roomOf({ ranges }: AddressPoolFixture): number {
  const [v4, v6] = [allowed(ranges.v4).length, allowed(ranges.v6).length]
  expect(v6, 'the fixture must have more v4 than v6 addresses, and at least six').toBeGreaterThanOrEqual(6)
  expect(v4, 'the fixture must have more v4 than v6 addresses').toBeGreaterThan(v6)
  return v6
}

/** Reserves for pods `from` up to the last that there is room for. */
export async function fill(fixture: AddressPoolFixture, from = 0): Promise<PerFamily<IpAddress>[]> {
  const given: PerFamily<IpAddress>[] = []
  for (let pod = from; pod < roomOf(fixture); pod++) given.push(await fixture.pool.reserve(keyOf(pod)))
  return given
}

export function texts(addresses: PerFamily<IpAddress> | readonly IpAddress[]): string[] {
  const list = Symbol.iterator in addresses ? [...addresses] : valuesOf(addresses)
  return list.map(String).sort()
}

/** What the pool says is reserved, as `address container/ifname`. */
export async function listed(pool: AddressPool): Promise<string[]> {
  const { reservations } = await pool.list()
  return reservations
    .map(({ address, containerId, ifname }) => `${address} ${containerId}/${ifname ?? ''}`)
    .sort()
}

/** The n-th address (from 0) that a pod may have, in both families. */
export function nth({ ranges }: AddressPoolFixture, n: number): { v4: IpAddress; v6: IpAddress } {
  const [v4, v6] = FAMILIES.map((family) => {
    const pool = ranges[family]
    const text = allowed(pool)[n]
    return [...pool.range.addresses()].find((address) => address.toString() === text)
  })
  if (v4 === undefined || v6 === undefined) throw new Error(`the fixture has no address number ${n}`)
  return { v4, v6 }
}
