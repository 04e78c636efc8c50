import 'reflect-metadata'
import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { Attachments } from '@trilane/attachments'
import { formatSubnetEnv, type NodeConfig, networkNames } from '@trilane/config'
import {
  ATTACHMENT_STORE,
  type AttachmentStore,
  BACKEND,
  type Backend,
  CLOCK,
  type Clock,
  DIRECTORY_WATCHES,
  type DirectoryWatches,
  FILE_LOCKS,
  FIREWALL,
  type FileLocks,
  type Firewall,
  IPAM_PLUGINS,
  type IpamPlugins,
  KERNEL,
  type Kernel,
  LOGGER,
  type Logger,
  type NetworkConfig,
  type Token
} from '@trilane/contracts'
import { mapFamilies, type PerFamily, type Prefix } from '@trilane/ip'
import { LeaseAddressPool, podRanges } from '@trilane/ipam'
import { LinuxDirectoryWatches, LinuxFileLocks, LinuxFirewall, LinuxKernel } from '@trilane/kernel-linux'
import { type NetworkLanes, networkLanes } from '@trilane/lanes'
import { ExecutedPlugins } from '@trilane/plugin-exec'
import { ForeignPodLinks, NodePodLinks } from '@trilane/pod-link'
import { FileAttachments, HostLocalReservations } from '@trilane/state-files'
import { LeaseManager } from '@trilane/subnet-manager'
import { Container, ContainerModule } from 'inversify'
import { Agent } from './agent.ts'
import { BACKENDS, backendNamed } from './backends.ts'
import { BridgeLoopback } from './bridge-loopback.ts'
import { NodeFirewall } from './firewall-node.ts'
import { tellForeignAddress } from './foreign-addresses.ts'
import { ForwardingWatch } from './forwarding-watch.ts'
import type { NodeIdentity } from './identity.ts'
import { jsonLogger } from './json-logger.ts'
import type { Metrics } from './metrics.ts'
import { NetworkAgent } from './network-agent.ts'
import { refuseClash } from './network-clash.ts'
import type { NetworkSource } from './network-config-source.ts'
import { type NetworkStore, networkStore } from './network-store.ts'
import { NO_HOST_PORTS } from './no-host-ports.ts'
import { heldBy } from './pods-here.ts'
import type { LoopObserver, ReconcileLoop } from './reconcile-loop.ts'
import { SubnetFile } from './subnet-file.ts'
import { systemClock } from './system-clock.ts'
import { uplinkWish } from './uplink.ts'

/** The reconciler's slot of what host ports need of the kernel; no network's name has a blank. */
const HOST_PORTS_SLOT = 'host ports'

/** What is known before anything is built. */
export interface Surroundings {
  readonly config: NodeConfig
  readonly identity: NodeIdentity
  readonly version: string
  /** Subnets of a former life, from `subnet.env`, by network. */
  readonly previousSubnets: ReadonlyMap<string, PerFamily<Prefix>>
  readonly metrics: Metrics
}

const SURROUNDINGS: Token<Surroundings> = Symbol.for('trilane:Surroundings')

/**
 * The composition root: which driver stands behind which port.
 *
 * @returns a container that resolves every token of `@trilane/contracts` that is one for the whole node
 */
export async function compose(surroundings: Surroundings): Promise<Container> {
  const container = new Container()
  container.bind(SURROUNDINGS).toConstantValue(surroundings)
  container.bind<Kernel>(KERNEL).toConstantValue(await LinuxKernel.open())
  container.bind<Firewall>(FIREWALL).toConstantValue(await LinuxFirewall.open())
  container.load(drivers, backends)
  return container
}

const drivers = new ContainerModule(({ bind }) => {
  bind<Clock>(CLOCK).toConstantValue(systemClock)
  bind<FileLocks>(FILE_LOCKS).toConstantValue(new LinuxFileLocks())
  bind<DirectoryWatches>(DIRECTORY_WATCHES).toConstantValue(new LinuxDirectoryWatches())
  bind<Logger>(LOGGER)
    .toResolvedValue(({ config }: Surroundings) => jsonLogger(config.logLevel), [SURROUNDINGS])
    .inSingletonScope()
  bind<AttachmentStore>(ATTACHMENT_STORE)
    .toResolvedValue(
      ({ config }: Surroundings) => new FileAttachments({ stateDirectory: config.stateDirectory }),
      [SURROUNDINGS]
    )
    .inSingletonScope()
  bind<IpamPlugins>(IPAM_PLUGINS)
    .toResolvedValue((logger: Logger) => new ExecutedPlugins({ logger }), [LOGGER])
    .inSingletonScope()
})

const backends = new ContainerModule(({ bind }) => {
  for (const backend of BACKENDS) bind(BACKEND).toConstantValue(backend).whenNamed(backend.type)
})

/** One network's store, for each of them. */
export function composeStore(container: Container, place: NodeConfig): NetworkStore {
  const { metrics } = container.get<Surroundings>(SURROUNDINGS)
  const logger = container.get<Logger>(LOGGER)
  const clock = container.get<Clock>(CLOCK)
  return networkStore(place, { locks: container.get<FileLocks>(FILE_LOCKS), clock, logger, metrics })
}

