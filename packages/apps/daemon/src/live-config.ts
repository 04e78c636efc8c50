import { liveChange, parseNetworkConfig } from '@trilane/config'
import { type Logger, type NetworkConfig, TrilaneError } from '@trilane/contracts'
import type { NetworkLanes } from '@trilane/lanes'
import { backendNamed } from './backends.ts'
import type { Health } from './health.ts'

/** Of {@link Health}. */
const CONDITION = 'config'

/**
 * The config of a network while its daemon runs. What may change while pods talk does when the store says so; what may not
 * is named until a restart, or until it is taken back. A config that is wrong changes nothing.
 */
export class LiveConfig {
  readonly #health: Health
  readonly #logger: Logger
  readonly #source: string
  readonly #onChange: () => void
  readonly #lanesOf: (network: NetworkConfig) => NetworkLanes
  #network: NetworkConfig
  #lanes: NetworkLanes

  constructor(parts: {
    readonly network: NetworkConfig
    /** For messages: where it comes from. */
    readonly source: string
    /** @throws TrilaneError `TRI_BACKEND_UNKNOWN`, `TRI_CONFIG_INVALID` */
    readonly lanesOf: (network: NetworkConfig) => NetworkLanes
    readonly health: Health
    readonly logger: Logger
    /** {@link network} and {@link lanes} are others. */
    readonly onChange: () => void
  }) {
    this.#network = parts.network
    this.#lanesOf = parts.lanesOf
    this.#lanes = parts.lanesOf(parts.network)
    this.#health = parts.health
    this.#logger = parts.logger
    this.#source = parts.source
    this.#onChange = parts.onChange
  }

  get network(): NetworkConfig {
    return this.#network
  }

  get lanes(): NetworkLanes {
    return this.#lanes
  }

  /** The store holds another config. */
  tell(text: string): void {
    try {
      const { name } = this.#network
      const wanted = parseNetworkConfig(text, { source: this.#source, name })
      // Also what waits must be right: a restart would end with it.
      this.#lanesOf(wanted)
      const { config, applied, waiting } = liveChange(this.#network, wanted, {
        options: (type) => backendNamed(type).liveOptionNames ?? [],
        mayGo: (type) => backendNamed(type).traits.servesEveryPeer
      })
      const lanes = this.#lanesOf(config)
      this.#tellWaiting(waiting)
      if (applied.length === 0) return
      this.#network = config
      this.#lanes = lanes
      this.#logger.info('network config changed in the store', { applied })
      this.#onChange()
    } catch (error) {
      this.#raise(TrilaneError.from(error))
    }
  }

  #tellWaiting(waiting: readonly string[]): void {
    if (waiting.length === 0) this.#health.clear(CONDITION)
    else this.#raise(TrilaneError.of('TRI_CONFIG_WAITS', { keys: waiting.join(', '), source: this.#source }))
  }

  #raise(problem: TrilaneError): void {
    this.#health.raise(CONDITION, 'medium', problem)
    this.#logger.warn('network config of the store is not used as it is', { error: problem })
  }
}
