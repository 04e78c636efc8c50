import {
  type AddressPool,
  type AttachmentKey,
  type PoolListing,
  type PoolRange,
  type ReservationFiles,
  type ReservationStore,
  TrilaneError
} from '@trilane/contracts'
import { type Family, familiesOf, type IpAddress, type PerFamily, type Range, valuesOf } from '@trilane/ip'
import { candidateAddresses, notAllowed, rangeNotAllowed } from './choose-address.ts'
import { heldBy } from './held-addresses.ts'

export interface LeaseAddressPoolOptions {
  readonly store: ReservationStore
  /** Asked anew at each reserve: the ranges change with the node's lease. A range set of host-local is a family here. */
  readonly ranges: () => PerFamily<PoolRange>
}

/**
 * The pool of this node's lease.
 *
 * Families are reserved one after the other v4 first. An error takes back what was
 * reserved before it. A crash between two families leaves the first one reserved for its key: the next
 * `reserve` of that key says `TRI_POD_EXISTS`, `release` frees it, and no other key ever gets that address.
 */
export class LeaseAddressPool implements AddressPool {
  readonly #store: ReservationStore
  readonly #ranges: () => PerFamily<PoolRange>

  constructor(options: LeaseAddressPoolOptions) {
    this.#store = options.store
    this.#ranges = options.ranges
  }

  reserve(
    key: AttachmentKey,
    wanted: PerFamily<IpAddress> = {},
    within: PerFamily<readonly Range[]> = {}
  ): Promise<PerFamily<IpAddress>> {
    return this.#store.locked(async (files) => {
      const ranges = this.#ranges()
      checkWithin(ranges, within)
      checkWanted(ranges, wanted, within)
      const { reservations } = await files.list()
      if (heldBy(reservations, key).length > 0) {
        throw TrilaneError.of('TRI_POD_EXISTS', { containerId: key.containerId, ifname: key.ifname })
      }
      const reserved: { [F in Family]?: IpAddress } = {}
      try {
        for (const [rangeIndex, family] of familiesOf(ranges).entries()) {
          const pool = ranges[family]
          if (pool === undefined) continue
          const chosen = wanted[family]
          const address =
            chosen === undefined
              ? await createNext(files, pool, within[family], rangeIndex, key)
              : await createWanted(files, chosen, key)
          reserved[family] = address
          await files.setLastReserved(rangeIndex, address)
        }
      } catch (error) {
        // What cannot be taken back stays reserved for this key, and `release` frees it: the first error matters more.
        for (const address of valuesOf(reserved)) await files.remove(address).catch(() => {})
        throw error
      }
      return reserved
    })
  }

  release(key: AttachmentKey): Promise<readonly IpAddress[]> {
    return this.#store.locked(async (files) => {
      const { reservations } = await files.list()
      const held = heldBy(reservations, key).map((reservation) => reservation.address)
      for (const address of held) await files.remove(address)
      return held
    })
  }

  hasRoom(): Promise<boolean> {
    return this.#store.locked(async (files) => {
      for (const pool of valuesOf(this.#ranges())) {
        if (!(await hasFree(files, pool))) return false
      }
      return true
    })
  }

  list(): Promise<PoolListing> {
    return this.#store.locked((files) => files.list())
  }
}

async function hasFree(files: ReservationFiles, pool: PoolRange): Promise<boolean> {
  for (const address of candidateAddresses(pool, undefined)) {
    if (!(await files.isReserved(address))) return true
  }
  return false
}

/** @throws TrilaneError `TRI_RANGE_NOT_ALLOWED` */
function checkWithin(pools: PerFamily<PoolRange>, within: PerFamily<readonly Range[]>): void {
  const allowed = valuesOf(pools).map(({ range }) => range)
  for (const family of familiesOf(within)) {
    const pool = pools[family]
    for (const range of within[family] ?? []) {
      const reason =
        pool === undefined ? `this network gives out no ${family} addresses` : rangeNotAllowed(pool, range)
      if (reason !== undefined) throw TrilaneError.of('TRI_RANGE_NOT_ALLOWED', { range, reason, allowed })
    }
  }
}

function checkWanted(
  ranges: PerFamily<PoolRange>,
  wanted: PerFamily<IpAddress>,
  within: PerFamily<readonly Range[]>
): void {
  for (const family of familiesOf(wanted)) {
    const address = wanted[family]
    if (address === undefined) continue
    const pool = ranges[family]
    const reason =
      pool === undefined
        ? `this network gives out no ${family} addresses`
        : (notAllowed(pool, address) ?? outsideOf(within[family], address))
    if (reason === undefined) continue
    const range = pool?.range ?? familiesOf(ranges).map((other) => ranges[other]?.range)
    throw TrilaneError.of('TRI_ADDRESS_NOT_ALLOWED', { address, reason, range })
  }
}

function outsideOf(ranges: readonly Range[] | undefined, address: IpAddress): string | undefined {
  if (ranges === undefined || ranges.some((range) => range.contains(address))) return undefined
  return `it is outside the ranges that were asked for, ${ranges.join(', ')}`
}

async function createWanted(
  files: ReservationFiles,
  address: IpAddress,
  key: AttachmentKey
): Promise<IpAddress> {
  await files.create(address, key)
  return address
}

async function createNext(
  files: ReservationFiles,
  pool: PoolRange,
  within: readonly Range[] | undefined,
  rangeIndex: number,
  key: AttachmentKey
): Promise<IpAddress> {
  let used = 0
  const ranges = within ?? [pool.range]
  for (const address of candidateAddresses(pool, await files.lastReserved(rangeIndex), ranges)) {
    if (!(await files.isReserved(address)) && (await createUnlessTaken(files, address, key))) return address
    used++
  }
  throw TrilaneError.of('TRI_ADDRESSES_EXHAUSTED', { range: within?.join(', ') ?? pool.range, used })
}

/** Somebody who ignores the lock may have made the file since it was looked for. */
async function createUnlessTaken(
  files: ReservationFiles,
  address: IpAddress,
  key: AttachmentKey
): Promise<boolean> {
  try {
    await files.create(address, key)
    return true
  } catch (error) {
    if (TrilaneError.is(error, 'TRI_ADDRESS_TAKEN')) return false
    throw error
  }
}
