import type { Attachments } from '@trilane/attachments'
import {
  type Backend,
  type Clock,
  joinStates,
  type Kernel,
  type KernelEvent,
  type KernelState,
  type Lease,
  type LeaseClaim,
  type Logger,
  type NetworkConfig,
  type NodeFacts,
  type PeerChange,
  type PodLinkSpec,
  type StoredLease,
  type SubnetManager,
  TrilaneError
} from '@trilane/contracts'
import type { PerFamily, Prefix } from '@trilane/ip'
import { blackholeState } from './blackhole.ts'
import type { ForwardingWatch } from './forwarding-watch.ts'
import { Health } from './health.ts'
import type { NodeIdentity } from './identity.ts'
import { type PeerWish, peerWish } from './peer-wishes.ts'
import type { ReconcileLoop } from './reconcile-loop.ts'
import { FACTS_SCOPE, nodeFacts, type UplinkWish } from './uplink.ts'

/** Between two tries of what may succeed later: an uplink that is not there yet, a store that is away. */
const RETRY_MS = { first: 100, last: 5_000 } as const

/** A renewal that failed for another reason than a lost lease is tried again after this, as flannel does. */
const RENEW_RETRY_MS = 60_000

/** A timer may sleep as long as the machine did, and a lease may change hands: look at least so often. */
const RENEW_LOOK_MS = 60_000

/** Uplink events come in flocks; one reading answers them all. */
const GATHER_MS = 50

export interface NetworkAgentParts {
  readonly network: NetworkConfig
  readonly backend: Backend
  /** What the backend made of the network config. */
  readonly options: unknown
  readonly identity: NodeIdentity
  readonly bridge: string
  readonly uplinkWish: () => Promise<UplinkWish>
  readonly kernel: Kernel
  readonly loop: ReconcileLoop
  readonly subnets: SubnetManager
  readonly attachments: Attachments
  readonly previousSubnets: PerFamily<Prefix>
  /** `--ip-blackhole-route` */
  readonly blackhole: boolean
  readonly forwarding: ForwardingWatch
  /** Keeps `subnet.env`; called whenever the lease or the facts behind it are new, and after each full pass. */
  readonly publish: (lease: Lease, podMtuBytes: number) => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * One network on this node: facts, lease, wishes, and what changes them.
 *
 * Life: `start` runs until the network carries packets; then events drive it; `stop` leaves lease, kernel and
 * pods as they are.
 */
export class NetworkAgent {
  readonly parts: NetworkAgentParts
  readonly health: Health
  readonly #slots: { readonly node: string; readonly peers: string }
  readonly #stop = new AbortController()
  readonly #wishes = new Map<string, PeerWish>()
  #facts: NodeFacts | undefined
  #stored: StoredLease | undefined
  #listed = false
  #ready = false
  #factsDue = false
  #recovering: Promise<void> | undefined

  constructor(parts: NetworkAgentParts) {
    this.parts = parts
    this.health = new Health(parts.clock)
    this.#slots = { node: `${parts.network.name}/node`, peers: `${parts.network.name}/peer/` }
  }

  get name(): string {
    return this.parts.network.name
  }

  /** Is the first complete list of leases in? Nothing is swept before. */
  get listed(): boolean {
    return this.#listed
  }

  get ready(): boolean {
    return this.#ready
  }

  get facts(): NodeFacts | undefined {
    return this.#facts
  }

  get lease(): StoredLease | undefined {
    return this.#stored
  }

  get peers(): ReadonlyMap<string, PeerWish> {
    return this.#wishes
  }

  /** The reconciler's slot of what this node needs whoever its peers are. */
  get nodeSlot(): string {
    return this.#slots.node
  }

  /** The reconciler's slot of one peer. */
  peerSlot(key: string): string {
    return `${this.#slots.peers}${key}`
  }

