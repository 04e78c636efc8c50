import { setImmediate as breathe } from 'node:timers/promises'
import type {
  AttachmentRecord,
  AttachRequest,
  Clock,
  Logger,
  NodeStatus,
  ReconcileJson
} from '@trilane/contracts'
import { type Kernel, type KernelEvent, type NetworkConfig, TrilaneError } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { Reconciler, type SweepScope } from '@trilane/reconcile'
import type { NodeFirewall } from './firewall-node.ts'
import type { NodeIdentity } from './identity.ts'
import type { NetworkAgent } from './network-agent.ts'
import { type LoopObserver, ReconcileLoop } from './reconcile-loop.ts'
import { networkStatus } from './status.ts'

/**
 * The node agent: one kernel, one reconciler, one or several networks.
 *
 * What the socket can ask for are its methods; what the world does reaches it as kernel events, store events
 * and time.
 */
export class Agent {
  readonly #loop: ReconcileLoop
  readonly #firewall: NodeFirewall
  readonly #networks = new Map<string, NetworkAgent>()
  readonly #identity: NodeIdentity
  readonly #store: string
  readonly #version: string
  readonly #startedAtMs: number

  constructor(parts: {
    readonly kernel: Kernel
    readonly firewall: NodeFirewall
    readonly clock: Clock
    readonly logger: Logger
    readonly identity: NodeIdentity
    readonly fullPassMs: number
    /** For status: where leases are kept. */
    readonly store: string
    readonly version: string
    readonly networks: readonly NetworkConfig[]
    /** Sees every pass and flush. */
    readonly onWork?: LoopObserver
    readonly createNetwork: (network: NetworkConfig, loop: ReconcileLoop) => NetworkAgent
  }) {
    const { kernel, clock, logger } = parts
    this.#firewall = parts.firewall
    this.#identity = parts.identity
    this.#store = parts.store
    this.#version = parts.version
    this.#startedAtMs = clock.wallMs()
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
    for (const network of parts.networks) {
      this.#networks.set(network.name, parts.createNetwork(network, this.#loop))
    }
  }

  get loop(): ReconcileLoop {
    return this.#loop
  }

  get firewall(): NodeFirewall {
    return this.#firewall
  }

  get networks(): readonly NetworkAgent[] {
    return [...this.#networks.values()]
  }

  /** @returns when every network is ready */
  async start(): Promise<void> {
    this.#loop.start()
    this.#firewall.start()
    const networks = [...this.#networks.values()]
    // All of them first: the first table has the host ports of every network's pods.
    await Promise.all(networks.map((network) => network.parts.attachments.recover()))
    await Promise.all(networks.map((network) => network.start()))
  }

  /** Leaves kernel, leases and pods as they are: packets go on flowing. */
  async stop(): Promise<void> {
    this.#loop.stop()
    this.#firewall.stop()
    await Promise.all([...this.#networks.values()].map((network) => network.stop()))
  }

  async status(): Promise<NodeStatus> {
    const networks = []
    for (const network of this.#networks.values()) {
      const pods = (await network.parts.attachments.list()).length
      networks.push(networkStatus(network, this.#loop, this.#store, pods))
    }
    const { machineId, name } = this.#identity
    return {
      version: this.#version,
      pid: process.pid,
      name,
      machineId,
      startedAtMs: this.#startedAtMs,
      networks
    }
  }

  async pods(): Promise<readonly AttachmentRecord[]> {
    const lists = await Promise.all([...this.#networks.values()].map(({ parts }) => parts.attachments.list()))
    return lists.flat()
  }

  /** @throws TrilaneError `TRI_NETWORK_UNKNOWN`, `TRI_NOT_READY`, and what an attachment throws */
  async attach(request: AttachRequest): Promise<AttachmentRecord> {
    const network = this.#network(request.network)
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

  #network(name = 'default'): NetworkAgent {
    const network = this.#networks.get(name)
    if (network === undefined) {
      const known = [...this.#networks.keys()].join(', ')
      throw TrilaneError.of('TRI_NETWORK_UNKNOWN', { network: name, known })
    }
    return network
  }

  /** One network whose leases are not listed yet would lose its peers' state to a sweep. */
  #sweepScope(): SweepScope | undefined {
    const agents = [...this.#networks.values()]
    if (!agents.every(({ maySweep }) => maySweep)) return undefined
    return {
      networks: new Map(
        agents.map(({ name, parts }) => [
          name,
          valuesOf(parts.network.families).map(({ network }) => network)
        ])
      )
    }
  }

  #onFullPass(): void {
    for (const network of this.#networks.values()) {
      void network.onFullPass()
      void network.parts.attachments.settle()
    }
  }

  #onKernelEvent(event: KernelEvent): void {
    for (const network of this.#networks.values()) network.onKernelEvent(event)
  }
}
