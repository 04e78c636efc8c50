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
  droppedLanes,
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
import { FactsFollower } from './facts-follower.ts'
import type { NodeFirewall } from './firewall-node.ts'
import type { ForwardingWatch } from './forwarding-watch.ts'
import { Health } from './health.ts'
import type { NodeIdentity } from './identity.ts'
import { LaneLoop } from './lane-loop.ts'
import { LeaseProblems } from './lease-problems.ts'
import { Patience } from './patience.ts'
import type { ReconcileLoop } from './reconcile-loop.ts'
import { FACTS_SCOPE, nodeFacts, type UplinkWish } from './uplink.ts'

/** A renewal that failed for another reason than a lost lease is tried again after this, as flannel does. */
const RENEW_RETRY_MS = 60_000

/** A timer may sleep as long as the machine did, and a lease may change hands: look at least so often. */
const RENEW_LOOK_MS = 60_000

/** Peers learn of a new lease within a moment; so long they may send by what the former one offered. */
const DROPPED_LANES_MS = 5_000

export interface NetworkAgentParts {
  readonly network: NetworkConfig
  readonly lanes: NetworkLanes
  readonly identity: NodeIdentity
  readonly bridge: string
  readonly uplinkWish: () => Promise<UplinkWish>
  readonly kernel: Kernel
  readonly loop: ReconcileLoop
  readonly subnets: SubnetManager
  readonly attachments: Attachments
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
  readonly #slots: { readonly node: string; readonly peers: string }
  readonly #stop = new AbortController()
  readonly #follower: FactsFollower
  readonly #lanes: LaneLoop
  /** The lanes as this node's facts have them; from the first lease on. */
  #here: LanesHere | undefined
  #stored: StoredLease | undefined
  readonly #patience: Patience
  readonly #leaseProblems: LeaseProblems
  #listed = false
  #ready = false
  /** Lanes that peers may still send by though this node offers them no longer. */
  #dropped: readonly string[] = []
  #recovering: Promise<void> | undefined