  /** How pods are plugged in now. @throws TrilaneError `TRI_NOT_READY` */
  podLink(): PodLinkSpec {
    if (this.#facts === undefined || this.#stored === undefined || !this.#ready) {
      const reason =
        this.#stored === undefined ? 'this node has no lease yet' : 'its kernel state is not complete yet'
      throw TrilaneError.of('TRI_NOT_READY', { network: this.name, reason })
    }
    return this.parts.backend.podLink(this.#facts, this.#stored.lease, this.parts.options)
  }

  /** @returns when pods can be attached and every peer that is known has been programmed once */
  async start(): Promise<void> {
    const { attachments, loop, subnets, logger } = this.parts
    await attachments.recover()
    await this.#patiently('uplink', async () => {
      this.#facts = await this.#readFacts()
    })
    await this.#lookAtForwarding()
    await this.#acquire()
    await this.#patiently('store', () => subnets.follow((change) => this.#onPeers(change)))
    this.#listed = true
    await this.#patiently('kernel', async () => {
      const { writes, failures } = await loop.passSoon(0)
      const { size } = this.#wishes
      logger.info('first full pass done', { peers: size, writes, failures: failures.length })
    })
    await this.#publish()
    this.#ready = true
    logger.info('network ready', { subnets: this.#stored?.lease.subnets })
    void this.#renewForever()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.parts.subnets.close()
  }

  /** What is no kernel object of a wish is looked at again: somebody may have changed it. */
  async onFullPass(): Promise<void> {
    await this.#lookAtForwarding()
    if (this.#ready) await this.#publish()
  }

  /** Looks again at what this node is when an event may have changed it. */
  onKernelEvent(event: KernelEvent): void {
    const uplink = this.#facts?.uplink.name
    if (uplink === undefined || this.#factsDue) return
    const concerns =
      event.kind === 'lost' ||
      (event.kind === 'link' && event.value.name === uplink) ||
      (event.kind === 'address' && (event.value.device === uplink || !event.value.address.isLinkLocal)) ||
      (event.kind === 'route' && event.value.destination.length === 0) ||
      (event.kind === 'route' && event.value.device === uplink && event.value.gateway === undefined)
    if (!concerns) return
    this.#factsDue = true
    void this.#refreshFacts()
  }

  async #acquire(): Promise<void> {
    const { subnets, logger } = this.parts
    await this.#patiently('lease', async () => {
      const former = await subnets.former(this.#knownFacts().publicAddresses)
      this.#stored = await subnets.acquire(this.#claim(former?.lease))
    })
    logger.info('lease acquired', { key: this.#stored?.key })
    this.#wishNode()
  }

  /** @param former what peers know of this node: what they act on stays as it is */
  #claim(former: Lease | undefined): LeaseClaim {
    const { backend, options, previousSubnets } = this.parts
    const facts = this.#knownFacts()
    return {
      publicAddresses: facts.publicAddresses,
      backendType: backend.type,
      backendData: backend.leaseData(facts, options, former),
      previousSubnets
    }
  }

  #knownFacts(): NodeFacts {
    if (this.#facts === undefined) {
      throw TrilaneError.of('TRI_NOT_READY', { network: this.name, reason: 'the uplink is not known yet' })
    }
    return this.#facts
  }

  #wishNode(): void {
    const { backend, options, loop } = this.parts
    if (this.#stored === undefined) return
    const facts = this.#knownFacts()
    const { lease } = this.#stored
    const link = backend.podLink(facts, lease, options)
    const states = [backend.nodeState(facts, lease, options), backend.podState(facts, lease, link)]
    if (this.parts.blackhole && link.type === 'bridge') states.push(blackholeState(lease))
    loop.wish(new Map([[this.#slots.node, joinStates(states)]]))
  }

  async #lookAtForwarding(): Promise<void> {
    if (this.#facts !== undefined) await this.parts.forwarding.look(this.#facts, this.health)
  }

  #onPeers(change: PeerChange): void {
    const { loop, logger, network } = this.parts
    const slots = new Map<string, KernelState | undefined>()
    for (const key of change.gone) {
      this.#wishes.delete(key)
      this.health.clear(`peer ${key}`)
      slots.set(this.peerSlot(key), undefined)
    }
    for (const stored of change.put.values()) slots.set(this.peerSlot(stored.key), this.#wishPeer(stored))
    if (slots.size > 0) loop.wish(slots)
    this.#raiseStoreProblems()
    if (change.own === 'lost') void this.#recover('it was removed from the store')
    if (change.own === 'changed') void this.#recover('it was changed in the store')
    if (change.configText !== undefined) {
      logger.warn('network config changed in the store: restart the daemon to use it', {
        network: network.name
      })
    }
  }

  #wishPeer(stored: StoredLease): KernelState {
    const { backend, options, logger } = this.parts
    const wish = peerWish(backend, options, this.#knownFacts(), stored)
    this.#wishes.set(stored.key, wish)
    const condition = `peer ${stored.key}`
    if (wish.error === undefined) this.health.clear(condition)
    else if (this.health.raise(condition, 'medium', wish.error)) {
      logger.warn('peer cannot be served', { key: stored.key, error: wish.error })
    }
    return wish.state
  }

  #raiseStoreProblems(): void {
    const current = new Set<string>()
    for (const problem of this.parts.subnets.problems()) {
      const condition = `lease ${String(problem.values.key)}`
      current.add(condition)
      if (this.health.raise(condition, 'low', problem)) {
        this.parts.logger.warn('lease skipped', { error: problem })
      }
    }
    for (const condition of this.#storeConditions) if (!current.has(condition)) this.health.clear(condition)
    this.#storeConditions = current
  }

  #storeConditions: ReadonlySet<string> = new Set()

  async #readFacts(): Promise<NodeFacts> {
    const { kernel, network, identity, bridge, uplinkWish } = this.parts
    const snapshot = await kernel.read(FACTS_SCOPE)
    const facts = nodeFacts(snapshot, await uplinkWish(), network, identity, bridge)
    if (this.#facts === undefined) return facts
    // Pods know the first one; what stands there later is this daemon's own, or somebody's mistake.
    const { bridgeMac: _, ...others } = facts
    const { bridgeMac } = this.#facts
    return bridgeMac === undefined ? others : { ...others, bridgeMac }
  }

  /** A vanished uplink keeps its last facts: pods on this node go on talking, and it may come back. */
  async #refreshFacts(): Promise<void> {
    const { clock, logger } = this.parts
    await clock.sleep(GATHER_MS, this.#stop.signal)
    this.#factsDue = false
    if (this.#stop.signal.aborted) return
    try {
      const facts = await this.#readFacts()
      this.health.clear('uplink')
      if (JSON.stringify(facts) === JSON.stringify(this.#facts)) return
      logger.info('uplink changed', { uplink: facts.uplink })
      this.#facts = facts
      await this.#lookAtForwarding()
      this.#wishNode()
      this.parts.loop.wish(
        new Map(
          [...this.#wishes.values()].map(({ stored }) => [this.peerSlot(stored.key), this.#wishPeer(stored)])
        )
      )
      await this.#renew()
      await this.#publish()
    } catch (error) {
      const problem = TrilaneError.from(error)
      if (this.health.raise('uplink', 'high', problem)) logger.warn('uplink is gone', { error: problem })
    }
  }

  async #publish(): Promise<void> {
    const { backend, options, publish, logger } = this.parts
    if (this.#stored === undefined) return
    const { mtuBytes } = backend.podLink(this.#knownFacts(), this.#stored.lease, options)
    try {
      await publish(this.#stored.lease, mtuBytes)
      this.health.clear('subnet.env')
    } catch (error) {
      const problem = TrilaneError.from(error)
      this.health.raise('subnet.env', 'medium', problem)
      logger.warn('subnet file not written', { error: problem })
    }
  }

  async #renewForever(): Promise<void> {
    const { clock, subnets } = this.parts
    let renewed = true
    for (;;) {
      const dueMs = Math.min(subnets.renewDelayMs() ?? RENEW_LOOK_MS, RENEW_LOOK_MS)
      await clock.sleep(renewed ? dueMs : RENEW_RETRY_MS, this.#stop.signal)
      if (this.#stop.signal.aborted) return
      const isDue = subnets.renewDelayMs() === 0
      if (isDue) renewed = await this.#renew()
    }
  }

  /** @returns whether this node holds a lease with its claim in it now */
  async #renew(): Promise<boolean> {
    const { subnets, logger } = this.parts
    try {
      this.#stored = await subnets.renew(this.#claim(this.#stored?.lease))
    } catch (error) {
      const problem = TrilaneError.from(error)
      if (problem.code !== 'TRI_LEASE_LOST') {
        this.health.raise('renewal', 'medium', problem)
        logger.warn('lease not renewed', { error: problem })
        return false
      }
      await this.#recover(String(problem.values.reason))
    }
    this.health.clear('renewal')
    return true
  }

  /** Our lease is not ours any more: say so, get one again, and only then change what pods stand on. */
  #recover(reason: string): Promise<void> {
    this.#recovering ??= this.#reacquire(reason).finally(() => {
      this.#recovering = undefined
    })
    return this.#recovering
  }

  async #reacquire(reason: string): Promise<void> {
    const former = this.#stored
    if (former === undefined || this.#stop.signal.aborted) return
    const problem = TrilaneError.of('TRI_LEASE_LOST', { subnet: former.key, reason })
    this.health.raise('lost', 'high', problem)
    this.parts.logger.error('lease lost', { error: problem })
    await this.#acquire()
    await this.#publish()
    this.health.clear('lost')
  }

  /** Repeats `step` with growing delays while it fails with what may pass; anything else is thrown. */
  async #patiently(condition: string, step: () => Promise<void>): Promise<void> {
    const { clock, logger } = this.parts
    let delayMs: number = RETRY_MS.first
    for (;;) {
      try {
        await step()
        this.health.clear(condition)
        return
      } catch (error) {
        const problem = TrilaneError.from(error)
        if (!problem.retryable || this.#stop.signal.aborted) throw problem
        if (this.health.raise(condition, 'high', problem))
          logger.warn('waiting', { for: condition, error: problem })
        await clock.sleep(delayMs, this.#stop.signal)
        if (this.#stop.signal.aborted) throw problem
        delayMs = Math.min(delayMs * 2, RETRY_MS.last)
      }
    }
  }
}
