import { mkdir, readFile } from 'node:fs/promises'
import { prepareSocketPath, serveAgent } from '@trilane/agent-socket'
import {
  NODE_SETTINGS,
  type NodeConfig,
  networkNames,
  networkPlace,
  parseFlags,
  parseSubnetEnv,
  resolveNodeConfig
} from '@trilane/config'
import {
  CLOCK,
  type Clock,
  IPAM_PLUGINS,
  type IpamPlugins,
  KERNEL,
  type Kernel,
  LOGGER,
  type Logger,
  TrilaneError
} from '@trilane/contracts'
import type { PerFamily, Prefix } from '@trilane/ip'
import { peerCredentials, sendDatagram } from '@trilane/kernel-linux'
import { readTextFile } from '@trilane/terminal'
import type { Arrival } from '../agent.ts'
import { networkNamed } from '../cni/cni-network.ts'
import { CniService } from '../cni/cni-service.ts'
import { compose, composeAgent, composeStore } from '../compose.ts'
import { readIdentity } from '../identity.ts'
import { Metrics } from '../metrics.ts'
import { networkConfig } from '../network-config-source.ts'
import { socketHandlers } from '../socket-handlers.ts'
import { StoreCommands } from '../store-commands.ts'
import { VERSION } from '../version.ts'
import { Vitals } from '../vitals.ts'

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
    // Also after an error: whatever still waits or repeats itself ends, and with it the process.
    stop.abort()
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
  const places = networkNames(config).map((name) => networkPlace(config, name))
  const previousSubnets = new Map<string, PerFamily<Prefix>>()
  for (const { networkName, subnetFile } of places) {
    previousSubnets.set(networkName, parseSubnetEnv(await readIfThere(subnetFile)).subnets)
  }
  const metrics = new Metrics({ version: VERSION, nodeVersion: process.versions.node })
  const container = await compose({ config, identity, version: VERSION, previousSubnets, metrics })
  const kernel = container.get<Kernel>(KERNEL)
  onClose(() => kernel.close())
  const stores = places.map((place) => composeStore(container, place))
  for (const { store } of stores) onClose(() => store.close())
  const logger = container.get<Logger>(LOGGER)
  const clock = container.get<Clock>(CLOCK)
  const described = stores.map(({ store }) => store.description).join(', ')
  logger.info('daemon starting', { version: VERSION, node: identity.name, store: described })

  const vitals = new Vitals({ config, metrics, clock, logger, send: sendDatagram, environment: process.env })
  onClose(await vitals.start(stop))
  const { agent, networkOf } = composeAgent(container, vitals.observer)
  const arrivals = stores.map((from): Arrival => {
    const { place, store, cache } = from
    const name = place.networkName
    const named = stores.length === 1 ? logger : logger.child({ network: name })
    const onWait = (problem: TrilaneError) => agent.waits(name, problem)
    const again = async () =>
      networkOf(
        from,
        await networkConfig({ config: place, store, cache, clock, logger: named, onWait, stop })
      )
    return { name, first: again(), again }
  })
  // Without any network there is nothing to ask this daemon for.
  await Promise.any(arrivals.map(({ first }) => first)).catch((error: AggregateError) => {
    throw error.errors[0]
  })
  vitals.of(agent)
  const ipam = container.get<IpamPlugins>(IPAM_PLUGINS)
  const cni = new CniService({
    config,
    networks: agent.networks,
    waiting: () => agent.waiting,
    kernel,
    metrics,
    ipam,
    clock,
    logger
  })
  const storeOf = (network: string | undefined) => {
    const named = stores.map(({ place, store }) => ({ name: place.networkName, store }))
    const [only] = named
    if (named.length === 1 && only !== undefined && network === undefined)
      return new StoreCommands(only.store)
    return new StoreCommands(networkNamed(named, network ?? config.networkName).store)
  }
  const handlers = socketHandlers(agent, cni, metrics, storeOf)
  const { socketPath } = config
  const socket = await serveAgent({ socketPath, handlers, logger, peerOf: peerCredentials })
  onClose(() => socket.close())
  onClose(() => agent.stop())
  stop.throwIfAborted()
  // Whatever the start waits for, it waits no longer.
  stop.addEventListener('abort', () => void agent.stop(), { once: true })
  void cni.keepUp(stop)
  await agent.start(arrivals)
  vitals.started()
  await aborted(stop)
  logger.info('daemon stopping', { reason: 'signal' })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
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
