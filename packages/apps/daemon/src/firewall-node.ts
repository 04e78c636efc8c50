import type { Clock, Firewall, Lease, Logger, NetworkConfig, TrilaneError } from '@trilane/contracts'
import { FirewallLoop, type FirewallStatus } from '@trilane/firewall'
import { type FirewallSettings, firewallWish } from './firewall-wish.ts'
import type { Health } from './health.ts'

/** A network that has a lease here, and where its troubles are told. */
interface Leased {
  readonly network: NetworkConfig
  readonly lease: Lease
  readonly health: Health
}

/** As `/readyz` knows it: a pod that starts without our table is not masqueraded. */
const CONDITION = 'firewall'

/** The node's one firewall for all of its networks: their leases make the wish, their health has its troubles. */
export class NodeFirewall {
  readonly #loop: FirewallLoop
  readonly #firewall: Firewall
  readonly #settings: FirewallSettings
  readonly #leased = new Map<string, Leased>()
  /** Keys of conditions that are raised now. */
  #raised: ReadonlySet<string> = new Set()

  constructor(parts: {
    readonly firewall: Firewall
    readonly clock: Clock
    readonly logger: Logger
    readonly settings: FirewallSettings
    readonly resyncMs: number
  }) {
    const { firewall, clock, logger, resyncMs } = parts
    this.#firewall = firewall
    this.#settings = parts.settings
    this.#loop = new FirewallLoop({
      firewall,
      clock,
      logger,
      resyncMs,
      onCheck: (status) => this.#tellHealth(status)
    })
  }

  get status(): FirewallStatus {
    return this.#loop.status
  }

  start(): void {
    this.#loop.start()
  }

  /**
   * A network has this lease from now on. Repeating it is a check more.
   *
   * @returns when the rules for it stand, or its health says why not; never rejects
   */
  async leased(network: NetworkConfig, lease: Lease, health: Health): Promise<void> {
    this.#leased.set(network.name, { network, lease, health })
    await this.#loop.wish(firewallWish(this.#settings, [...this.#leased.values()]))
  }

  /** Rules stay. */
  stop(): void {
    this.#loop.stop()
    this.#firewall.close()
  }

  #tellHealth({ problem, warnings }: FirewallStatus): void {
    const current = new Map<string, TrilaneError>(
      warnings.map((error) => [`forward ${error.message}`, error])
    )
    if (problem !== undefined) current.set(CONDITION, problem)
    for (const { health } of this.#leased.values()) {
      for (const key of this.#raised) if (!current.has(key)) health.clear(key)
      for (const [key, error] of current) health.raise(key, key === CONDITION ? 'high' : 'medium', error)
    }
    this.#raised = new Set(current.keys())
  }
}