/** The agent, and how a network is made for it once its config is there. Nothing is started. */
export function composeAgent(
  container: Container,
  onWork: LoopObserver
): {
  readonly agent: Agent
  readonly networkOf: (from: NetworkStore, source: NetworkSource) => (loop: ReconcileLoop) => NetworkAgent
} {
  const { config, identity, version } = container.get<Surroundings>(SURROUNDINGS)
  const clock = container.get<Clock>(CLOCK)
  const logger = container.get<Logger>(LOGGER)
  const firewall = new NodeFirewall({
    firewall: container.get<Firewall>(FIREWALL),
    clock,
    logger,
    settings: config,
    loopback: new BridgeLoopback({
      kernel: container.get<Kernel>(KERNEL),
      wish: (state) => agent.loop.wish(new Map([[HOST_PORTS_SLOT, state]]))
    }),
    networks: networkNames(config).length,
    resyncMs: config.firewallPassMs
  })
  const agent: Agent = new Agent({
    kernel: container.get<Kernel>(KERNEL),
    firewall,
    clock,
    logger,
    identity,
    fullPassMs: config.fullPassMs,
    version,
    networks: networkNames(config),
    records: async () => (await container.get<AttachmentStore>(ATTACHMENT_STORE).list()).records,
    onWork
  })
  const networkOf =
    (from: NetworkStore, source: NetworkSource) =>
    (loop: ReconcileLoop): NetworkAgent =>
      composeNetwork(container, from, source, { loop, firewall, served: () => agent.networks })
  return { agent, networkOf }
}

/** @throws TrilaneError `TRI_BACKEND_UNKNOWN`, `TRI_CONFIG_INVALID`, `TRI_NETWORKS_CLASH` */
function composeNetwork(
  container: Container,
  { place: config, store, cache }: NetworkStore,
  { network, revision }: NetworkSource,
  parts: {
    readonly loop: ReconcileLoop
    readonly firewall: NodeFirewall
    /** Networks that this one must be able to stand beside. */
    readonly served: () => readonly NetworkAgent[]
  }
): NetworkAgent {
  const { loop, firewall, served } = parts
  const { identity, previousSubnets } = container.get<Surroundings>(SURROUNDINGS)
  const kernel = container.get<Kernel>(KERNEL)
  const clock = container.get<Clock>(CLOCK)
  const logger = container.get<Logger>(LOGGER).child({ network: network.name })
  const lanesOf = (wanted: NetworkConfig): NetworkLanes => {
    const { backend } = wanted
    // By name through the list first: its error has the good names, the container's has not.
    const primary = container.get<Backend>(BACKEND, { name: backendNamed(backend.type).type })
    const lanes = networkLanes(backend, primary, BACKENDS)
    const others = served().filter(({ name }) => name !== wanted.name)
    refuseClash(
      { network: wanted, lanes },
      others.map((other) => other.config)
    )
    return lanes
  }
  const { leaseTtlMs, leaseRenewMarginMs } = config
  const subnetFile = new SubnetFile(config.subnetFile, logger)

  const pool = new LeaseAddressPool({
    store: new HostLocalReservations({
      directory: join(config.cniDataDirectory, network.name),
      locks: container.get<FileLocks>(FILE_LOCKS),
      watches: container.get<DirectoryWatches>(DIRECTORY_WATCHES)
    }),
    ranges: () => {
      const lease = agent.lease?.lease ?? { subnets: {} }
      return podRanges(agent.podLink(), lease, agent.config.network.families)
    }
  })
  const attachments = new Attachments({
    network: network.name,
    pool,
    store: container.get<AttachmentStore>(ATTACHMENT_STORE),
    links: new NodePodLinks({ kernel, network: network.name, machineId: identity.machineId, clock, logger }),
    hostPorts: backendNamed(network.backend.type).traits.podsOnNodeNetwork ? NO_HOST_PORTS : firewall,
    ipam: container.get<IpamPlugins>(IPAM_PLUGINS),
    foreignLinks: new ForeignPodLinks(kernel),
    spec: () => agent.podLink(),
    onForeignAddress: (error) => tellForeignAddress(error, agent.health, logger),
    logger
  })
  const agent: NetworkAgent = new NetworkAgent({
    network,
    store: store.description,
    lanesOf,
    identity,
    bridge: config.bridge,
    uplinkWish: () => uplinkWish(config, kernel),
    kernel,
    loop,
    subnets: new LeaseManager({
      store,
      clock,
      logger,
      network,
      identity,
      leaseTtlMs,
      renewMarginMs: leaseRenewMarginMs,
      cache,
      breathe,
      ...(revision === undefined ? {} : { configRevision: revision })
    }),
    attachments,
    held: () => heldBy(pool, attachments),
    kindOf: (name, device) => {
      const other = served().find((one) => one.name === name)?.config.lanes.primary
      return other?.backend.podKind?.(other.options, device)
    },
    previousSubnets: previousSubnets.get(network.name) ?? {},
    fullPassMs: config.fullPassMs,
    firewall,
    blackhole: config.ipBlackholeRoute,
    forwarding: new ForwardingWatch({
      network: network.name,
      kernel,
      loop,
      uplinkToo: config.uplinkSysctls,
      logger
    }),
    publish: (lease, mtuBytes) =>
      subnetFile.keep(
        formatSubnetEnv({
          networks: mapFamilies(network.families, (family) => family.network),
          subnets: lease.subnets,
          mtuBytes,
          ipMasq: config.ipMasq
        })
      ),
    clock,
    logger
  })
  return agent
}
