import { mkdir, readFile } from 'node:fs/promises'
import { prepareSocketPath, serveAgent } from '@trilane/agent-socket'
import {
  NODE_SETTINGS,
  type NodeConfig,
  parseFlags,
  parseNetworkConfig,
  parseSubnetEnv,
  resolveNodeConfig
} from '@trilane/config'
import {
  CLOCK,
  type Clock,
  KERNEL,
  type Kernel,
  LOGGER,
  type Logger,
  type NetworkConfig,
  SUBNET_STORE,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'
import { readTextFile } from '@trilane/terminal'
import { compose, composeAgent } from '../compose.ts'
import { readIdentity } from '../identity.ts'
import { socketHandlers } from '../socket-handlers.ts'
import { VERSION } from '../version.ts'

/** Between two looks at a store that has no config yet, or cannot be used. */
const CONFIG_RETRY_MS = 1_000

/**
 * `trilane daemon`: runs until SIGTERM or SIGINT, which leave the data path as it is.
 *
 * @param args everything after `daemon`, by the rules of Go's flags
 */
export async function runDaemon(args: readonly string[]): Promise<void> {
  const flags = parseFlags(args, process.cwd())
  if (flags.help !== undefined) {
    process.stdout.write(usage())
    return
  }
  if (flags.version?.[0] === 'true') {
    process.stdout.write(`trilane ${VERSION}\n`)
    return
  }
  const config = resolveNodeConfig({
    flags,
    env: process.env,
    ...(await nodeConfigFile())
  })
  if (process.getuid?.() !== 0) throw TrilaneError.of('TRI_NOT_ROOT', { what: 'the daemon' })
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())

  /** What was opened, in order; closed in reverse. */
  const opened: (() => Promise<void> | void)[] = []
  try {
    await run(config, stop.signal, (close) => opened.push(close))
  } catch (error) {
    // What a signal interrupts fails in its own way.
    if (!stop.signal.aborted) throw error
  } finally {
    for (const close of opened.reverse()) await close()
  }
}

/** @returns when `stop` is aborted */
async function run(
  config: NodeConfig,
  stop: AbortSignal,
  onClose: (close: () => Promise<void> | void) => void
): Promise<void> {
  const identity = await readIdentity(config)
  await mkdir(config.runDirectory, { recursive: true })
  // Before anything is written, to the store too: a second daemon here would undo the first one's work.
  await prepareSocketPath(config.socketPath)
  const previousSubnets = parseSubnetEnv(await readIfThere(config.subnetFile)).subnets
  const container = await compose({ config, identity, version: VERSION, previousSubnets })
  const kernel = container.get<Kernel>(KERNEL)
  onClose(() => kernel.close())
  const store = container.get<SubnetStore>(SUBNET_STORE)
  onClose(() => store.close())
  const logger = container.get<Logger>(LOGGER)
  logger.info('daemon starting', { version: VERSION, node: identity.name, store: store.description })

  const network = await networkConfig(config, store, container.get<Clock>(CLOCK), logger, stop)
  const agent = composeAgent(container, [network])
  const socket = await serveAgent({ socketPath: config.socketPath, handlers: socketHandlers(agent), logger })
  onClose(() => socket.close())
  onClose(() => agent.stop())
  stop.throwIfAborted()
  // Whatever the start waits for, it waits no longer.
  stop.addEventListener('abort', () => void agent.stop(), { once: true })
  await agent.start()
  await aborted(stop)
  logger.info('daemon stopping', { reason: 'signal' })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * The config of the network: `--net-config-path` if given, which is put into the store for the other nodes, else
 * what the store holds. A config that is not there yet and a store that cannot be used are waited for.
 *
 * @throws TrilaneError `TRI_CONFIG_SYNTAX`, `TRI_CONFIG_INVALID`, `TRI_FILE`
 */
async function networkConfig(
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

/** The node config file: `TRILANE_CONFIG`, else /etc/trilane/node.yaml if there is one. */
async function nodeConfigFile(): Promise<{
  readonly file?: { readonly source: string; readonly text: string }
}> {
  const named = process.env.TRILANE_CONFIG
  if (named !== undefined && named !== '') return { file: { source: named, text: await readTextFile(named) } }
  const source = '/etc/trilane/node.yaml'
  const text = await readIfThere(source)
  return text === '' ? {} : { file: { source, text } }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return ''
  }
}

function usage(): string {
  const settings = NODE_SETTINGS.map((setting) => {
    const fallback = 'default' in setting ? ` (default ${setting.default})` : ''
    return [setting.flag, `${setting.doc}${fallback}`] as const
  })
  const rows = [
    ...settings,
    ['version', 'print the version and end'],
    ['help', 'print this and end']
  ] as const
  const lines = rows.map(([flag, text]) => `  --${flag.padEnd(28)} ${text}`)
  return ['usage: trilane daemon [flags]', '', ...lines, ''].join('\n')
}
