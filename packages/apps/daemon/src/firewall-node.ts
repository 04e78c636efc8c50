import {
  type Clock,
  type Firewall,
  type HostPort,
  type HostPortOwner,
  type HostPorts,
  type Lease,
  type Logger,
  type NetworkConfig,
  type PublishedPort,
  TrilaneError
} from '@trilane/contracts'
import { FirewallLoop, type FirewallStatus, HostPortBook } from '@trilane/firewall'
import type { IpAddress, PerFamily } from '@trilane/ip'
import type { Loopback } from './bridge-loopback.ts'
import { type FirewallSettings, firewallWish } from './firewall-wish.ts'
import type { Health } from './health.ts'

/** A network that has a lease here, and where its troubles are told. */
interface Leased {
  readonly network: NetworkConfig
  readonly lease: Lease
  readonly health: Health
  /** Its packets are routed by this node. If not, no rule is about them: they come and go on the nodes' own network. */
  readonly routed: boolean
  /** Of its pods, if it is routed. */
  readonly bridge: string
}

/** As `/readyz` knows it: a pod that starts without our table is not masqueraded. */
const CONDITION = 'firewall'

/** A table without a network takes from its pods what a former process has given them: the first one waits for all so long. */
const FIRST_TABLE_PATIENCE_MS = 3_000

/**
 * The node's one firewall for all of its networks: their leases and the host ports of their pods make the wish, their
 * health has its troubles.
 */
export class NodeFirewall implements HostPorts {
  readonly #loop: FirewallLoop
  readonly #firewall: Firewall
  readonly #logger: Logger
  readonly #settings: FirewallSettings
  readonly #loopback: Loopback
  readonly #book = new HostPortBook()
  readonly #clock: Clock
  readonly #networks: number
  readonly #leased = new Map<string, Leased>()
  readonly #allLeased = new AbortController()
  /** The first table may be written. */
  #begun = false
  /** Keys of conditions that are raised now. */
  #raised: ReadonlySet<string> = new Set()

  constructor(parts: {
    readonly firewall: Firewall
    readonly clock: Clock
    readonly logger: Logger
    readonly settings: FirewallSettings
    readonly loopback: Loopback
    /** How many will have a lease, if all goes well. */
    readonly networks: number
    readonly resyncMs: number
  }) {
    const { firewall, clock, logger, resyncMs } = parts
    this.#firewall = firewall
    this.#clock = clock
    this.#networks = parts.networks
    this.#logger = logger
    this.#settings = parts.settings
    this.#loopback = parts.loopback
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
  async leased(leased: Leased): Promise<void> {
    this.#leased.set(leased.network.name, leased)
    if (this.#leased.size >= this.#networks) this.#allLeased.abort()
    if (!this.#begun) await this.#clock.sleep(FIRST_TABLE_PATIENCE_MS, this.#allLeased.signal)
    this.#begun = true
    await this.#keep()
  }

  async publish(
    owner: HostPortOwner,
    hostPorts: readonly HostPort[],
    addresses: PerFamily<IpAddress>
  ): Promise<void> {
    const ports = this.#book.claim(owner, hostPorts, addresses)
    try {
      const problem = await this.#keep()
      if (problem !== undefined) throw problem
    } catch (error) {
      this.#book.release(owner)
      throw error
    }
    await this.#forgetFlows(ports)
  }

  restore(owner: HostPortOwner, hostPorts: readonly HostPort[], addresses: PerFamily<IpAddress>): void {
    if (hostPorts.length === 0) return
    try {
      this.#book.claim(owner, hostPorts, addresses)
    } catch (error) {
      this.#logger.error('host ports of a record are not opened', { error: TrilaneError.from(error) })
    }
  }

  async withdraw(owner: HostPortOwner): Promise<void> {
    const ports = this.#book.release(owner)
    if (ports.length === 0) return
    try {
      await this.#keep()
      await this.#forgetFlows(ports)
    } catch (error) {
      this.#logger.warn('host ports are closed later', { ...owner.key, error: TrilaneError.from(error) })
    }
  }

  problems(owner: HostPortOwner): readonly string[] {
    if (!this.#book.has(owner)) return ['its host ports are not open']
    const { standing, problem } = this.status
    return standing
      ? []
      : [`its host ports may not be open: ${problem?.message ?? 'no rules are written yet'}`]
  }

  /** Rules stay. */
  stop(): void {
    this.#allLeased.abort()
    this.#loop.stop()
    this.#firewall.close()
  }

  /** @returns why the rules do not stand */
  async #keep(): Promise<TrilaneError | undefined> {
    // Without a lease yet a table would lack what a former process has written; the first one will have the ports.
    if (!this.#begun) return undefined
    const routed = [...this.#leased.values()].filter((one) => one.routed)
    const bridges = routed.map(({ bridge }) => bridge)
    const { ports } = this.#book
    const isAsked = ports.some(({ podAddress }) => podAddress.family === 'v4')
    const guardedDevices = isAsked ? bridges : await this.#loopback.openAmong(bridges)
    const wish = firewallWish(this.#settings, routed, ports)
    const { problem } = await this.#loop.wish({ ...wish, guardedDevices })
    if (isAsked && problem === undefined) this.#loopback.open(bridges)
    return problem
  }

  /** What was tracked before goes where it went before, and the rules are not asked. */
  async #forgetFlows(ports: readonly PublishedPort[]): Promise<void> {
    const flows = ports
      .filter(({ protocol }) => protocol === 'udp')
      .map(({ podAddress, hostPort, hostAddress }) => ({
        family: podAddress.family,
        port: hostPort,
        ...(hostAddress === undefined ? {} : { address: hostAddress })
      }))
    if (flows.length === 0) return
    try {
      await this.#firewall.forgetFlows(flows)
    } catch (error) {
      this.#logger.warn('tracked flows of host ports stay', { error: TrilaneError.from(error) })
    }
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
