import {
  type Clock,
  type FamilyConfig,
  type Lease,
  type LeaseClaim,
  type LeaseNode,
  type Logger,
  type NetworkConfig,
  type PeerChange,
  type StoredConfig,
  type StoredLease,
  type StoreEvent,
  type SubnetManager,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'
import { FAMILIES, type IpAddress, type PerFamily, valuesOf } from '@trilane/ip'
import { acquireLease, type LeaseContext, lifeOf, olderOverlap, overlap } from './acquire-lease.ts'
import { sameLease } from './lease-equality.ts'
import { LeaseSet } from './lease-set.ts'
import { isOurs, leaseOf } from './own-lease.ts'
import { diffPeers } from './peer-change.ts'
import { usablePeers } from './peers.ts'
import { renewDelayMs } from './renew-schedule.ts'
import { seededFraction } from './seeded-fraction.ts'
import { StoreFollower } from './store-follower.ts'

export interface LeaseManagerOptions {
  readonly store: SubnetStore
  readonly clock: Clock
  readonly logger: Logger
  readonly network: NetworkConfig
  /** What makes a lease ours in every later life of this node. */
  readonly identity: LeaseNode
  /** flannel's is a day. */
  readonly leaseTtlMs: number
  readonly renewMarginMs: number
  /** Revision of the stored config that `network` was read from: a later one is reported by `follow`. @default the one found by the first list */
  readonly configRevision?: number
  /** Everything is listed again after so long, also when the watch reports nothing wrong. @default ten minutes */
  readonly relistMs?: number
}

/** A renewal may be answered by nobody though it was done; then the revision moved on with what we wrote. */
const RENEW_TRIES = 5

/** {@link SubnetManager} on a store, a clock and a log. The store belongs to whoever made it: `close` leaves it open. */
export class LeaseManager implements SubnetManager {
  readonly #context: LeaseContext
  readonly #renewMarginMs: number
  readonly #relistMs: number
  readonly #set = new LeaseSet()
  #configRevision: number | undefined
  #own: StoredLease | undefined
  /** What was written last, perhaps without an answer: reading it back is no change by somebody else. */
  #written: Lease | undefined
  #publicAddresses: PerFamily<IpAddress> = {}
  #peers: ReadonlyMap<string, StoredLease> = new Map()
  #peerProblems: readonly TrilaneError[] = []
  /** What was told last about our own lease, so that it is told once. */
  #toldAboutOwn = ''
  #configText: string | undefined
  #listener: ((change: PeerChange) => void) | undefined
  #follower: StoreFollower | undefined
  #following = false
  #publishing = false
  #closed = false

  constructor(options: LeaseManagerOptions) {
    const { store, clock, logger, network, identity, leaseTtlMs } = options
    this.#context = { store, clock, logger, network, identity, leaseTtlMs }
    this.#renewMarginMs = options.renewMarginMs
    this.#relistMs = options.relistMs ?? 600_000
    this.#configRevision = options.configRevision
  }

  get own(): StoredLease | undefined {
    return this.#own
  }

  /** Until the next `renew` is due; 0 when it is, `undefined` when there is no lease or it never ends. */
  renewDelayMs(): number | undefined {
    return renewDelayMs({
      expiresAtMs: this.#own?.expiresAtMs,
      wallMs: this.#context.clock.wallMs(),
      leaseTtlMs: this.#context.leaseTtlMs,
      renewMarginMs: this.#renewMarginMs,
      jitter: seededFraction(`${this.#context.identity.machineId} renew`)
    })
  }

  async acquire(claim: LeaseClaim): Promise<StoredLease> {
    this.#publicAddresses = claim.publicAddresses
    return this.#hold(await acquireLease(this.#context, claim))
  }

  async renew(claim: LeaseClaim): Promise<StoredLease> {
    const { store, identity, leaseTtlMs, logger } = this.#context
    const own = this.#own
    if (own === undefined) {
      throw TrilaneError.of('TRI_LEASE_LOST', { subnet: 'a subnet', reason: 'it has not acquired one' })
    }
    this.#publicAddresses = claim.publicAddresses
    const lease = leaseOf(own.lease.subnets, claim, identity)
    this.#written = lease
    let expected: StoredLease | undefined = own
    for (let attempt = 0; attempt < RENEW_TRIES; attempt++) {
      const renewed: StoredLease | undefined = await store.update(
        expected,
        lease,
        lifeOf(expected, leaseTtlMs)
      )
      if (renewed !== undefined) return this.#hold(renewed)
      expected = await this.#find(own.key)
      if (expected === undefined) throw this.#lost(own, 'it expired or was removed')
      if (
        !isOurs(expected.lease, { machineId: identity.machineId, publicAddresses: claim.publicAddresses })
      ) {
        throw this.#lost(own, `${holderOf(expected.lease)} holds it now`)
      }
      logger.warn('own lease was written by another process; it is taken back', { key: own.key })
    }
    throw TrilaneError.of('TRI_LEASE_CONFLICT', { key: own.key, owner: 'a node with the same machine id' })
  }

  async follow(listener: (change: PeerChange) => void): Promise<void> {
    if (this.#listener !== undefined || this.#closed) {
      throw TrilaneError.of('TRI_INTERNAL', { text: 'a subnet manager is followed once' })
    }
    this.#listener = listener
    const { store, clock, logger, identity } = this.#context
    await new Promise<void>((resolve, reject) => {
      const follower = new StoreFollower({
        store,
        clock,
        logger,
        seed: identity.machineId,
        relistMs: this.#relistMs,
        onList: (list, config) => {
          this.#set.replace(list)
          this.#noteConfig(config)
          this.#publish(!this.#following)
          this.#following = true
          resolve()
        },
        onEvent: (event) => this.#onEvent(event)
      })
      this.#follower = follower
      const closed = () =>
        TrilaneError.of('TRI_STORE_UNAVAILABLE', { store: store.description, problem: 'following was ended' })
      follower.run().then(() => reject(closed()), reject)
    })
  }

  peers(): ReadonlyMap<string, StoredLease> {
    return this.#peers
  }

  problems(): readonly TrilaneError[] {
    return [...this.#set.rejected(), ...this.#peerProblems]
  }

  async reserve(lease: Lease): Promise<StoredLease> {
    const { store, network } = this.#context
    checkReservable(lease, network.families)
    const { leases } = await store.list()
    const holder = leases.find((stored) => overlap(stored.lease, lease))
    const created = holder === undefined ? await store.create(lease, undefined) : undefined
    const older = created === undefined ? holder : await olderOverlap(store, created)
    if (created !== undefined && older === undefined) return created
    if (created !== undefined) await store.remove(created)
    throw TrilaneError.of('TRI_LEASE_CONFLICT', {
      key: older?.key ?? valuesOf(lease.subnets).join('&'),
      owner: older === undefined ? 'another node' : holderOf(older.lease)
    })
  }

  async release(): Promise<void> {
    const own = this.#own
    if (own === undefined) return
    const { store, identity } = this.#context
    const self = { machineId: identity.machineId, publicAddresses: this.#publicAddresses }
    if (!(await store.remove(own))) {
      const current = await this.#find(own.key)
      if (current !== undefined && isOurs(current.lease, self)) await store.remove(current)
    }
    this.#own = undefined
    this.#publishSoon()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#follower?.close()
  }

  #hold(stored: StoredLease): StoredLease {
    this.#own = stored
    this.#written = stored.lease
    this.#toldAboutOwn = ''
    this.#publishSoon()
    return stored
  }

  #lost(own: StoredLease, reason: string): TrilaneError {
    this.#own = undefined
    this.#publishSoon()
    return TrilaneError.of('TRI_LEASE_LOST', { subnet: valuesOf(own.lease.subnets).join(' and '), reason })
  }

  async #find(key: string): Promise<StoredLease | undefined> {
    const { leases } = await this.#context.store.list()
    return leases.find((stored) => stored.key === key)
  }

  #onEvent(event: Exclude<StoreEvent, { kind: 'gap' }>): void {
    if (event.kind === 'config') this.#noteConfig(event.config)
    else this.#set.apply(event)
    this.#publishSoon()
  }

  #noteConfig(config: StoredConfig | undefined): void {
    this.#configRevision ??= config?.revision ?? 0
    if (config === undefined || config.revision <= this.#configRevision) return
    this.#configRevision = config.revision
    this.#configText = config.text
  }

  /** One call for all events of one turn of the event loop, and never inside another call. */
  #publishSoon(): void {
    if (this.#publishing) return
    this.#publishing = true
    queueMicrotask(() => {
      this.#publishing = false
      if (this.#following) this.#publish(false)
    })
  }

  #publish(first: boolean): void {
    if (this.#closed) return
    const { network, identity, logger } = this.#context
    const { peers, problems } = usablePeers(this.#set.leases(), {
      families: network.families,
      machineId: identity.machineId,
      publicAddresses: this.#publicAddresses,
      own: this.#own
    })
    const former = new Set(this.#peerProblems.map((problem) => problem.message))
    for (const problem of problems)
      if (!former.has(problem.message)) logger.warn('lease skipped', { problem })
    const { put, gone } = diffPeers(this.#peers, peers)
    this.#peers = peers
    this.#peerProblems = problems
    const own = this.#newsAboutOwn()
    const configText = this.#configText
    this.#configText = undefined
    if (!first && put.size === 0 && gone.size === 0 && own === undefined && configText === undefined) return
    try {
      this.#listener?.({
        put,
        gone,
        ...(own === undefined ? {} : { own }),
        ...(configText === undefined ? {} : { configText })
      })
    } catch (error) {
      logger.error('a listener for peers failed', { error: TrilaneError.from(error) })
    }
  }

  #newsAboutOwn(): PeerChange['own'] {
    const own = this.#own
    if (own === undefined) return undefined
    const stored = this.#set.get(own.key)
    const state = stored === undefined ? this.#absence(own) : this.#difference(own, stored)
    const told = state === undefined ? '' : `${state} ${stored?.revision}`
    const isNews = told !== this.#toldAboutOwn
    this.#toldAboutOwn = told
    return isNews ? state : undefined
  }

  /** A set that is older than our lease does not have it yet. */
  #absence(own: StoredLease): 'lost' | undefined {
    return this.#set.revision >= own.revision ? 'lost' : undefined
  }

  #difference(own: StoredLease, stored: StoredLease): 'changed' | undefined {
    if (stored.revision <= own.revision || sameLease(stored.lease, own.lease)) return undefined
    return this.#written !== undefined && sameLease(stored.lease, this.#written) ? undefined : 'changed'
  }
}

function holderOf(lease: Lease): string {
  return lease.node?.name ?? (valuesOf(lease.publicAddresses).join(' and ') || 'a node without a name')
}

/** A reservation may have any length, so that an operator can keep a whole block. */
function checkReservable(lease: Lease, families: PerFamily<FamilyConfig>): void {
  for (const family of FAMILIES) {
    const subnet = lease.subnets[family]
    const network = families[family]?.network
    if (subnet === undefined) continue
    if (network?.contains(subnet) && !subnet.equals(network)) continue
    throw TrilaneError.of('TRI_CONFIG_INVALID', {
      path: 'subnet',
      value: subnet,
      allowed:
        network === undefined
          ? `this network has no ${family} addresses`
          : `it must be a part of the network ${network}`
    })
  }
}
