import {
  type NodeConfig,
  networkPlace,
  parseFlags,
  parseNetworkConfig,
  resolveNodeConfig
} from '@trilane/config'
import {
  commandsOf,
  EMPTY_KERNEL_STATE,
  joinStates,
  type KernelSnapshot,
  type KernelState,
  type Lease,
  type NetworkConfig,
  type NodeFacts,
  type StoredLease,
  TrilaneError
} from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { LinuxKernel } from '@trilane/kernel-linux'
import {
  byDestination,
  type LanesHere,
  laneClaim,
  lanesHere,
  networkLanes,
  nodeStateOf,
  type PeerLane,
  PeerLanes,
  podLinkOf
} from '@trilane/lanes'
import { planChanges } from '@trilane/reconcile'
import { chooseSubnets, exhausted, findFormerLease, isLeasable, usablePeers } from '@trilane/subnet-manager'
import { readTextFile } from '@trilane/terminal'
import { BACKENDS, backendNamed } from '../backends.ts'
import { blackholeState } from '../blackhole.ts'
import { forwardingNeeds } from '../forwarding.ts'
import { readIdentity } from '../identity.ts'
import { parentWish } from '../parent-wish.ts'
import { readForwarding } from '../read-forwarding.ts'
import { systemClock } from '../system-clock.ts'
import { FACTS_SCOPE, nodeFacts, uplinkWish } from '../uplink.ts'
import { isStoreThere, withStore } from './store-access.ts'

/** Everything that a first pass would know, read and computed but not written. */
interface Plan {
  readonly node: NodeFacts
  readonly lease: Lease
  readonly peers: readonly StoredLease[]
  readonly wanted: KernelState
  /** Peers that cannot be served. */
  readonly problems: readonly TrilaneError[]
}

/**
 * `trilane plan --config FILE [--json] [flags of the daemon]`: what the daemon with the same flags would write to this
 * kernel now, as `ip` commands. Writes nothing, to the store neither.
 *
 * The lease is the one that this node has in the store, else the one that it would ask for first.
 */
export async function printPlan(args: readonly string[]): Promise<void> {
  const { file, json, flags } = readArguments(args)
  const config = networkPlace(
    resolveNodeConfig({ flags: parseFlags(flags, process.cwd()), env: process.env })
  )
  const kernel = await LinuxKernel.open()
  try {
    const plan = await makePlan(config, file, kernel)
    const { wanted } = plan
    const actual = await kernel.read({
      links: true,
      addresses: true,
      routes: 'all',
      neighboursOf: [...new Set(wanted.neighbours.map(({ device }) => device))],
      fdbOf: [...new Set(wanted.fdb.map(({ device }) => device))],
      sysctls: wanted.sysctls.map(({ key }) => key)
    })
    const commands = planChanges(wanted, actual).flatMap(commandsOf)
    for (const problem of plan.problems) process.stderr.write(`${problem.format()}\n`)
    process.stdout.write(
      json ? `${JSON.stringify({ ...summary(plan), wanted, commands }, null, 2)}\n` : text(plan, commands)
    )
  } finally {
    kernel.close()
  }
}

function readArguments(args: readonly string[]): { file: string; json: boolean; flags: string[] } {
  const flags = args.filter((arg) => arg !== '--json')
  const at = flags.findIndex((arg) => /^--?config(=|$)/.test(arg))
  const [word = '', next = ''] = at < 0 ? [] : flags.slice(at, at + 2)
  const file = word.includes('=') ? word.slice(word.indexOf('=') + 1) : next
  if (file === '')
    throw TrilaneError.of('TRI_USAGE', { problem: '--config FILE is missing', command: 'plan' })
  flags.splice(at, word.includes('=') ? 1 : 2)
  return { file, json: args.includes('--json'), flags }
}

async function makePlan(config: NodeConfig, file: string, kernel: LinuxKernel): Promise<Plan> {
  const network = parseNetworkConfig(await readTextFile(file), { source: file, name: config.networkName })
  const lanes = networkLanes(network.backend, backendNamed(network.backend.type), BACKENDS)
  const identity = await readIdentity(config)
  const snapshot = await kernel.read(FACTS_SCOPE)
  const wish = await uplinkWish(config, kernel)
  const node = nodeFacts(snapshot, wish, network, identity, config.bridge, parentWish(lanes, undefined))

  const leases = await storedLeases(config)
  const self = { machineId: identity.machineId, publicAddresses: node.publicAddresses }
  const own = findFormerLease(leases, self, network.families)
  const here = lanesHere(lanes, node, own?.lease)
  const { lanes: offered, ...claim } = laneClaim(here)
  const lease: Lease = {
    ...claim,
    subnets:
      own !== undefined && isLeasable(own.lease, network.families)
        ? own.lease.subnets
        : firstChoice(network, leases, self.machineId),
    publicAddresses: node.publicAddresses,
    node: offered === undefined ? identity : { ...identity, lanes: offered }
  }
  const peers = [...usablePeers(leases, { families: network.families, ...self, own }).peers.values()]
  const { neighbours } = await kernel.read({ neighboursOf: [node.uplink.name] })
  const forwarding =
    node.parent === undefined ? forwardingNeeds(await readForwarding(kernel, node, config.uplinkSysctls)) : []
  const carried = carryAll(here, peers, { ...snapshot, neighbours })
  return {
    node,
    lease,
    peers,
    wanted: joinStates([
      { ...EMPTY_KERNEL_STATE, sysctls: forwarding.map(({ sysctl }) => sysctl) },
      nodeStateOf(here, lease),
      ...(config.ipBlackholeRoute && podLinkOf(here, lease).type === 'bridge' ? [blackholeState(lease)] : []),
      ...carried.map(({ state }) => state)
    ]),
    problems: carried.flatMap(({ error }) => error ?? [])
  }
}

/** As the daemon would decide from what is known without asking anybody. */
function carryAll(here: LanesHere, peers: readonly StoredLease[], actual: KernelSnapshot): PeerLane[] {
  const lanes = new PeerLanes(here, systemClock)
  for (const stored of peers) lanes.put(stored)
  lanes.evaluate(lanes.keys())
  lanes.adopt(lanes.keys(), byDestination(actual.routes))
  for (const neighbour of actual.neighbours) lanes.note(neighbour, false)
  lanes.decide(lanes.keys())
  return [...lanes.lanes.values()]
}

function firstChoice(network: NetworkConfig, taken: readonly StoredLease[], seed: string): Lease['subnets'] {
  const choice = chooseSubnets({ families: network.families, taken: taken.map(({ lease }) => lease), seed })
  if ('subnets' in choice) return choice.subnets
  throw exhausted(choice, taken)
}

/** None when there is no store yet. */
async function storedLeases(config: NodeConfig): Promise<readonly StoredLease[]> {
  if (!(await isStoreThere(config))) return []
  return withStore(config, async (store) => (await store.list()).leases)
}

function summary({ node, lease, peers }: Plan): Readonly<Record<string, unknown>> {
  return {
    uplink: node.uplink,
    subnets: valuesOf(lease.subnets),
    backend: lease.backendType,
    peers: peers.length
  }
}

function text({ node, lease, peers }: Plan, commands: readonly string[]): string {
  const subnets = valuesOf(lease.subnets).join(' ')
  const head = `# ${lease.backendType} on ${node.uplink.name}, subnet ${subnets}, ${peers.length} peers`
  const body = commands.length === 0 ? ['# nothing to do: this kernel is as wanted'] : commands
  return `${[head, ...body].join('\n')}\n`
}
