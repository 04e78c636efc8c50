import { setImmediate as breathe } from 'node:timers/promises'
import type {
  AttachmentRecord,
  AttachRequest,
  Clock,
  Logger,
  NodeStatus,
  ReconcileJson
} from '@trilane/contracts'
import { type Kernel, type KernelEvent, TrilaneError } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { Reconciler, type SweepScope } from '@trilane/reconcile'
import { networkNamed } from './cni/cni-network.ts'
import type { NodeFirewall } from './firewall-node.ts'
import { firstOf } from './first-of.ts'
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
  /** One array for the whole life: whoever has it sees those that come later. */
  readonly #networks: NetworkAgent[] = []
  readonly #expected: readonly string[]
  readonly #logger: Logger
  readonly #identity: NodeIdentity
  readonly #version: string
  readonly #startedAtMs: number
  #stopped = false

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
    /** Sees every pass and flush. */
    readonly onWork?: LoopObserver
  }) {
    const { kernel, clock, logger } = parts
    this.#firewall = parts.firewall
    this.#identity = parts.identity
    this.#expected = parts.networks
    this.#logger = logger
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

  /**
   * @param arrivals one for each network: how to make it, once its config is there. One that cannot be made harms no other.
   * @returns when one of them is ready; the others go on
   * @throws what the arrivals do, when no network is left
   */
  async start(arrivals: readonly Promise<(loop: ReconcileLoop) => NetworkAgent>[]): Promise<void> {
    this.#loop.start()
    this.#firewall.start()
    const recoveries: Promise<void>[] = []
    const startOne = async (arrival: (typeof arrivals)[number]): Promise<void> => {
      const network = (await arrival)(this.#loop)
      this.#networks.push(network)
      // All of them first: the first table has the host ports of every network's pods.
      recoveries.push(network.parts.attachments.recover())
      await Promise.all(recoveries)
      await network.start()
    }
    await firstOf(arrivals.map(startOne), (error) => {
      if (this.#stopped) return
      this.#logger.error('network not served', { error: TrilaneError.from(error), waiting: this.waiting })
    })
  }

  /** Leaves kernel, leases and pods as they are: packets go on flowing. */
  async stop(): Promise<void> {
    this.#stopped = true
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
      ...(this.waiting.length === 0 ? {} : { waiting: this.waiting })
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

  #network(name = 'default'): NetworkAgent {
    return networkNamed(this.#networks, name, this.waiting)
  }

  /** One network whose leases are not listed yet would lose its peers' state to a sweep. */
  #sweepScope(): SweepScope | undefined {
    if (this.waiting.length > 0 || !this.#networks.every(({ maySweep }) => maySweep)) return undefined
    return {
      networks: new Map(
        this.#networks.map(({ name, parts }) => [
          name,
          valuesOf(parts.network.families).map(({ network }) => network)
        ])
      )
    }
  }

  #onFullPass(): void {
    for (const network of this.#networks) {
      void network.onFullPass()
      void network.parts.attachments.settle()
    }
  }

  #onKernelEvent(event: KernelEvent): void {
    for (const network of this.#networks) network.onKernelEvent(event)
  }
}
