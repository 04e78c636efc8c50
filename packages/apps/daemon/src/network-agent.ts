import type { Attachments } from '@trilane/attachments'
import {
  type Clock,
  joinStates,
  type Kernel,
  type KernelEvent,
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
import {
  type LanesHere,
  laneClaim,
  lanesHere,
  type NetworkLanes,
  nodeStateOf,
  offersNews,
  type PeerLane,
  podLinkOf
} from '@trilane/lanes'
import { isLeasable } from '@trilane/subnet-manager'
import { blackholeState } from './blackhole.ts'
import { DroppedLanes } from './dropped-lanes.ts'
import { FactsFollower } from './facts-follower.ts'
import { readFacts } from './facts-reading.ts'
import type { NodeFirewall } from './firewall-node.ts'
import type { ForwardingWatch } from './forwarding-watch.ts'
import { Health } from './health.ts'
import type { NodeIdentity } from './identity.ts'
import { LaneLoop } from './lane-loop.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { LeaseProblems } from './lease-problems.ts'
import { LiveConfig } from './live-config.ts'
import { Patience } from './patience.ts'
import { factsAfterClash, type HeldByPods, type KindOf } from './pods-here.ts'
import type { ReconcileLoop } from './reconcile-loop.ts'
import { published } from './subnet-file.ts'
import { UnderlayWatch } from './underlay-watch.ts'
import { tellUnusableLanes } from './unusable-lanes.ts'
import type { UplinkWish } from './uplink.ts'
import { UplinkAnnouncer } from './uplink-announcer.ts'

export interface NetworkAgentParts {
  readonly network: NetworkConfig
  /** For messages: where the config comes from. */
  readonly store: string
  /** @throws TrilaneError for a backend that cannot be */
  readonly lanesOf: (network: NetworkConfig) => NetworkLanes
  readonly identity: NodeIdentity
  readonly bridge: string
  readonly uplinkWish: () => Promise<UplinkWish>
  readonly kernel: Kernel
  readonly loop: ReconcileLoop
  readonly subnets: SubnetManager
  readonly attachments: Attachments
  readonly held: HeldByPods
  /** Of the other networks of this daemon. */
  readonly kindOf: KindOf
  readonly previousSubnets: PerFamily<Prefix>
  /** How often everything is looked at again. */
  readonly fullPassMs: number
  /** `--ip-blackhole-route` */
  readonly blackhole: boolean
  readonly forwarding: ForwardingWatch
  readonly firewall: Pick<NodeFirewall, 'leased'>
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
  readonly config: LiveConfig
  readonly #slots: { readonly node: string; readonly peers: string }
  readonly #stop = new AbortController()
  readonly #follower: FactsFollower
  readonly #announcer: UplinkAnnouncer
  readonly #lanes: LaneLoop
  /** The lanes as this node's facts have them; from the first lease on. */
  #here: LanesHere | undefined
  readonly #leases: LeaseKeeper
  readonly #patience: Patience
  readonly #leaseProblems: LeaseProblems
  readonly #underlay: UnderlayWatch
  /** A complete list of the store is here. */
  #complete = false
  /** And its peers have their lanes. */
  #listed = false
  #ready = false
  readonly #dropped: DroppedLanes

  constructor(parts: NetworkAgentParts) {
    this.parts = parts
    this.health = new Health(parts.clock)
    this.#slots = { node: `${parts.network.name}/node`, peers: `${parts.network.name}/peer/` }
    const { kernel, clock, logger, loop, fullPassMs } = parts
    const { health } = this
    this.config = new LiveConfig({
      network: parts.network,
      source: parts.store,
      lanesOf: parts.lanesOf,
      health,
      logger,
      onChange: () => {
        parts.subnets.configure(this.config.network)
        this.#follower.lookSoon()
      }
    })
    this.#dropped = new DroppedLanes(parts)
    this.#patience = new Patience({ health, clock, logger, signal: this.#stop.signal })
    this.#leaseProblems = new LeaseProblems(health, logger)
    this.#underlay = new UnderlayWatch({
      network: parts.network.name,
      kernel,
      loop,
      records: () => parts.attachments.list(),
      health,
      logger
    })
    this.#leases = new LeaseKeeper({
      subnets: parts.subnets,
      health,
      patience: this.#patience,
      clock,
      logger,
      signal: this.#stop.signal,
      previousSubnets: parts.previousSubnets,
      publicAddresses: () => this.#knownFacts().publicAddresses,
      prepare: (former) => this.#prepare(former),
      claim: () => (this.#here === undefined ? undefined : this.#claim(this.#here)),
      onAcquired: () => this.#onAcquired()
    })
    this.#announcer = new UplinkAnnouncer({ kernel, logger })
    this.#follower = new FactsFollower({
      read: () => readFacts(parts, this.config, this.#follower.facts),
      onChange: () => this.#onFacts(),
      health,
      clock,
      logger
    })
    this.#lanes = new LaneLoop({
      kernel,
      clock,
      logger,
      health,
      periodMs: fullPassMs,
      slotOf: (key) => this.peerSlot(key),
      wish: (slots) => loop.wish(slots)
    })
  }

  get name(): string {
    return this.parts.network.name
  }

  /** Nothing is swept before the first complete list of leases, and nothing that peers may still send by. */
  get maySweep(): boolean {
    return this.#listed && this.#dropped.isEmpty
  }

  get ready(): boolean {
    return this.#ready
  }

  get facts(): NodeFacts | undefined {
    return this.#follower.facts
  }

  /** Which lanes this node takes part in; absent before its first lease. */
  get here(): LanesHere | undefined {
    return this.#here
  }

  get lease(): StoredLease | undefined {
    return this.#leases.stored
  }

  /** How each peer is carried. */
  get peers(): ReadonlyMap<string, PeerLane> {
    return this.#lanes.lanes
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
    const { lease } = this
    if (this.#here === undefined || lease === undefined || !this.#ready) {
      const reason =
        lease === undefined ? 'this node has no lease yet' : 'its kernel state is not complete yet'
      throw TrilaneError.of('TRI_NOT_READY', { network: this.name, reason })
    }
    return podLinkOf(this.#here, lease.lease)
  }

  /** To be called before {@link podLink} for a pod that comes. @throws TrilaneError `TRI_NOT_READY` */
  async confirmLease(): Promise<void> {
    if (!this.#ready || (await this.#leases.confirm())) return
    const reason = 'its lease is lost, and it has none again yet'
    throw TrilaneError.of('TRI_NOT_READY', { network: this.name, reason })
  }

  /** After its attachments are recovered. @returns when pods can be attached and every peer that is known has been programmed once */
  async start(): Promise<void> {
    const { loop, subnets, logger } = this.parts
    await this.#patience.run('uplink', () => this.#follower.readFirst())
    await this.#lookAtForwarding()
    await this.#leases.acquire()
    await subnets.follow((change) => this.#onPeers(change))
    await this.#patience.run('kernel', () => this.#lanes.settle())
    await this.#onListed()
    await this.#patience.run('kernel', async () => {
      const { writes, failures } = await loop.passSoon(0)
      const { size } = this.peers
      logger.info('first full pass done', { peers: size, writes, failures: failures.length })
    })
    await this.#publish()
    await this.#announcer.tell(this.#knownFacts().uplink)
    this.#ready = true
    void this.#onListed()
    logger.info('network ready', { subnets: this.lease?.lease.subnets })
    void this.#leases.renewForever()
    void this.#lookAtSegment()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#follower.stop()
    this.#lanes.stop()
    await this.parts.subnets.close()
  }

  /** What is no kernel object of a wish is looked at again: somebody may have changed it. */
  async onFullPass(): Promise<void> {
    await this.#lookAtForwarding()
    await this.#lookAtSegment()
    if (this.#ready) await this.#publish()
  }

  onKernelEvent(event: KernelEvent): void {
    this.#follower.onKernelEvent(event)
    this.#lanes.onKernelEvent(event)
    this.#underlay.onKernelEvent(event)
  }

  /** A change of lanes loses nothing: what peers will send by is there before they know, what they sent by stays. */
  async #prepare(former: Lease | undefined): Promise<LeaseClaim> {
    const { loop } = this.parts
    const { network } = this.config
    const here = this.#lookAtLanes(this.#knownFacts(), former)
    this.#here = here
    if (former !== undefined) {
      this.#dropped.note(here, former)
      // Subnets that do not fit the network any more will be others.
      if (offersNews(here, former) && isLeasable(former, network.families)) {
        loop.wish(new Map([[this.#slots.node, nodeStateOf(here, former)]]))
        await loop.passSoon(0)
      }
    }
    return this.#claim(here)
  }

  async #onAcquired(): Promise<void> {
    const { firewall, network, bridge } = this.parts
    this.#wishNode()
    if (this.lease !== undefined) {
      const routed = this.facts?.parent === undefined
      await firewall.leased({ network, lease: this.lease.lease, health: this.health, routed, bridge })
    }
    if (this.#ready) await this.#publish()
    void this.#giveUpDropped()
  }

  async #giveUpDropped(): Promise<void> {
    if (await this.#dropped.giveUp(this.#stop.signal)) {
      await this.parts.loop.passSoon(0).catch(() => undefined)
    }
  }

  /** @param former what peers know of this node: what they act on stays as it is */
  #lookAtLanes(facts: NodeFacts, former: Lease | undefined): LanesHere {
    const here = lanesHere(this.config.lanes, facts, former)
    tellUnusableLanes(here, this.#here, this.parts.logger)
    return here
  }

  #claim(here: LanesHere): LeaseClaim {
    return { publicAddresses: here.node.publicAddresses, ...laneClaim(here) }
  }

  #knownFacts(): NodeFacts {
    const { facts } = this.#follower
    if (facts !== undefined) return facts
    throw TrilaneError.of('TRI_NOT_READY', { network: this.name, reason: 'the uplink is not known yet' })
  }

  /** What this node needs, and the lanes of its peers. */
  #wishNode(): void {
    const { loop, blackhole } = this.parts
    if (this.lease === undefined || this.#here === undefined) return
    const { lease } = this.lease
    const states = [nodeStateOf(this.#here, lease)]
    if (blackhole && podLinkOf(this.#here, lease).type === 'bridge') states.push(blackholeState(lease))
    loop.wish(new Map([[this.#slots.node, joinStates(states)]]))
    this.#lanes.setHere(this.#here)
  }

  async #lookAtForwarding(): Promise<void> {
    const { facts } = this.#follower
    // The node forwards nothing for pods that are on its own network.
    if (facts !== undefined && facts.parent === undefined)
      await this.parts.forwarding.look(facts, this.health)
  }

  async #lookAtSegment(): Promise<void> {
    if (this.#here === undefined || this.lease === undefined) return
    await this.#underlay.look(this.#here, this.lease.lease, this.parts.subnets.peers().values())
  }

  #onPeers(change: PeerChange): void {
    const { subnets } = this.parts
    this.#lanes.onPeers(change)
    this.#leaseProblems.tell(subnets.problems())
    const outage = subnets.outage()
    if (outage === undefined) this.health.clear('store')
    else this.health.raise('store', 'medium', outage)
    if (change.remembered !== true && !this.#complete) {
      this.#complete = true
      // At the start this is waited for; later, the store has come back.
      if (this.#ready) void this.#onListed()
    }
    if (change.own === 'lost') void this.#leases.recover('it was removed from the store')
    if (change.own === 'changed') void this.#leases.recover('it was changed in the store')
    if (change.configText !== undefined) this.config.tell(change.configText)
  }

  /** What no lease accounts for may be swept from now on, and a lease that was remembered is written again. */
  async #onListed(): Promise<void> {
    if (!this.#complete || this.#listed) return
    const { loop, logger, subnets } = this.parts
    await this.#lanes.decided()
    this.#listed = true
    // At the start a full pass follows.
    if (!this.#ready) return
    logger.info('the store is back: peers are those of its list', { peers: this.peers.size })
    await loop.passSoon(0).catch(() => undefined)
    if (subnets.renewDelayMs() === 0) await this.#leases.renew()
  }

  /** Everything that stands on the facts is made anew. */
  async #onFacts(): Promise<void> {
    await this.#lookAtForwarding()
    // Without a lease the first one will have these facts.
    if (this.#here === undefined || this.lease === undefined) return
    const { lease } = this.lease
    let facts: NodeFacts | undefined = this.#knownFacts()
    for (; facts !== undefined; facts = await factsAfterClash(facts, lease, this.parts.held)) {
      this.#here = this.#lookAtLanes(facts, lease)
    }
    this.#wishNode()
    void this.#announcer.tell(this.#here.node.uplink)
    // Linux removed without a word what stood on a vanished uplink, and what failed meanwhile waits for its turn.
    void this.parts.loop.passSoon(0).catch(() => undefined)
    await this.#leases.renew()
    await this.#publish()
    await this.#lookAtSegment()
  }

  async #publish(): Promise<void> {
    if (this.lease === undefined || this.#here === undefined) return
    const { mtuBytes } = podLinkOf(this.#here, this.lease.lease)
    const { lease } = this.lease
    await published(() => this.parts.publish(lease, mtuBytes), this.health, this.parts.logger)
  }
}
