import {
  type Lease,
  type LeaseClaim,
  type NetworkConfig,
  type PeerChange,
  type StoredConfig,
  type StoredLease,
  type StoreEvent,
  type SubnetManager,
  TrilaneError
} from '@trilane/contracts'
import { type IpAddress, type PerFamily, valuesOf } from '@trilane/ip'
import { acquireLease, type LeaseContext, lifeOf } from './acquire-lease.ts'
import { giveBack } from './give-back.ts'
import { HeldLease } from './held-lease.ts'
import type { LeaseManagerOptions } from './lease-manager-options.ts'
import { LeaseSet } from './lease-set.ts'
import {
  findFormerLease,
  holderOf,
  isLeasable,
  isOurs,
  leaseOf,
  type Self,
  sharesPublicAddress
} from './own-lease.ts'
import { type BookChange, PeerBook } from './peer-book.ts'
import { type PeerRules, sameRules } from './peer-rules.ts'
import { renewDelayMs } from './renew-schedule.ts'
import { reserveSubnets } from './reserve-subnets.ts'
import { seededFraction } from './seeded-fraction.ts'
import { StoreFollower } from './store-follower.ts'

/** Every node notices within some seconds that the store lost its data, also one that was cut off from it. */
const AWAIT_MS = 60_000

/** A node whose key alone was removed writes it again as soon as it hears of that. */
const MOMENT_MS = 2_000

/** A renewal may be answered by nobody though it was done; then the revision moved on with what we wrote. */
const RENEW_TRIES = 5

/** {@link SubnetManager} on a store, a clock and a log. The store belongs to whoever made it: `close` leaves it open. */
export class LeaseManager implements SubnetManager {
  #context: LeaseContext
  readonly #renewMarginMs: number
  readonly #relistMs: number
  readonly #set = new LeaseSet()
  #configRevision: number | undefined
  readonly #held: HeldLease
  /** {@link Acquired.hadOtherAddress} */
  #hadOtherAddress = false
  readonly #clones = new Set<string>()
  #publicAddresses: PerFamily<IpAddress> = {}
  readonly #book = new PeerBook()
  /** Of the book as it is. */
  #rules: PeerRules | undefined
  #configText: string | undefined
  #listener: ((change: PeerChange) => void) | undefined
  #follower: StoreFollower | undefined
  #following = false
  /** A complete list of the store itself was delivered. */
  #listed = false
  #outage: TrilaneError | undefined
  /** What {@link #outage} said when the listener was told last. */
  #toldOutage: string | undefined
  readonly #cache: LeaseManagerOptions['cache']
  /** A publication is about to begin. */
  #isDue = false
  /** The last one: they do not overlap. */
  #publishing: Promise<void> = Promise.resolve()
  readonly #breathe: (() => Promise<void>) | undefined
  readonly #closing = new AbortController()

  constructor(options: LeaseManagerOptions) {
    const { store, clock, logger, network, identity, leaseTtlMs } = options
    this.#context = { store, clock, logger, network, identity, leaseTtlMs, clones: this.#clones }
    this.#held = new HeldLease(clock)
    this.#renewMarginMs = options.renewMarginMs
    this.#relistMs = options.relistMs ?? 600_000
    this.#configRevision = options.configRevision
    this.#cache = options.cache
    this.#breathe = options.breathe
  }

  get own(): StoredLease | undefined {
    return this.#held.stored
  }

