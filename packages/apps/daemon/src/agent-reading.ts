import type { Clock } from '@trilane/contracts'
import type { Agent } from './agent.ts'
import type { MetricsReading, NetworkReading } from './metric-readings.ts'
import type { NetworkAgent } from './network-agent.ts'
import type { ReadinessSource } from './readiness.ts'

/** The agent as metrics see it. O(objects). */
export async function agentReading(
  agent: Agent,
  clock: Clock,
  leaseTtlMs: number
): Promise<NonNullable<MetricsReading['agent']>> {
  const networks: NetworkReading[] = []
  for (const network of agent.networks) {
    const expiresAtMs = network.lease?.expiresAtMs
    networks.push({
      network: network.name,
      peersByLane: peersByLane(network),
      pods: (await network.parts.attachments.list()).length,
      objects: agent.loop.reconciler.standing(`${network.name}/`),
      health: network.health.items(),
      ...(typeof expiresAtMs === 'number'
        ? { lease: { expiresAtMs, ageMs: clock.wallMs() - (expiresAtMs - leaseTtlMs) } }
        : {})
    })
  }
  return {
    counters: agent.loop.reconciler.counters,
    firewallRepairs: agent.firewall.status.repairs,
    networks
  }
}

function peersByLane(network: NetworkAgent): ReadonlyMap<string, number> {
  const lanes = new Map<string, number>()
  for (const { lane = 'none' } of network.peers.values()) lanes.set(lane, (lanes.get(lane) ?? 0) + 1)
  return lanes
}

/** The same agent as readiness sees it. Costs nothing that grows with peers. */
export function readinessSources(agent: Agent): ReadinessSource[] {
  return agent.networks.map((network) => ({
    name: network.name,
    ready: network.ready,
    conditions: network.health.conditions(),
    standing: agent.loop.reconciler.standingOf(network.nodeSlot)
  }))
}
