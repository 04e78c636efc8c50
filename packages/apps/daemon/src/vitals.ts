import type { NodeConfig } from '@trilane/config'
import type { Clock, Logger } from '@trilane/contracts'
import type { Agent } from './agent.ts'
import { agentReading, readinessSources } from './agent-reading.ts'
import { type Pages, serveHealth, textPage } from './health-endpoint.ts'
import type { Metrics } from './metrics.ts'
import { Pulse } from './pulse.ts'
import { Readiness } from './readiness.ts'
import type { LoopObserver } from './reconcile-loop.ts'
import { type ServiceEnvironment, ServiceManager } from './service-manager.ts'

/**
 * What the daemon tells about itself to probes, Prometheus and systemd, from before there is an agent until it ends.
 */
export class Vitals {
  readonly #config: NodeConfig
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #pulse: Pulse
  readonly #readiness: Readiness
  readonly #manager: ServiceManager
  #agent: Agent | undefined

  constructor(parts: {
    readonly config: NodeConfig
    readonly metrics: Metrics
    readonly clock: Clock
    readonly logger: Logger
    /** Sends one datagram to a Unix socket. */
    readonly send: (socket: string, text: string) => void
    readonly environment: ServiceEnvironment
  }) {
    const { config, clock, logger, send, environment } = parts
    this.#config = config
    this.#metrics = parts.metrics
    this.#clock = clock
    this.#logger = logger
    this.#pulse = new Pulse(clock, config.fullPassMs)
    this.#readiness = new Readiness({ clock, graceMs: config.readyGraceMs, pulse: this.#pulse })
    this.#manager = new ServiceManager({ environment, pid: process.pid, send, clock, logger })
  }

  /**
   * @param stop ends the watchdog, and tells the manager so
   * @returns ends the endpoint
   * @throws TrilaneError `TRI_LISTEN_FAILED`
   */
  async start(stop: AbortSignal): Promise<() => Promise<void>> {
    stop.addEventListener('abort', () => this.#manager.stopping(), { once: true })
    void this.#manager.keepWatched(() => this.#pulse.silentMs() === undefined, stop)
    this.#manager.status('waiting for the network config')
    const { healthEndpoint } = this.#config
    if (healthEndpoint === undefined) return async () => {}
    const endpoint = await serveHealth({ ...healthEndpoint, pages: this.#pages(), logger: this.#logger })
    this.#logger.info('health endpoint', healthEndpoint)
    return () => endpoint.close()
  }

  of(agent: Agent): void {
    this.#agent = agent
    this.#readiness.of(() => readinessSources(agent))
    this.#pulse.beat()
  }

  /** Everything was programmed once. */
  started(): void {
    this.#manager.ready()
    this.#tellStatus()
  }

  /** For the agent's loop. */
  readonly observer: LoopObserver = (kind, report) => {
    this.#pulse.beat()
    this.#readiness.look()
    if (report !== undefined) this.#metrics.worked(kind, report)
    if (kind === 'pass') this.#tellStatus()
  }

  #pages(): Pages {
    return {
      '/healthz': () => textPage(200, 'trilane is running'),
      '/readyz': () => {
        const missing = this.#readiness.missing()
        return missing.length === 0
          ? textPage(200, 'trilane is ready')
          : textPage(503, 'trilane is not ready', ...missing.map((line) => `- ${line}`))
      },
      '/metrics': async () => {
        const ready = this.#readiness.missing().length === 0
        const agent =
          this.#agent === undefined
            ? {}
            : { agent: await agentReading(this.#agent, this.#clock, this.#config.leaseTtlMs) }
        const body = await this.#metrics.text({ ready, ...agent })
        return { status: 200, type: this.#metrics.contentType, body }
      }
    }
  }

  #tellStatus(): void {
    const [missing = 'ready'] = this.#readiness.missing()
    const networks = (this.#agent?.networks ?? []).map(
      ({ name, config, peers }) => `${name}: ${config.lanes.primary.backend.type}, ${peers.size} peers`
    )
    this.#manager.status([...networks, missing].join('; '))
  }
}
