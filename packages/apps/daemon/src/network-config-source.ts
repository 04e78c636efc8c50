import { type NodeConfig, parseNetworkConfig } from '@trilane/config'
import {
  type Clock,
  type Logger,
  type NetworkConfig,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'
import { readTextFile } from '@trilane/terminal'

/** Between two looks at a store that has no config yet, or cannot be used. */
const CONFIG_RETRY_MS = 1_000

/**
 * The config of the network: `--net-config-path` if given, which is put into the store for the other nodes, else
 * what the store holds. A config that is not there yet and a store that cannot be used are waited for.
 *
 * @throws TrilaneError `TRI_CONFIG_SYNTAX`, `TRI_CONFIG_INVALID`, `TRI_FILE`
 */
export async function networkConfig(
  config: NodeConfig,
  store: SubnetStore,
  clock: Clock,
  logger: Logger,
  stop: AbortSignal
): Promise<NetworkConfig> {
  const name = config.networkName
  const path = config.netConfigPath
  const given = path === undefined ? undefined : { source: path, text: await readTextFile(path) }
  const network =
    given === undefined ? undefined : parseNetworkConfig(given.text, { source: given.source, name })
  for (let said: string | undefined; ; ) {
    try {
      if (given === undefined || network === undefined) return await storedConfig(store, name)
      await putConfig(store, given.text, logger)
      return network
    } catch (error) {
      const problem = TrilaneError.from(error)
      if (!problem.retryable || stop.aborted) throw problem
      if (problem.message !== said) logger.warn('waiting', { for: 'network config', error: problem })
      said = problem.message
      await clock.sleep(CONFIG_RETRY_MS, stop)
    }
  }
}

/** @throws TrilaneError `TRI_CONFIG_MISSING`, `TRI_STORE_UNAVAILABLE`, and for a config that is not valid */
async function storedConfig(store: SubnetStore, name: string): Promise<NetworkConfig> {
  const source = store.description
  const stored = await store.readConfig()
  if (stored === undefined) throw TrilaneError.of('TRI_CONFIG_MISSING', { source })
  return parseNetworkConfig(stored.text, { source, name })
}

/** Several nodes may do this at once, each with the same file: the race has no loser. */
async function putConfig(store: SubnetStore, text: string, logger: Logger): Promise<void> {
  for (;;) {
    const stored = await store.readConfig()
    if (stored?.text === text) return
    try {
      await store.writeConfig(text, stored?.revision ?? 0)
      logger.info(stored === undefined ? 'network config stored' : 'network config in the store replaced', {})
      return
    } catch (error) {
      if (!TrilaneError.is(error, 'TRI_LEASE_CONFLICT')) throw error
    }
  }
}
