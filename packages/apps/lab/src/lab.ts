import { copyFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { AgentClient } from '@trilane/agent-socket'
import type { NetworkConfig, NodeStatus } from '@trilane/contracts'
import { TrilaneError } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import type { Place, Testbed } from '@trilane/testbed'
import { allOf } from './all-of.ts'
import { openLabStore, type StoreKind } from './lab-store.ts'
import { NodeDaemon } from './node-daemon.ts'
import { PATIENCE } from './patience.ts'
import { addressTexts, interfaceAddresses, type LabPlan, type NodePlan } from './plan.ts'
import { promiseOf } from './promise.ts'
import type { NodeReport, PodReport } from './report.ts'
import { buildSegment, gatewaysOf, macOf, ROUTE_FAMILY, routeBack, type Surroundings } from './segment.ts'

/** A pod that was attached: its namespace and what the daemon gave it. */
export interface LabPod {
  readonly name: string
  readonly place: Place
  readonly report: PodReport
}

export interface LabNode {
  readonly name: string
  readonly place: Place
  readonly client: AgentClient
  readonly status: NodeStatus
  readonly pods: readonly LabPod[]
  readonly report: NodeReport
}

/** A network that is up: the nodes' segment, the nodes with their pods, and what is beside them. */
export interface Lab extends Surroundings {
  readonly plan: LabPlan
  readonly nodes: readonly LabNode[]
  /** Starts one more node, with a daemon and without pods; {@link nodes} stays as it is. */
  addNode(plan: NodePlan): Promise<NodeDaemon>
}

/**
 * Builds the whole laboratory in a testbed: one segment, the nodes, the real daemon in each, the pods through the
 * daemons' sockets. `tell` hears what is being done.
 */
export async function buildLab(
  bed: Testbed,
  plan: LabPlan,
  network: NetworkConfig,
  configPath: string,
  storeKind: StoreKind,
  tell: (step: string) => void
): Promise<Lab> {
  tell(`building ${plan.nodes.length} nodes on one segment`)
  const surroundings = await buildSegment(bed, plan)
  const { segment, outside } = surroundings
  const promise = promiseOf(network)
  if (storeKind === 'etcd') tell('starting etcd on the host outside')
  const store = await openLabStore(storeKind, bed, plan, outside)
  // The lab outlives edits of the file that it was made from.
  const ownConfig = join(bed.directory, basename(configPath))
  await copyFile(configPath, ownConfig)

  tell('starting a daemon in each')
  const addNode = async (node: NodePlan): Promise<NodeDaemon> => {
    const place = await bed.addNode(node.name, {
      switch: segment,
      addresses: interfaceAddresses(plan, node),
      gateways: gatewaysOf(plan)
    })
    return NodeDaemon.start({ place, plan: node, configPath: ownConfig, storeFlags: store.flags })
  }
  const daemons = await allOf(plan.nodes.map(addNode))
  await writeFile(
    join(bed.directory, 'lab.json'),
    `${JSON.stringify({ pids: [...daemons.map(({ program }) => program.pid), ...store.pids] })}\n`
  )
  const statuses = await allOf(daemons.map((daemon) => daemon.ready()))
  await everyoneKnowsEveryone(daemons, promise.lane)
  if (promise.underlay?.isRouted !== false) {
    for (const place of [outside, surroundings.router]) {
      if (place !== undefined) await routeBack(place, subnetsOf(statuses))
    }
  }

  tell('attaching containers')
  const nodes = await allOf(
    daemons.map(async (daemon, index) => {
      const status = statuses[index]
      if (status === undefined)
        throw TrilaneError.of('TRI_INTERNAL', { text: `no status of ${daemon.plan.name}` })
      const pods: LabPod[] = []
      for (const name of daemon.plan.pods) pods.push(await attachPod(bed, daemon, name))
      return { daemon, status, pods }
    })
  )
  return {
    plan,
    ...surroundings,
    addNode,
    nodes: await Promise.all(
      nodes.map(async ({ daemon, status, pods }) => ({
        name: daemon.plan.name,
        place: daemon.place,
        client: daemon.client,
        status,
        pods,
        report: await nodeReport(daemon, status, pods, network)
      }))
    )
  }
}

async function attachPod(bed: Testbed, daemon: NodeDaemon, name: string): Promise<LabPod> {
  const place = await bed.addContainer(daemon.place, name)
  const startedMs = performance.now()
  const pod = await daemon.client.attach({
    containerId: `${daemon.plan.name}-${name}`,
    ifname: 'eth0',
    namespace: place.namespacePath
  })
  const attachMs = Math.round((performance.now() - startedMs) * 10) / 10
  const addresses = pod.addresses.map(({ address }) => address)
  const mac = await macOf(place)
  return { name, place, report: { name, addresses, mac, namespace: place.namespacePath, attachMs } }
}

/**
 * A daemon is ready with the peers that had a lease when it listed them; the others follow as events, and a better lane
 * follows when it has been tried. What does not come in time, the checks will tell.
 */
async function everyoneKnowsEveryone(daemons: readonly NodeDaemon[], wanted: string): Promise<void> {
  const deadline = performance.now() + 10_000 * PATIENCE
  for (const daemon of daemons) {
    for (;;) {
      const network = (await daemon.client.status()).networks[0]
      const peers = network?.peers ?? []
      const settled = peers.filter(
        ({ lane, error, ...objects }) =>
          error !== undefined || (lane === wanted && objects.wanted === objects.present)
      )
      if (settled.length >= daemons.length - 1 || performance.now() > deadline) break
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

/** Each node's subnets and where packets for them are sent. */
function subnetsOf(statuses: readonly NodeStatus[]): { readonly subnet: Prefix; readonly via: string }[] {
  return statuses.flatMap((status) => {
    const lease = status.networks[0]?.lease
    const nodes = (lease?.publicAddresses ?? []).map(IpAddress.parse)
    return (lease?.subnets ?? []).map(Prefix.parse).flatMap((subnet) => {
      const via = nodes.find(({ family }) => family === subnet.family)
      return via === undefined ? [] : [{ subnet, via: `${via}` }]
    })
  })
}

async function nodeReport(
  daemon: NodeDaemon,
  status: NodeStatus,
  pods: readonly LabPod[],
  network: NetworkConfig
): Promise<NodeReport> {
  const { place, plan } = daemon
  const routes: string[] = []
  for (const family of ['v4', 'v6'] as const) {
    if (network.families[family] === undefined) continue
    const { stdout } = await place.run(['ip', ROUTE_FAMILY[family], 'route', 'show'])
    routes.push(
      ...stdout
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
    )
  }
  const own = status.networks[0]
  return {
    name: plan.name,
    addresses: addressTexts(plan),
    mac: await macOf(place),
    namespace: place.namespacePath,
    lease: own?.lease?.key ?? '',
    subnets: own?.lease?.subnets ?? [],
    podMtuBytes: own?.podMtuBytes ?? 0,
    ...(own?.podsOn === undefined ? {} : { podsOn: own.podsOn.parent }),
    routes,
    pods: pods.map(({ report }) => report)
  }
}
