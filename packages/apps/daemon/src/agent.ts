import { setImmediate as breathe } from 'node:timers/promises'
import type {
  AttachmentRecord,
  AttachRequest,
  Clock,
  Logger,
  NodeStatus,
  ReconcileJson,
  WaitingNetwork
} from '@trilane/contracts'
import { type Kernel, type KernelEvent, TrilaneError } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { Reconciler, type SweepScope } from '@trilane/reconcile'
import { networkNamed } from './cni/cni-network.ts'
import type { NodeFirewall } from './firewall-node.ts'
import type { NodeIdentity } from './identity.ts'
import { KeptVlans } from './kept-vlans.ts'
import type { NetworkAgent } from './network-agent.ts'
import { type LoopObserver, ReconcileLoop } from './reconcile-loop.ts'
import { networkStatus } from './status.ts'

/** Between two tries of a network that cannot be served as its config is. */
const RETRY_MS = 2_000

/** How a network is made for an agent, once its config is there. */
type Maker = (loop: ReconcileLoop) => NetworkAgent

/** A network that is served as soon as its config is there. */
export interface Arrival {
  readonly name: string
  readonly first: Promise<Maker>
  /** The config anew, after the one before could not be served. */
  readonly again: () => Promise<Maker>
}

/**
 * The node agent: one kernel, one reconciler, one or several networks.
 *
 * What the socket can ask for are its methods; what the world does reaches it as kernel events, store events
 * and time.
 */
export class Agent {
  readonly #loop: ReconcileLoop
  readonly #firewall: NodeFirewall
  /** In the order of `--networks`. One array for the whole life: whoever has it sees those that come later. */
  readonly #networks: NetworkAgent[] = []
  readonly #expected: readonly string[]
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #identity: NodeIdentity
  readonly #version: string
  readonly #startedAtMs: number
  readonly #stop = new AbortController()
  /** By network: why it waits. */
  readonly #problems = new Map<string, TrilaneError>()
  readonly #keptVlans: KeptVlans