  constructor(parts: NetworkAgentParts) {
    this.parts = parts
    this.health = new Health(parts.clock)
    this.#slots = { node: `${parts.network.name}/node`, peers: `${parts.network.name}/peer/` }
    const { kernel, clock, logger, loop, fullPassMs } = parts
    const { health } = this
    this.#patience = new Patience({ health, clock, logger, signal: this.#stop.signal })
    this.#leaseProblems = new LeaseProblems(health, logger)
    this.#follower = new FactsFollower({
      read: () => this.#readFacts(),
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
    return this.#listed && this.#dropped.length === 0
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
    return this.#stored
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
    if (this.#here === undefined || this.#stored === undefined || !this.#ready) {
      const reason =
        this.#stored === undefined ? 'this node has no lease yet' : 'its kernel state is not complete yet'
      throw TrilaneError.of('TRI_NOT_READY', { network: this.name, reason })
    }
    return podLinkOf(this.#here, this.#stored.lease)
  }

  /** After its attachments are recovered. @returns when pods can be attached and every peer that is known has been programmed once */
  async start(): Promise<void> {
    const { loop, subnets, logger } = this.parts
    await this.#patience.run('uplink', () => this.#follower.readFirst())
    await this.#lookAtForwarding()
    await this.#acquire()
    await this.#patience.run('store', () => subnets.follow((change) => this.#onPeers(change)))
    await this.#patience.run('kernel', () => this.#lanes.settle())
    this.#listed = true
    await this.#patience.run('kernel', async () => {
      const { writes, failures } = await loop.passSoon(0)
      const { size } = this.peers
      logger.info('first full pass done', { peers: size, writes, failures: failures.length })
    })
    await this.#publish()
    this.#ready = true
    logger.info('network ready', { subnets: this.#stored?.lease.subnets })
    void this.#renewForever()
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
    if (this.#ready) await this.#publish()
  }

  onKernelEvent(event: KernelEvent): void {
    this.#follower.onKernelEvent(event)
    this.#lanes.onKernelEvent(event)
  }

  async #acquire(): Promise<void> {
    const { subnets, firewall, network, logger } = this.parts
    await this.#patience.run('lease', async () => {
      const facts = this.#knownFacts()
      const former = await subnets.former(facts.publicAddresses)
      this.#here = this.#lookAtLanes(facts, former?.lease)
      if (former !== undefined) await this.#prepare(this.#here, former.lease)
      this.#stored = await subnets.acquire(this.#claim(this.#here))
    })
    logger.info('lease acquired', { key: this.#stored?.key })
    this.#wishNode()
    if (this.#stored !== undefined) await firewall.leased(network, this.#stored.lease, this.health)
    void this.#giveUpDropped()
  }

  /** A change of lanes loses nothing: what peers will send by is there before they know, what they sent by stays. */
  async #prepare(here: LanesHere, former: Lease): Promise<void> {
    this.#dropped = droppedLanes(here, former)
    const { network, loop } = this.parts
    // Subnets that do not fit the network any more will be others.
    if (!offersNews(here, former) || !isLeasable(former, network.families)) return
    loop.wish(new Map([[this.#slots.node, nodeStateOf(here, former)]]))
    await loop.passSoon(0)
  }

  async #giveUpDropped(): Promise<void> {
    if (this.#dropped.length === 0) return
    const { clock, logger, loop } = this.parts
    await clock.sleep(DROPPED_LANES_MS, this.#stop.signal)
    if (this.#stop.signal.aborted) return
    logger.info('former lanes are given up', { lanes: this.#dropped })
    this.#dropped = []
    await loop.passSoon(0).catch(() => undefined)
  }

  /** @param former what peers know of this node: what they act on stays as it is */
  #lookAtLanes(facts: NodeFacts, former: Lease | undefined): LanesHere {
    const here = lanesHere(this.parts.lanes, facts, former)
    const told = new Set(this.#here?.lanes.map(({ problem }) => problem?.message))
    for (const { lane, isFallback, problem } of here.lanes) {
      if (problem === undefined || isFallback || told.has(problem.message)) continue
      this.parts.logger.warn('lane cannot be used here', { lane: lane.backend.type, error: problem })
    }
    return here
  }

  #claim(here: LanesHere): LeaseClaim {
    const { previousSubnets } = this.parts
    return { publicAddresses: here.node.publicAddresses, ...laneClaim(here), previousSubnets }
  }

  #knownFacts(): NodeFacts {
    const { facts } = this.#follower
    if (facts !== undefined) return facts
    throw TrilaneError.of('TRI_NOT_READY', { network: this.name, reason: 'the uplink is not known yet' })
  }

  /** What this node needs, and the lanes of its peers. */
  #wishNode(): void {
    const { loop, blackhole } = this.parts
    if (this.#stored === undefined || this.#here === undefined) return
    const { lease } = this.#stored
    const states = [nodeStateOf(this.#here, lease)]
    if (blackhole && podLinkOf(this.#here, lease).type === 'bridge') states.push(blackholeState(lease))
    loop.wish(new Map([[this.#slots.node, joinStates(states)]]))
    this.#lanes.setHere(this.#here)
  }

  async #lookAtForwarding(): Promise<void> {
    const { facts } = this.#follower
    if (facts !== undefined) await this.parts.forwarding.look(facts, this.health)
  }

  #onPeers(change: PeerChange): void {
    const { logger, network, subnets } = this.parts
    this.#lanes.onPeers(change)
    this.#leaseProblems.tell(subnets.problems())
    if (change.own === 'lost') void this.#recover('it was removed from the store')
    if (change.own === 'changed') void this.#recover('it was changed in the store')
    if (change.configText !== undefined) {
      logger.warn('network config changed in the store: restart the daemon to use it', {
        network: network.name
      })
    }
  }

  async #readFacts(): Promise<NodeFacts> {
    const { kernel, network, identity, bridge, uplinkWish } = this.parts
    const snapshot = await kernel.read(FACTS_SCOPE)
    const facts = nodeFacts(snapshot, await uplinkWish(), network, identity, bridge)
    const former = this.#follower.facts
    if (former === undefined) return facts
    // Pods know the first one; what stands there later is this daemon's own, or somebody's mistake.
    const { bridgeMac: _, ...others } = facts
    const { bridgeMac } = former
    return bridgeMac === undefined ? others : { ...others, bridgeMac }
  }

  /** Everything that stands on the facts is made anew. */
  async #onFacts(): Promise<void> {
    await this.#lookAtForwarding()
    // Without a lease the first one will have these facts.
    if (this.#here === undefined || this.#stored === undefined) return
    this.#here = this.#lookAtLanes(this.#knownFacts(), this.#stored.lease)
    this.#wishNode()
    // Linux removed without a word what stood on a vanished uplink, and what failed meanwhile waits for its turn.
    void this.parts.loop.passSoon(0).catch(() => undefined)
    await this.#renew()
    await this.#publish()
  }

  async #publish(): Promise<void> {
    const { publish, logger } = this.parts
    if (this.#stored === undefined || this.#here === undefined) return
    const { mtuBytes } = podLinkOf(this.#here, this.#stored.lease)
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
    if (this.#here === undefined) return false
    try {
      this.#stored = await subnets.renew(this.#claim(this.#here))
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
}
