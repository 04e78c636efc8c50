import type { IpAddress, PerFamily, Range } from '@trilane/ip'
import type { TrilaneError } from './errors.ts'

/** What an address is reserved for: CNI's attachment key within one network. */
export interface AttachmentKey {
  readonly containerId: string
  readonly ifname: string
}

/**
 * Pod addresses out of this node's subnets, shared safely with other processes of the node,
 * host-local among them.
 *
 * A reservation is on disk before it is returned. No address is ever given to two keys, also not
 * when the process dies at any instruction.
 */
export interface AddressPool {
  /**
   * One address per family of the pool, all or none.
   *
   * @param wanted addresses to use instead of the next free ones, by family
   * @param within the address of a family is to be out of one of these ranges, which are parts of the node's own
   * @throws TrilaneError `TRI_ADDRESSES_EXHAUSTED`, `TRI_ADDRESS_TAKEN`, `TRI_ADDRESS_NOT_ALLOWED`,
   *   `TRI_RANGE_NOT_ALLOWED`, `TRI_POD_EXISTS` when the key holds addresses already
   */
  reserve(
    key: AttachmentKey,
    wanted?: PerFamily<IpAddress>,
    within?: PerFamily<readonly Range[]>
  ): Promise<PerFamily<IpAddress>>

  /** Frees whatever the key holds. @returns the freed addresses; none is no error */
  release(key: AttachmentKey): Promise<readonly IpAddress[]>

  /** Could one more key get an address of each family now? Reserves nothing. */
  hasRoom(): Promise<boolean>

  /** Everything reserved, by whomever, with what could not be read. */
  list(): Promise<PoolListing>
}

export interface PoolListing {
  readonly reservations: readonly Reservation[]
  /** `TRI_POOL_CORRUPT`, one for each file that is no reservation. Their addresses stay out of use. */
  readonly problems: readonly TrilaneError[]
}

export interface Reservation {
  readonly address: IpAddress
  readonly containerId: string
  /** Absent in files of old host-local versions. */
  readonly ifname?: string
}

/** What a pool may give out in one family. */
export interface PoolRange {
  readonly range: Range
  /** Never given out: the gateway, nodes, and what the operator excludes. May reach beyond the range. */
  readonly excluded: readonly Range[]
}

/**
 * This node's disk for one network's reservations, in host-local's format and place:
 * `<dataDir>/<network>/<address>` with the text `<container id>\r\n<ifname>`.
 */
export interface ReservationStore {
  /**
   * Runs `work` while holding host-local's lock (`flock(2)` on `<dataDir>/<network>/lock`), in this and in all
   * other processes. What it was given is invalid afterwards.
   *
   * When it returns, what was created and removed is durable (fsync of files and directory), and the lock may have been
   * free for a while: it guards who gets which address. When that fails, what was created is taken back.
   *
   * @throws TrilaneError `TRI_LOCK_TIMEOUT`, `TRI_FILE`
   */
  locked<T>(work: (files: ReservationFiles) => Promise<T>): Promise<T>
}

export interface ReservationFiles {
  /** Every file of the directory that is a reservation or should be one. */
  list(): Promise<PoolListing>
  /** Is there a file for this address, readable or not? Costs one look-up, not a directory scan. */
  isReserved(address: IpAddress): Promise<boolean>
  /** @throws `TRI_ADDRESS_TAKEN` if there is a file already */
  create(address: IpAddress, key: AttachmentKey): Promise<void>
  remove(address: IpAddress): Promise<void>
  /** host-local's `last_reserved_ip.<range index>`; `undefined` when missing or unreadable. */
  lastReserved(rangeIndex: number): Promise<IpAddress | undefined>
  setLastReserved(rangeIndex: number, address: IpAddress): Promise<void>
}