  /** Until the next `renew` is due; 0 when it is, `undefined` when there is no lease or it never ends. */
  renewDelayMs(): number | undefined {
    if (this.#held.stored?.expiresAtMs === undefined) return undefined
    return renewDelayMs({
      ageMs: this.#held.ageMs,
      leaseTtlMs: this.#context.leaseTtlMs,
      renewMarginMs: this.#renewMarginMs,
      jitter: seededFraction(`${this.#context.identity.machineId} renew`)
    })
  }

  async former(publicAddresses: PerFamily<IpAddress>): Promise<StoredLease | undefined> {
    const { store, identity, network } = this.#context
    const { leases } = await store.list()
    return findFormerLease(leases, { machineId: identity.machineId, publicAddresses }, network.families)
  }

  async acquire(claim: LeaseClaim): Promise<StoredLease> {
    this.#publicAddresses = claim.publicAddresses
    const held = this.#held.stored
    const known = held === undefined ? undefined : this.#set.get(held.key)
    if (known !== undefined) this.#isOfClone(known)
    const { stored, hadOtherAddress } = await acquireLease(this.#context, claim)
    this.#hadOtherAddress = hadOtherAddress
    return this.#hold(stored)
  }

  async recall(publicAddresses: PerFamily<IpAddress>): Promise<StoredLease | undefined> {
    const { identity, network } = this.#context
    const remembered = await this.#cache?.read()
    const self = { machineId: identity.machineId, publicAddresses }
    const former = findFormerLease(remembered?.list.leases ?? [], self, network.families)
    if (former === undefined || !isLeasable(former.lease, network.families)) return undefined
    this.#publicAddresses = publicAddresses
    this.#held.recall(former)
    return former
  }

  async renew(claim: LeaseClaim): Promise<StoredLease> {
    const { store, identity, leaseTtlMs, logger } = this.#context
    const own = this.#held.stored
    if (own === undefined) {
      throw TrilaneError.of('TRI_LEASE_LOST', { subnet: 'a subnet', reason: 'it has not acquired one' })
    }
    this.#publicAddresses = claim.publicAddresses
    const lease = leaseOf(own.lease.subnets, claim, identity)
    this.#held.writing(lease)
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
      if (!isOurs(expected.lease, this.#self()) || this.#isOfClone(expected)) {
        throw this.#lost(own, `${holderOf(expected.lease)} holds it now`)
      }
      logger.warn('own lease was written by another process; it is taken back', { key: own.key })
    }
    throw TrilaneError.of('TRI_LEASE_CONFLICT', { key: own.key, owner: 'a node with the same machine id' })
  }

  async follow(listener: (change: PeerChange) => void): Promise<void> {
    if (this.#listener !== undefined || this.#closing.signal.aborted) {
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
        onList: async (list, config) => {
          this.#outage = undefined
          this.#set.replace(list)
          this.#noteListedConfig(config)
          const isFirst = !this.#listed
          this.#listed = true
          this.#following = true
          await this.#publish(isFirst)
          if (!this.#closing.signal.aborted) resolve()
        },
        onOutage: async (problem) => {
          if (!this.#following && (await this.#recallPeers(problem))) resolve()
          if (this.#listed) this.#outage = problem
          this.#publishSoon()
        },
        onEvent: (event) => this.#onEvent(event)
      })
      this.#follower = follower
      const closed = () =>
        TrilaneError.of('TRI_STORE_UNAVAILABLE', { store: store.description, problem: 'following was ended' })
      follower.run().then(() => reject(closed()), reject)
    })
  }

  outage(): TrilaneError | undefined {
    return this.#outage
  }

  peers(): ReadonlyMap<string, StoredLease> {
    return this.#book.peers
  }

  problems(): readonly TrilaneError[] {
    return this.#book.problems()
  }

  configure(network: NetworkConfig): void {
    this.#context = { ...this.#context, network }
  }

  reserve(lease: Lease): Promise<StoredLease> {
    return reserveSubnets(this.#context.store, this.#context.network.families, lease)
  }

  async release(): Promise<void> {
    const own = this.#held.stored
    if (own === undefined) return
    const { store } = this.#context
    if (!(await giveBack(store, own))) {
      const current = await this.#find(own.key)
      if (current !== undefined && isOurs(current.lease, this.#self())) {
        await giveBack(store, current)
      }
    }
    this.#held.drop()
    this.#publishSoon()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#follower?.close()
  }

  /** @returns whether the remembered set was delivered */
  async #recallPeers(problem: TrilaneError): Promise<boolean> {
    const remembered = await this.#cache?.read()
    if (remembered === undefined || this.#closing.signal.aborted) return false
    this.#outage = TrilaneError.of('TRI_STORE_REMEMBERED', {
      store: this.#context.store.description,
      at: new Date(remembered.listedAtMs).toISOString(),
      problem: String(problem.values.problem ?? problem.message)
    })
    this.#set.replace(remembered.list)
    this.#following = true
    await this.#publish(true)
    return true
  }

  #self(): Self {
    return { machineId: this.#context.identity.machineId, publicAddresses: this.#publicAddresses }
  }

  #hold(stored: StoredLease): StoredLease {
    this.#held.hold(stored)
    this.#publishSoon()
    return stored
  }

  #lost(own: StoredLease, reason: string): TrilaneError {
    this.#held.drop()
    this.#publishSoon()
    return TrilaneError.of('TRI_LEASE_LOST', { subnet: valuesOf(own.lease.subnets).join(' and '), reason })
  }

