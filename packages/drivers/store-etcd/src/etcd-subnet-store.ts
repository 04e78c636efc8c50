import { setImmediate as breathe } from 'node:timers/promises'
import { decodeLease, encodeLease, leaseKey } from '@trilane/config'
import {
  type Clock,
  type Lease,
  type LeaseList,
  type Logger,
  type StoredConfig,
  type StoredLease,
  type StoreEvent,
  type StoreWatch,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'
import { Connection } from './connection.ts'
import { type EtcdLease, EtcdLeases, NO_LEASE } from './etcd-leases.ts'
import { isLeaseGone, storeUnavailable } from './failures.ts'
import { Keys } from './keys.ts'
import { readLeasePages } from './lease-pages.ts'
import { readLease } from './lease-record.ts'
import type { TlsFiles } from './tls-files.ts'
import { compareAndPut, compareAndRemove } from './transactions.ts'
import { Watch } from './watch.ts'
import { newestOf, type Witness } from './witness.ts'

export interface EtcdSubnetStoreOptions {
  /** At least one: `http://10.0.0.1:2379`; all `http://` or all `https://`. */
  readonly endpoints: readonly string[]
  /** flannel's is `/coreos.com/network`. */
  readonly prefix: string
  /** For `https://`: a CA alone, or with a client certificate. */
  readonly tls?: TlsFiles
  /** Used when etcd's authentication is on. */
  readonly credentials?: { readonly username: string; readonly password: string }
  readonly clock: Clock
  readonly logger: Logger
  /** How long one endpoint may take to answer. @default 2 s */
  readonly attemptTimeoutMs?: number
  /** After so long no further attempt of a call begins. @default 5 s */
  readonly callTimeoutMs?: number
  /** After so long without a word on a watch it is asked whether it is alive. @default 20 s */
  readonly silenceMs?: number
}

/** Some milliseconds' work. */
const LEASES_AT_ONCE = 500

/** {@link SubnetStore} on etcd 3.4 or later, with the keys and values of flannel. */
export class EtcdSubnetStore implements SubnetStore {
  readonly description: string
  readonly #options: EtcdSubnetStoreOptions
  readonly #keys: Keys
  readonly #connection: Connection
  readonly #leases: EtcdLeases
  readonly #watches = new Set<Watch>()
  /** The etcd lease that this process attached a key to, by key. */
  readonly #attached = new Map<string, string>()
  /** Of the last list. */
  #newest: Witness | undefined

  constructor(options: EtcdSubnetStoreOptions) {
    const { endpoints, prefix, tls = {}, credentials, clock, logger } = options
    const { attemptTimeoutMs = 2_000, callTimeoutMs = 5_000 } = options
    this.#options = options
    this.#keys = new Keys(prefix)
    const timeouts = { attemptTimeoutMs, callTimeoutMs }
    this.#connection = new Connection({ endpoints, tls, credentials, clock, logger, ...timeouts })
    this.#leases = new EtcdLeases(this.#connection, clock, logger)
    this.description = this.#connection.description
  }

  readConfig(): Promise<StoredConfig | undefined> {
    return this.#guard(async () => {
      const { kvs } = await this.#connection.call(({ kv }) => kv.range({ key: this.#keys.config }))
      const [found] = kvs
      return found && { text: found.value.toString(), revision: Number(found.mod_revision) }
    })
  }

  writeConfig(text: string, expectedRevision: number): Promise<StoredConfig> {
    return this.#guard(async () => {
      const put = await compareAndPut(this.#connection, {
        key: this.#keys.config,
        expectedRevision,
        value: Buffer.from(text),
        lease: NO_LEASE
      })
      if (put === undefined) {
        throw TrilaneError.of('TRI_LEASE_CONFLICT', { key: 'config', owner: 'another process' })
      }
      return { text, revision: put.revision }
    })
  }

  list(): Promise<LeaseList> {
    return this.#guard(async () => {
      const { kvs, revision } = await readLeasePages(this.#connection, this.#keys)
      this.#newest = newestOf(kvs)
      const leases: StoredLease[] = []
      const rejected: TrilaneError[] = []
      for (const [at, kv] of kvs.entries()) {
        // To read 10,000 leases takes 0.1 s.
        if (at % LEASES_AT_ONCE === LEASES_AT_ONCE - 1) await breathe()
        const read = readLease(kv, this.#keys, this.#leases)
        if (read instanceof TrilaneError) rejected.push(read)
        else leases.push(read)
      }
      return { leases, rejected, revision }
    })
  }

  async create(lease: Lease, ttlMs: number | undefined): Promise<StoredLease | undefined> {
    const key = leaseKey(lease.subnets)
    const attach = ttlMs === undefined ? undefined : () => this.#leases.grant(ttlMs)
    return this.#guard(() => this.#put(key, 0, lease, attach))
  }

  async update(
    expected: StoredLease,
    lease: Lease,
    ttlMs: number | undefined
  ): Promise<StoredLease | undefined> {
    const key = leaseKey(lease.subnets)
    if (key !== expected.key) {
      const problem = `it cannot become ${key}: its subnets are its name`
      throw TrilaneError.of('TRI_LEASE_INVALID', { key: expected.key, problem })
    }
    const attach = ttlMs === undefined ? undefined : () => this.#leases.extend(this.#attached.get(key), ttlMs)
    return this.#guard(async () => {
      try {
        return await this.#put(key, expected.revision, lease, attach)
      } catch (error) {
        // Between its renewal and the transaction the etcd lease was revoked by hand, and the key with it.
        if (isLeaseGone(error)) return undefined
        throw error
      }
    })
  }

  async remove(expected: StoredLease): Promise<boolean> {
    if (leaseKey(expected.lease.subnets) !== expected.key) return false
    return this.#guard(async () => {
      const key = this.#keys.lease(expected.key)
      const removed = await compareAndRemove(this.#connection, key, expected.revision)
      if (removed === undefined) return false
      this.#leases.retire(removed.formerLease ?? this.#attached.get(expected.key))
      this.#attached.delete(expected.key)
      return true
    })
  }

  watch(revision: number, listener: (event: StoreEvent) => void): StoreWatch {
    const { clock, logger, silenceMs = 20_000 } = this.#options
    const watch = new Watch({
      connection: this.#connection,
      keys: this.#keys,
      leases: this.#leases,
      clock,
      logger: logger.child({ store: this.description }),
      silenceMs,
      revision,
      newest: this.#newest,
      listener,
      onClosed: () => this.#watches.delete(watch)
    })
    this.#watches.add(watch)
    if (this.#connection.closing.aborted) watch.close()
    else watch.start()
    return watch
  }

  async close(): Promise<void> {
    const watches = [...this.#watches]
    for (const watch of watches) watch.close()
    if (!this.#connection.closing.aborted) await this.#leases.settled()
    await this.#connection.close()
    await Promise.all(watches.map(({ ended }) => ended))
  }

  /** @param attach gives the etcd lease; without it the key is a reservation */
  async #put(
    key: string,
    expectedRevision: number,
    lease: Lease,
    attach: (() => Promise<EtcdLease>) | undefined
  ): Promise<StoredLease | undefined> {
    const value = encodeLease(lease)
    // What others would refuse to read must not be written: it would take the key and announce nothing.
    const readBack = decodeLease(key, value)
    const attached = await attach?.()
    const id = attached?.id ?? NO_LEASE
    let put: Awaited<ReturnType<typeof compareAndPut>>
    try {
      put = await compareAndPut(this.#connection, {
        key: this.#keys.lease(key),
        expectedRevision,
        value: Buffer.from(value),
        lease: id
      })
    } catch (error) {
      // Perhaps it was done. The next attempt takes the same etcd lease, so that none is left behind.
      if (attached !== undefined) this.#attached.set(key, id)
      throw error
    }
    if (put === undefined) {
      this.#leases.retire(id)
      return undefined
    }
    const former = put.formerLease ?? this.#attached.get(key)
    if (former !== id) this.#leases.retire(former)
    if (attached === undefined) this.#attached.delete(key)
    else this.#attached.set(key, id)
    return {
      key,
      lease: readBack,
      revision: put.revision,
      ...(attached === undefined ? {} : { expiresAtMs: attached.expiresAtMs })
    }
  }

  async #guard<Result>(act: () => Promise<Result>): Promise<Result> {
    try {
      return await act()
    } catch (error) {
      throw storeUnavailable(this.description, error)
    }
  }
}
