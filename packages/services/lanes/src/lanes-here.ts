import {
  EMPTY_KERNEL_STATE,
  type JsonValue,
  joinStates,
  type KernelState,
  type Lease,
  type LeaseClaim,
  leaseOnLane,
  type NodeFacts,
  type PodLinkSpec,
  TrilaneError
} from '@trilane/contracts'
import type { PerFamily } from '@trilane/ip'
import type { Lane, NetworkLanes } from './network-lanes.ts'

/** A lane as far as this node can take part in it. */
export interface LaneHere {
  readonly lane: Lane
  /** Not configured: {@link NetworkLanes.fallbacks}. */
  readonly isFallback: boolean
  /** What peers must know to send by it; absent when this node cannot take part, for `problem`. */
  readonly data?: PerFamily<JsonValue>
  readonly problem?: TrilaneError
}

/** The lanes of a network on this node, as it is now. */
export interface LanesHere {
  readonly node: NodeFacts
  readonly primary: Lane
  /** The configured ones in order of preference, then the fallbacks. */
  readonly lanes: readonly LaneHere[]
}

/**
 * Which lanes this node can take part in. One that it cannot – host-gw, say, behind a NAT – is neither offered nor used,
 * which is no error unless it is the primary.
 *
 * @param former what the peers know of this node
 * @throws TrilaneError what the primary's `leaseData` throws
 */
export function lanesHere(
  { primary, configured, fallbacks }: NetworkLanes,
  node: NodeFacts,
  former: Lease | undefined
): LanesHere {
  const look = (lane: Lane, isFallback: boolean): LaneHere => {
    try {
      return { lane, isFallback, data: lane.backend.leaseData(node, lane.options, former) }
    } catch (error) {
      if (lane === primary) throw error
      return { lane, isFallback, problem: TrilaneError.from(error) }
    }
  }
  const lanes = [...configured.map((lane) => look(lane, false)), ...fallbacks.map((lane) => look(lane, true))]
  return { node, primary, lanes }
}

/** What this node says in its lease about how it can be reached. */
export function laneClaim({
  primary,
  lanes
}: LanesHere): Pick<LeaseClaim, 'backendType' | 'backendData' | 'lanes'> {
  const { type } = primary.backend
  const data = new Map(lanes.map((here) => [here.lane.backend.type, here.data]))
  const others: Record<string, PerFamily<JsonValue>> = {}
  for (const [name, published] of data) {
    if (name !== type && published !== undefined) others[name] = published
  }
  return {
    backendType: type,
    backendData: data.get(type) ?? {},
    ...(Object.keys(others).length === 0 ? {} : { lanes: others })
  }
}

/**
 * Does this node offer a lane that its former lease did not, or otherwise, and that needs something here to receive?
 * Peers send by it as soon as the lease says so.
 */
export function offersNews({ lanes }: LanesHere, former: Lease): boolean {
  return lanes.some(({ lane: { backend }, data }) => {
    if (data === undefined || backend.traits.servesEveryPeer) return false
    const known = leaseOnLane(former, backend.type)?.backendData
    return known === undefined || textOf(known) !== textOf(data)
  })
}

function textOf({ v4, v6 }: PerFamily<JsonValue>): string {
  return JSON.stringify([v4, v6])
}

/** Lanes that the former lease offered and that this node offers no longer. Peers send by them until they know. */
export function droppedLanes({ lanes }: LanesHere, { backendType, node }: Lease): string[] {
  const offered = new Set(lanes.flatMap(({ lane, data }) => (data === undefined ? [] : [lane.backend.type])))
  return [backendType, ...Object.keys(node?.lanes ?? {})].filter((type) => type !== '' && !offered.has(type))
}

/** How pods are plugged in: by the primary, with an MTU that fits every lane that may carry their packets. */
export function podLinkOf({ node, primary, lanes }: LanesHere, lease: Lease): PodLinkSpec {
  const link = primary.backend.podLink(node, lease, primary.options)
  const mtus = usable(lanes).map(({ backend, options }) => backend.podLink(node, lease, options).mtuBytes)
  return { ...link, mtuBytes: Math.min(link.mtuBytes, ...mtus) }
}

/** What this node needs whoever its peers are, and what its pods stand on. */
export function nodeStateOf(here: LanesHere, lease: Lease): KernelState {
  const { node, primary, lanes } = here
  const carrying = usable(lanes).map(({ backend, options }) => backend.nodeState(node, lease, options))
  const isMixed = carrying.length > 1
  return joinStates([
    ...carrying,
    ...(isMixed ? carrying.map(looseReversePath) : []),
    primary.backend.podState(node, lease, podLinkOf(here, lease))
  ])
}

/**
 * Two nodes may send to each other by different lanes. Where `rp_filter` is strict, Linux drops what comes by another
 * device than the answer leaves by; 2 is "by any device" and wins over `all`.
 */
function looseReversePath({ links }: KernelState): KernelState {
  const sysctls = links.map(({ name }) => ({ key: `net/ipv4/conf/${name}/rp_filter`, value: '2' }))
  return { ...EMPTY_KERNEL_STATE, sysctls }
}

function usable(lanes: readonly LaneHere[]): Lane[] {
  return lanes.flatMap(({ lane, isFallback, problem }) => (isFallback || problem !== undefined ? [] : [lane]))
}