  /**
   * A lease with our machine id that we took over from another address, and that has been taken back: its holder lives,
   * and this machine is a copy of it, or the other way round. Who came later yields, so that exactly one does.
   */
  #isOfClone({ key, lease }: StoredLease): boolean {
    const isSame = lease.node?.machineId === this.#context.identity.machineId
    if (!this.#hadOtherAddress || !isSame || sharesPublicAddress(lease, this.#self())) return false
    this.#clones.add(key)
    this.#context.logger.warn('another machine has the machine id of this node', {
      key,
      holder: holderOf(lease)
    })
    return true
  }

  async #find(key: string): Promise<StoredLease | undefined> {
    const { leases } = await this.#context.store.list()
    return leases.find((stored) => stored.key === key)
  }

  #onEvent(event: Exclude<StoreEvent, { kind: 'gap' }>): void {
    if (event.kind === 'away') this.#outage = event.error
    else if (event.kind === 'back') this.#outage = undefined
    else if (event.kind === 'config') this.#noteConfigEvent(event.config)
    else this.#set.apply(event)
    this.#publishSoon()
  }

  /** Any other revision is another config, a lower one too: the store may have been made anew. */
  #noteListedConfig(config: StoredConfig | undefined): void {
    this.#configRevision ??= config?.revision ?? 0
    if (config === undefined || config.revision === this.#configRevision) return
    this.#configRevision = config.revision
    this.#configText = config.text
  }

  /** May be repeated. */
  #noteConfigEvent(config: StoredConfig): void {
    if (config.revision > (this.#configRevision ?? 0)) this.#noteListedConfig(config)
  }

  /** One call for all events of one turn of the event loop, and never inside another call. */
  #publishSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      if (this.#following) void this.#publish(false)
    })
  }

  #publish(first: boolean): Promise<void> {
    this.#publishing = this.#publishing.then(() => this.#publishNow(first))
    return this.#publishing
  }

  async #publishNow(first: boolean): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#awaitPeers()
    const { put, gone, sameProblems } = await this.#updateBook()
    if (this.#closing.signal.aborted) return
    const own = this.#held.news(this.#set)
    const configText = this.#configText
    this.#configText = undefined
    const outage = this.#outage?.message
    const sameProblem = sameProblems && outage === this.#toldOutage
    this.#toldOutage = outage
    const samePeers = put.size === 0 && gone.size === 0
    if (!first && samePeers && sameProblem && own === undefined && configText === undefined) return
    try {
      this.#listener?.({
        put,
        gone,
        ...(this.#listed ? {} : { remembered: true }),
        ...(own === undefined ? {} : { own }),
        ...(configText === undefined ? {} : { configText })
      })
    } catch (error) {
      this.#context.logger.error('a listener for peers failed', { error: TrilaneError.from(error) })
    }
  }

  /**
   * Whose key was removed writes it again, and a store that lost its data is filled again by the nodes, each in its own
   * time: no peer goes meanwhile.
   */
  #awaitPeers(): void {
    const { clock, logger, store } = this.#context
    const ownKey = this.#held.stored?.key
    const isWiped = ownKey !== undefined && this.#set.isWiped(ownKey)
    if (isWiped) logger.warn('the store lost its data: peers are awaited', { store: store.description })
    const wait = this.#set.awaitRemoved(this.#book.peers, isWiped)
    if (wait === undefined) return
    const { signal } = this.#closing
    void clock.sleep(isWiped ? AWAIT_MS : MOMENT_MS, signal).then(() => {
      if (signal.aborted) return
      this.#set.forgetAwaited(wait)
      this.#publishSoon()
    })
  }

  /** A changed lease touches those that overlap it; the first list, or another lease of our own, everything. */
  async #updateBook(): Promise<BookChange> {
    const rules = { ...this.#self(), families: this.#context.network.families, own: this.#held.stored }
    const changes = this.#set.takeChanges()
    const isUpdate = changes !== 'all' && this.#rules !== undefined && sameRules(rules, this.#rules)
    if (!isUpdate) this.#rules = rules
    const steps = isUpdate ? this.#book.updating(changes) : this.#book.replacing(this.#set.holdings(), rules)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
      if (this.#breathe !== undefined) await this.#breathe()
    }
  }
}