  constructor(parts: {
    readonly kernel: Kernel
    readonly firewall: NodeFirewall
    readonly clock: Clock
    readonly logger: Logger
    readonly identity: NodeIdentity
    readonly fullPassMs: number
    readonly version: string
    /** Names of the networks that this node serves, as soon as their configs are there. */
    readonly networks: readonly string[]
    /** What this node's disk says of pods, of whatever network. */
    readonly records: () => Promise<readonly AttachmentRecord[]>
    /** Sees every pass and flush. */
    readonly onWork?: LoopObserver
  }) {
    const { kernel, clock, logger } = parts
    this.#firewall = parts.firewall
    this.#identity = parts.identity
    this.#expected = parts.networks
    this.#clock = clock
    this.#logger = logger
    this.#version = parts.version
    this.#startedAtMs = clock.wallMs()
    this.#keptVlans = new KeptVlans({
      kernel,
      records: parts.records,
      networks: () => this.#networks,
      isComplete: () => this.waiting.length === 0 && this.#networks.every(({ ready }) => ready),
      logger
    })
    this.#loop = new ReconcileLoop({
      reconciler: new Reconciler({ kernel, logger, clock, breathe }),
      kernel,
      clock,
      logger,
      fullPassMs: parts.fullPassMs,
      sweepScope: () => this.#sweepScope(),
      onEvent: (event) => this.#onKernelEvent(event),
      onWork: (kind, report) => {
        parts.onWork?.(kind, report)
        if (kind === 'pass') this.#onFullPass()
      }
    })
  }

  get loop(): ReconcileLoop {
    return this.#loop
  }

  get firewall(): NodeFirewall {
    return this.#firewall
  }

  /** Those whose configs are there; others are added as they come. */
  get networks(): readonly NetworkAgent[] {
    return this.#networks
  }

  /** Names of networks whose configs are not there yet, or cannot be used. */
  get waiting(): readonly string[] {
    return this.#expected.filter((name) => !this.#networks.some((network) => network.name === name))
  }

  /** A network is waited for, and why. */
  waits(name: string, problem: TrilaneError): void {
    this.#problems.set(name, problem)
  }

  /**
   * @param arrivals one for each network
   * @returns when one of them is ready. The others go on; one that cannot be made harms no other, and is tried again
   * @throws what keeps the only network from being served
   */
  async start(arrivals: readonly Arrival[]): Promise<void> {
    this.#loop.start()
    this.#firewall.start()
    const recoveries = new Map<string, Promise<void>>()
    const starts = arrivals.map((arrival) => this.#serve(arrival, recoveries))
    // Of several, one fails only when it is stopped, and nobody need hear of it then.
    for (const start of starts) start.catch(() => undefined)
    await Promise.race(starts)
  }

  async #serve({ name, first, again }: Arrival, recoveries: Map<string, Promise<void>>): Promise<void> {
    const { signal } = this.#stop
    for (let arriving = first; ; arriving = again()) {
      try {
        await this.#startOne(arriving, recoveries)
        return
      } catch (error) {
        if (signal.aborted || this.#expected.length === 1) throw error
        await this.#takeBack(name)
        const problem = TrilaneError.from(error)
        if (this.#problems.get(name)?.message !== problem.message) {
          this.#logger.error('network not served', { network: name, error: problem })
        }
        this.#problems.set(name, problem)
        await this.#clock.sleep(RETRY_MS, signal)
        if (signal.aborted) throw problem
      }
    }
  }

  async #startOne(arriving: Promise<Maker>, recoveries: Map<string, Promise<void>>): Promise<void> {
    const network = (await arriving)(this.#loop)
    // At once: of two networks that clash the second one sees the first.
    this.#networks.push(network)
    this.#networks.sort((a, b) => this.#expected.indexOf(a.name) - this.#expected.indexOf(b.name))
    // All of them first: the first table has the host ports of every network's pods.
    recoveries.set(network.name, network.parts.attachments.recover())
    await Promise.all(recoveries.values())
    await this.#keptVlans.look()
    await network.start()
  }

  async #takeBack(name: string): Promise<void> {
    const index = this.#networks.findIndex((network) => network.name === name)
    if (index < 0) return
    const [network] = this.#networks.splice(index, 1)
    await network?.stop()
  }

  /** Leaves kernel, leases and pods as they are: packets go on flowing. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#loop.stop()
    this.#firewall.stop()
    await Promise.all(this.#networks.map((network) => network.stop()))
  }

  async status(): Promise<NodeStatus> {
    const networks = []
    for (const network of this.#networks) {
      const pods = (await network.parts.attachments.list()).length
      networks.push(networkStatus(network, this.#loop, network.parts.store, pods))
    }
    const { machineId, name } = this.#identity
    return {
      version: this.#version,
      pid: process.pid,
      name,
      machineId,
      startedAtMs: this.#startedAtMs,
      networks,
      ...(this.waiting.length === 0
        ? {}
        : { waiting: this.waiting.map((waiting) => this.#waitingJson(waiting)) })
    }
  }

  async pods(): Promise<readonly AttachmentRecord[]> {
    const lists = await Promise.all(this.#networks.map(({ parts }) => parts.attachments.list()))
    return lists.flat()
  }

  /** @throws TrilaneError `TRI_NETWORK_UNKNOWN`, `TRI_NOT_READY`, and what an attachment throws */
  async attach(request: AttachRequest): Promise<AttachmentRecord> {
    const network = this.#network(request.network)
    await network.confirmLease()
    network.podLink()
    return network.parts.attachments.attach(request)
  }

  /** Succeeds when there is nothing to detach. @throws TrilaneError `TRI_NETWORK_UNKNOWN` */
  async detach(request: Pick<AttachRequest, 'network' | 'containerId' | 'ifname'>): Promise<void> {
    await this.#network(request.network).parts.attachments.detach(request)
  }

  /** A full pass now. */
  async reconcile(): Promise<ReconcileJson> {
    const { writes, failures } = await this.#loop.passSoon(0)
    return {
      writes,
      failures: failures.flatMap(({ error }) => (error === undefined ? [] : [error.toJSON()]))
    }
  }

  #waitingJson(name: string): WaitingNetwork {
    const problem = this.#problems.get(name)
    return { name, ...(problem === undefined ? {} : { problem: problem.toJSON() }) }
  }

  #network(name = 'default'): NetworkAgent {
    return networkNamed(this.#networks, name, this.waiting)
  }

  /** One network whose leases are not listed yet would lose its peers' state to a sweep. */
  #sweepScope(): SweepScope | undefined {
    if (this.waiting.length > 0 || !this.#networks.every(({ maySweep }) => maySweep)) return undefined
    const kept = this.#keptVlans.devices
    if (kept === undefined) return undefined
    return {
      kept,
      networks: new Map(
        this.#networks.map(({ name, parts }) => [
          name,
          valuesOf(parts.network.families).map(({ network }) => network)
        ])
      )
    }
  }

  #onFullPass(): void {
    void this.#sweepFreed()
    for (const network of this.#networks) {
      void network.onFullPass()
      void network.parts.attachments.settle()
    }
  }

  /** Which VLANs configs name changes with a network that comes, and that looks by itself. */
  async #sweepFreed(): Promise<void> {
    if (this.#keptVlans.devices?.size === 0) return
    if (await this.#keptVlans.look()) await this.#loop.passSoon(0).catch(() => undefined)
  }

  #onKernelEvent(event: KernelEvent): void {
    for (const network of this.#networks) network.onKernelEvent(event)
  }
}
