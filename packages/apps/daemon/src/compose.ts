import 'reflect-metadata'
import { join } from 'node:path'
import { Attachments } from '@trilane/attachments'
import { formatSubnetEnv, type NodeConfig } from '@trilane/config'
import {
  ATTACHMENT_STORE,
  type AttachmentStore,
  BACKEND,
  type Backend,
  CLOCK,
  type Clock,
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
  STORE_CACHE,
  type StoreCache,
  SUBNET_STORE,
  type SubnetStore,
  type Token
} from '@trilane/contracts'
import { mapFamilies, type PerFamily, type Prefix } from '@trilane/ip'
import { LeaseAddressPool, rangeOf } from '@trilane/ipam'
import { LinuxFileLocks, LinuxFirewall, LinuxKernel } from '@trilane/kernel-linux'
import { type NetworkLanes, networkLanes } from '@trilane/lanes'
import { ExecutedPlugins } from '@trilane/plugin-exec'
import { BridgePodLinks, ForeignPodLinks } from '@trilane/pod-link'
import { FileAttachments, FileStoreCache, HostLocalReservations } from '@trilane/state-files'
import { LeaseManager, rememberingStore } from '@trilane/subnet-manager'
import { Container, ContainerModule } from 'inversify'
import { Agent } from './agent.ts'
import { BACKENDS, backendNamed } from './backends.ts'
import { BridgeLoopback } from './bridge-loopback.ts'
import { countedStore } from './counted-store.ts'
import { NodeFirewall } from './firewall-node.ts'
import { ForwardingWatch } from './forwarding-watch.ts'
import type { NodeIdentity } from './identity.ts'
import { jsonLogger } from './json-logger.ts'
import type { Metrics } from './metrics.ts'
import { NetworkAgent } from './network-agent.ts'
import type { NetworkSource } from './network-config-source.ts'
import { openStore } from './open-store.ts'
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
  /** Subnets of a former life, from `subnet.env`. */
  readonly previousSubnets: PerFamily<Prefix>
  readonly metrics: Metrics
}

const SURROUNDINGS: Token<Surroundings> = Symbol.for('trilane:Surroundings')

/** The store itself; {@link SUBNET_STORE} remembers what it says. */
const OUTER_STORE: Token<SubnetStore> = Symbol.for('trilane:OuterStore')

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
  bind<Logger>(LOGGER)
    .toResolvedValue(({ config }: Surroundings) => jsonLogger(config.logLevel), [SURROUNDINGS])
    .inSingletonScope()
  bind<SubnetStore>(OUTER_STORE)
    .toResolvedValue(
      ({ config, metrics }: Surroundings, locks: FileLocks, clock: Clock, logger: Logger) =>
        countedStore(openStore(config, { locks, clock, logger }), () => metrics.storeFailed()),
      [SURROUNDINGS, FILE_LOCKS, CLOCK, LOGGER]
    )
    .inSingletonScope()
  bind<StoreCache>(STORE_CACHE)
    .toResolvedValue(
      ({ config }: Surroundings, store: SubnetStore, clock: Clock) =>
        new FileStoreCache({
          path: join(config.stateDirectory, 'store-cache'),
          store: store.description,
          clock
        }),
      [SURROUNDINGS, OUTER_STORE, CLOCK]
    )
    .inSingletonScope()
  bind<SubnetStore>(SUBNET_STORE)
    .toResolvedValue(rememberingStore, [OUTER_STORE, STORE_CACHE, LOGGER])
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

/** The agent for these networks. Nothing is started. */
export function composeAgent(
  container: Container,
  sources: readonly NetworkSource[],
  onWork: LoopObserver
): Agent {
  const { config, identity, version } = container.get<Surroundings>(SURROUNDINGS)
  const clock = container.get<Clock>(CLOCK)
  const logger = container.get<Logger>(LOGGER)
  const firewall = new NodeFirewall({
    firewall: container.get<Firewall>(FIREWALL),
    clock,
    logger,
    settings: config,
    loopback: new BridgeLoopback({
      device: config.bridge,
      kernel: container.get<Kernel>(KERNEL),
      wish: (state) => agent.loop.wish(new Map([[HOST_PORTS_SLOT, state]]))
    }),
    resyncMs: config.firewallPassMs
  })
  const agent: Agent = new Agent({
    kernel: container.get<Kernel>(KERNEL),
    firewall,
    clock,
    logger,
    identity,
    fullPassMs: config.fullPassMs,
    store: container.get<SubnetStore>(SUBNET_STORE).description,
    version,
    networks: sources.map(({ network }) => network),
    onWork,
    createNetwork: (network, loop) => {
      const revision = sources.find((source) => source.network === network)?.revision
      return composeNetwork(container, network, loop, firewall, revision)
    }
  })
  return agent
}

/** @throws TrilaneError `TRI_BACKEND_UNKNOWN`, `TRI_CONFIG_INVALID` */
function composeNetwork(
  container: Container,
  network: NetworkConfig,
  loop: ReconcileLoop,
  firewall: NodeFirewall,
  configRevision: number | undefined
): NetworkAgent {
  const { config, identity, previousSubnets } = container.get<Surroundings>(SURROUNDINGS)
  const kernel = container.get<Kernel>(KERNEL)
  const clock = container.get<Clock>(CLOCK)
  const store = container.get<SubnetStore>(SUBNET_STORE)
  const logger = container.get<Logger>(LOGGER).child({ network: network.name })
  const lanesOf = ({ backend }: NetworkConfig): NetworkLanes => {
    // By name through the list first: its error has the good names, the container's has not.
    const primary = container.get<Backend>(BACKEND, { name: backendNamed(backend.type).type })
    return networkLanes(backend, primary, BACKENDS)
  }
  const { leaseTtlMs, leaseRenewMarginMs } = config
  const subnetFile = new SubnetFile(config.subnetFile, logger)

  const pool = new LeaseAddressPool({
    store: new HostLocalReservations({
      directory: join(config.cniDataDirectory, network.name),
      locks: container.get<FileLocks>(FILE_LOCKS)
    }),
    ranges: () => mapFamilies(agent.lease?.lease.subnets ?? {}, rangeOf)
  })
  const attachments = new Attachments({
    network: network.name,
    pool,
    store: container.get<AttachmentStore>(ATTACHMENT_STORE),
    links: new BridgePodLinks({ kernel, network: network.name, clock, logger }),
    hostPorts: firewall,
    ipam: container.get<IpamPlugins>(IPAM_PLUGINS),
    foreignLinks: new ForeignPodLinks(kernel),
    spec: () => agent.podLink(),
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
      cache: container.get<StoreCache>(STORE_CACHE),
      ...(configRevision === undefined ? {} : { configRevision })
    }),
    attachments,
    previousSubnets,
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
