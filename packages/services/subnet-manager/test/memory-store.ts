import {
  type Lease,
  type LeaseList,
  type StoredConfig,
  type StoredLease,
  type StoreEvent,
  type StoreWatch,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'
import { FAMILIES } from '@trilane/ip'
import type { FakeClock } from './fake-clock.ts'

/** flannel's keys, as `@trilane/contracts` shows them. */
export function keyOf(lease: Lease): string {
  return FAMILIES.flatMap((family) => lease.subnets[family] ?? [])
    .map((subnet) => subnet.toString().replace('/', '-'))
    .join('&')
}

/** A store shared by several managers of a test. Every call is answered in a later turn, so that calls interleave. */
export class MemoryStore implements SubnetStore {
  readonly description: string = 'memory'
  readonly #clock: FakeClock
  readonly #leases = new Map<string, StoredLease>()
  readonly #garbage = new Map<string, TrilaneError>()
  readonly #watches = new Set<(event: StoreEvent) => void>()
  readonly #history: { readonly revision: number; readonly event: StoreEvent }[] = []
  #config: StoredConfig | undefined
  #revision = 0
  /** While true, every call fails. */
  down = false
  /** While true, watches hear nothing, as when a connection stalls. */
  muted = false
  /** The next update is done, but its answer is lost. */
  swallowNextAnswer = false
  lists = 0

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  async readConfig(): Promise<StoredConfig | undefined> {
    await this.#turn()
    return this.#config
  }

  async writeConfig(text: string): Promise<StoredConfig> {
    await this.#turn()
    this.#config = { text, revision: ++this.#revision }
    this.#tell({ kind: 'config', config: this.#config })
    return this.#config
  }

  async list(): Promise<LeaseList> {
    await this.#turn()
    this.lists++
    this.expire()
    return {
      leases: [...this.#leases.values()],
      rejected: [...this.#garbage.values()],
      revision: this.#revision
    }
  }

  async create(lease: Lease, ttlMs: number | undefined): Promise<StoredLease | undefined> {
    await this.#turn()
    const key = keyOf(lease)
    if (this.#leases.has(key) || this.#garbage.has(key)) return undefined
    return this.put(lease, ttlMs)
  }

  async update(
    expected: StoredLease,
    lease: Lease,
    ttlMs: number | undefined
  ): Promise<StoredLease | undefined> {
    await this.#turn()
    this.expire()
    if (this.#leases.get(expected.key)?.revision !== expected.revision) return undefined
    const stored = this.put(lease, ttlMs)
    if (this.swallowNextAnswer) {
      this.swallowNextAnswer = false
      throw unavailable('the answer was lost')
    }
    return stored
  }

  async remove(expected: StoredLease): Promise<boolean> {
    await this.#turn()
    if (this.#leases.get(expected.key)?.revision !== expected.revision) return false
    this.drop(expected.key)
    return true
  }

  watch(revision: number, listener: (event: StoreEvent) => void): StoreWatch {
    if (this.down) throw unavailable('down')
    this.#watches.add(listener)
    for (const past of this.#history) {
      if (past.revision > revision) queueMicrotask(() => this.#watches.has(listener) && listener(past.event))
    }
    return { close: () => this.#watches.delete(listener) }
  }

  async close(): Promise<void> {}

  // What a test does behind the managers' backs: at once, and without expecting anything.

  put(lease: Lease, ttlMs?: number): StoredLease {
    const expires = ttlMs === undefined ? {} : { expiresAtMs: this.#clock.wallMs() + ttlMs }
    const stored = { key: keyOf(lease), lease, revision: ++this.#revision, ...expires }
    this.#garbage.delete(stored.key)
    this.#leases.set(stored.key, stored)
    this.#tell({ kind: 'put', stored })
    return stored
  }

  drop(key: string): void {
    this.#leases.delete(key)
    this.#garbage.delete(key)
    this.#tell({ kind: 'gone', key, revision: ++this.#revision })
  }

  poison(key: string): void {
    this.#revision++
    const error = TrilaneError.of('TRI_LEASE_INVALID', { key, problem: 'it is no lease' })
    this.#leases.delete(key)
    this.#garbage.set(key, error)
    this.#tell({ kind: 'rejected', key, error })
  }

  expire(): void {
    for (const stored of [...this.#leases.values()]) {
      if (Number(stored.expiresAtMs ?? Number.POSITIVE_INFINITY) <= this.#clock.wallMs())
        this.drop(stored.key)
    }
  }

  /** As when a store lost its disk and was started again: revisions begin anew. */
  loseEverything(): void {
    this.#leases.clear()
    this.#garbage.clear()
    this.#history.length = 0
    this.#revision = 0
    this.emit({ kind: 'gap', reason: 'the store was made anew' })
  }

  emit(event: StoreEvent): void {
    for (const listener of [...this.#watches]) listener(event)
  }

  get all(): readonly StoredLease[] {
    return [...this.#leases.values()]
  }

  get watchCount(): number {
    return this.#watches.size
  }

  #tell(event: StoreEvent): void {
    this.#history.push({ revision: this.#revision, event })
    if (!this.muted) this.emit(event)
  }

  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.down) throw unavailable('down')
  }
}

function unavailable(problem: string): TrilaneError {
  return TrilaneError.of('TRI_STORE_UNAVAILABLE', { store: 'memory', problem })
}
