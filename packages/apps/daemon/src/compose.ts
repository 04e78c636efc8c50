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
  KERNEL,
  type Kernel,
  LOGGER,
  type Logger,
  type NetworkConfig,
  SUBNET_STORE,
  type SubnetStore,
  type Token
} from '@trilane/contracts'
import { mapFamilies, type PerFamily, type Prefix } from '@trilane/ip'
import { LeaseAddressPool, rangeOf } from '@trilane/ipam'
import { LinuxFileLocks, LinuxFirewall, LinuxKernel } from '@trilane/kernel-linux'
import { networkLanes } from '@trilane/lanes'
import { BridgePodLinks } from '@trilane/pod-link'
import { FileAttachments, HostLocalReservations } from '@trilane/state-files'
import { LeaseManager } from '@trilane/subnet-manager'
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
  bind<SubnetStore>(SUBNET_STORE)
    .toResolvedValue(
      ({ config, metrics }: Surroundings, locks: FileLocks, clock: Clock, logger: Logger) =>
        countedStore(openStore(config, { locks, clock, logger }), () => metrics.storeFailed()),
      [SURROUNDINGS, FILE_LOCKS, CLOCK, LOGGER]
    )
    .inSingletonScope()
  bind<AttachmentStore>(ATTACHMENT_STORE)
    .toResolvedValue(
      ({ config }: Surroundings) => new FileAttachments({ stateDirectory: config.stateDirectory }),
      [SURROUNDINGS]
    )
    .inSingletonScope()
})

const backends = new ContainerModule(({ bind }) => {
  for (const backend of BACKENDS) bind(BACKEND).toConstantValue(backend).whenNamed(backend.type)
})

/** The agent for these networks. Nothing is started. */
export function composeAgent(
  container: Container,
  networks: readonly NetworkConfig[],
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
    networks,
    onWork,
    createNetwork: (network, loop) => composeNetwork(container, network, loop, firewall)
  })
  return agent
}

/** @throws TrilaneError `TRI_BACKEND_UNKNOWN`, `TRI_CONFIG_INVALID` */
function composeNetwork(
  container: Container,
  network: NetworkConfig,
  loop: ReconcileLoop,
  firewall: NodeFirewall
): NetworkAgent {
  const { config, identity, previousSubnets } = container.get<Surroundings>(SURROUNDINGS)
  const kernel = container.get<Kernel>(KERNEL)
  const clock = container.get<Clock>(CLOCK)
  const store = container.get<SubnetStore>(SUBNET_STORE)
  const logger = container.get<Logger>(LOGGER).child({ network: network.name })
  // By name through the list first: its error has the good names, the container's has not.
  const backend = container.get<Backend>(BACKEND, { name: backendNamed(network.backend.type).type })
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
    spec: () => agent.podLink(),
    logger
  })
  const agent: NetworkAgent = new NetworkAgent({
    network,
    lanes: networkLanes(network.backend, backend, BACKENDS),
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
      renewMarginMs: leaseRenewMarginMs
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
