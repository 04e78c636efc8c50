import { type NodeConfig, parseNetworkConfig } from '@trilane/config'
import {
  type Clock,
  type Logger,
  type NetworkConfig,
  type StoreCache,
  type StoredConfig,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'
import { readTextFile } from '@trilane/terminal'

/** Between two looks at a store that has no config yet, or cannot be used. */
const CONFIG_RETRY_MS = 1_000

/** The config of a network, and which one in the store it is. */
export interface NetworkSource {
  readonly network: NetworkConfig
  /** Absent for a config that the store has not seen yet. */
  readonly revision?: number
}

const NOTHING: Pick<StoreCache, 'read'> = { read: async () => undefined }

interface Parts {
  readonly config: NodeConfig
  readonly store: SubnetStore
  readonly cache: Pick<StoreCache, 'read'>
  readonly clock: Clock
  readonly logger: Logger
  /** Told of what is waited for. */
  readonly onWait: (problem: TrilaneError) => void
  readonly stop: AbortSignal
}

/**
 * The config of the network: `--net-config-path` if given, which is put into the store for the other nodes, else
 * what the store holds. A config that is not there yet is waited for, and so is a store that cannot be used, unless this
 * node remembers what it said last.
 *
 * @throws TrilaneError `TRI_CONFIG_SYNTAX`, `TRI_CONFIG_INVALID`, `TRI_FILE`
 */
export async function networkConfig(parts: Parts): Promise<NetworkSource> {
  const { config, store, logger } = parts
  const name = config.networkName
  const path = config.netConfigPath
  if (path === undefined) {
    const source = store.description
    const read = (stored: StoredConfig): NetworkSource => ({
      network: parseNetworkConfig(stored.text, { source, name }),
      revision: stored.revision
    })
    return untilAnswered(
      parts,
      async () => read(await storedConfig(store)),
      (remembered) => {
        if (remembered === undefined) return undefined
        logger.warn('network config of a former life is used: the store is away', {})
        return read(remembered)
      }
    )
  }
  const text = await readTextFile(path)
  const network = parseNetworkConfig(text, { source: path, name })
  const put = async (): Promise<NetworkSource> => {
    const { revision } = await putConfig(store, text, logger)
    return { network, revision }
  }
  return untilAnswered(parts, put, () => {
    // It is for the other nodes: this one need not wait for it.
    void untilAnswered({ ...parts, cache: NOTHING, onWait: () => {} }, put, () => undefined).catch(
      (error) => {
        if (!parts.stop.aborted)
          logger.error('network config not stored', { error: TrilaneError.from(error) })
      }
    )
    return { network }
  })
}

/** @param otherwise what to do without an answer, when there is a cache; `undefined`: wait on */
async function untilAnswered(
  { store, cache, clock, logger, onWait, stop }: Parts,
  ask: () => Promise<NetworkSource>,
  otherwise: (remembered: StoredConfig | undefined) => NetworkSource | undefined
): Promise<NetworkSource> {
  for (let said: string | undefined; ; ) {
    try {
      return await ask()
    } catch (error) {
      const problem = TrilaneError.from(error)
      if (!problem.retryable || stop.aborted) throw problem
      onWait(problem)
      if (problem.message !== said) {
        logger.warn('waiting', { for: 'network config', store: store.description, error: problem })
      }
      said = problem.message
      const remembered = problem.code === 'TRI_STORE_UNAVAILABLE' ? await cache.read() : undefined
      const found = remembered === undefined ? undefined : otherwise(remembered.config)
      if (found !== undefined) return found
      await clock.sleep(CONFIG_RETRY_MS, stop)
    }
  }
}

/** @throws TrilaneError `TRI_CONFIG_MISSING`, `TRI_STORE_UNAVAILABLE` */
async function storedConfig(store: SubnetStore): Promise<StoredConfig> {
  const stored = await store.readConfig()
  if (stored === undefined) throw TrilaneError.of('TRI_CONFIG_MISSING', { source: store.description })
  return stored
}

/** Several nodes may do this at once, each with the same file: the race has no loser. */
async function putConfig(store: SubnetStore, text: string, logger: Logger): Promise<StoredConfig> {
  for (;;) {
    const stored = await store.readConfig()
    if (stored?.text === text) return stored
    try {
      const written = await store.writeConfig(text, stored?.revision ?? 0)
      logger.info(stored === undefined ? 'network config stored' : 'network config in the store replaced', {})
      return written
    } catch (error) {
      if (!TrilaneError.is(error, 'TRI_LEASE_CONFLICT')) throw error
    }
  }
}
