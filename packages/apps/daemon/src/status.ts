import {
  commandOf,
  type KernelStatus,
  type LaneStatus,
  type LeaseJson,
  type NetworkStatus,
  type PeerStatus,
  type PodLinkSpec,
  type StoredLease
} from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import type { NetworkAgent } from './network-agent.ts'
import type { ReconcileLoop } from './reconcile-loop.ts'

/** Enough to see what is wrong; `trilane plan` prints everything. */
const MISSING_SHOWN = 20

/** One network as `trilane status` shows it. */
export function networkStatus(
  agent: NetworkAgent,
  loop: ReconcileLoop,
  store: string,
  pods: number
): NetworkStatus {
  const { facts, lease } = agent
  const kernel = kernelStatus(agent, loop)
  const health = agent.health.items()
  const complete = kernel.present === kernel.wanted && !health.some(({ severity }) => severity !== 'low')
  return {
    name: agent.name,
    state: !agent.ready ? 'starting' : complete ? 'ready' : 'degraded',
    backend: agent.config.lanes.primary.backend.type,
    lanes: laneStatuses(agent),
    store,
    ...(facts === undefined
      ? {}
      : {
          uplink: {
            name: facts.uplink.name,
            mtuBytes: facts.uplink.mtuBytes,
            addresses: valuesOf(facts.uplink.addresses).map(
              ({ address, prefixLength }) => `${address}/${prefixLength}`
            )
          }
        }),
    ...(lease === undefined ? {} : { lease: leaseJson(lease) }),
    ...(agent.ready ? podFacts(agent.podLink()) : {}),
    ...separations(agent),
    peers: peerStatuses(agent, loop),
    kernel,
    pods,
    health
  }
}

function podFacts(spec: PodLinkSpec): Pick<NetworkStatus, 'podMtuBytes' | 'podsOn'> {
  return { podMtuBytes: spec.mtuBytes, ...(spec.type === 'child' ? { podsOn: spec.kind } : {}) }
}

function separations({ config }: NetworkAgent): Pick<NetworkStatus, 'separations'> {
  const { backend, options } = config.lanes.primary
  const found = backend.separations?.(options) ?? []
  return found.length === 0 ? {} : { separations: found }
}

function kernelStatus(agent: NetworkAgent, loop: ReconcileLoop): KernelStatus {
  const { reconciler, lastPass } = loop
  const { wanted, present, missing, failures } = reconciler.standing(`${agent.name}/`)
  const { writes, repairs, fullPasses } = reconciler.counters
  return {
    wanted,
    present,
    missing: missing.slice(0, MISSING_SHOWN).map((object) => commandOf({ action: 'set', ...object })),
    refused: failures.flatMap(({ error }) => error?.toJSON() ?? []).slice(0, MISSING_SHOWN),
    writes,
    repairs,
    fullPasses,
    ...(lastPass === undefined ? {} : { lastFullPassMs: lastPass.atMs })
  }
}

function laneStatuses({ config, here }: NetworkAgent): LaneStatus[] {
  return config.lanes.configured.map(({ backend }) => {
    const problem = here?.lanes.find(({ lane }) => lane.backend === backend)?.problem
    return { type: backend.type, ...(problem === undefined ? {} : { problem: problem.message }) }
  })
}

function peerStatuses(agent: NetworkAgent, loop: ReconcileLoop): PeerStatus[] {
  return [...agent.peers.values()]
    .sort((a, b) => a.stored.key.localeCompare(b.stored.key))
    .map(({ stored, lane, reason, passedOver, sinceMs, error }) => {
      const { wanted, present } = loop.reconciler.standingOf(agent.peerSlot(stored.key))
      return {
        lease: leaseJson(stored),
        ...(lane === undefined ? {} : { lane }),
        laneReason: reason,
        laneSinceMs: sinceMs,
        passedOver: passedOver.map((passed) => ({ lane: passed.type, reason: passed.reason })),
        wanted,
        present,
        ...(error === undefined ? {} : { error: error.toJSON() })
      }
    })
}

/** A lease as the socket carries it. */
export function leaseJson({ key, lease, expiresAtMs }: StoredLease): LeaseJson {
  return {
    key,
    subnets: valuesOf(lease.subnets).map(String),
    publicAddresses: valuesOf(lease.publicAddresses).map(String),
    backendType: lease.backendType,
    ...(lease.node === undefined ? {} : { node: lease.node.name, machineId: lease.node.machineId }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs })
  }
}
