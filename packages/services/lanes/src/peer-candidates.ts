import { type KernelState, type Lease, leaseOnLane, type NodeFacts, TrilaneError } from '@trilane/contracts'
import type { LaneHere, LanesHere } from './lanes-here.ts'
import type { NextHop } from './next-hops.ts'
import { peerName } from './peer-name.ts'

/** A lane as far as one peer is concerned, before anybody is asked whether it works. */
export type PeerLaneOption =
  | {
      readonly here: LaneHere
      /** What carries the peer by it. */
      readonly state: KernelState
      /** Who on this node's segment must answer for it to work; none for a lane that needs no shared segment. */
      readonly hops: readonly NextHop[]
    }
  | {
      readonly here: LaneHere
      readonly refused: string
      /** The backend's own word, when it was asked. */
      readonly error?: TrilaneError
    }

/**
 * The lanes that may carry a peer, the preferred first: the configured ones, or those that need nothing here when the
 * peer serves none of the configured ones.
 */
export function peerLaneOptions(here: LanesHere, peer: Lease): PeerLaneOption[] {
  const options = here.lanes.map((lane) => ({ lane, served: leaseServing(here, lane, peer) }))
  const isConfiguredServed = options.some(({ lane, served }) => !lane.isFallback && served !== undefined)
  return options
    .filter(({ lane, served }) => !lane.isFallback || (!isConfiguredServed && served !== undefined))
    .map(({ lane, served }) => option(here, lane, served, peer))
}

function option(here: LanesHere, lane: LaneHere, served: Lease | undefined, peer: Lease): PeerLaneOption {
  if (lane.problem !== undefined) {
    return { here: lane, refused: `this node cannot take part: ${lane.problem.message}` }
  }
  if (served === undefined) return { here: lane, refused: notServed(here, peer) }
  const { backend, options } = lane.lane
  try {
    const state = backend.peerState(here.node, served, options)
    return { here: lane, state, hops: backend.traits.needsSharedLink ? hopsOf(here.node, state) : [] }
  } catch (error) {
    const problem = TrilaneError.from(error)
    return { here: lane, refused: problem.message, error: problem }
  }
}

/**
 * The peer's lease as this lane's backend reads it, if the peer can be reached by it.
 *
 * flanneld serves nodes of its own type only, but then it forwards whatever comes: a lane without data of its own carries
 * packets to it too, as flannel's `DirectRouting` does.
 */
function leaseServing({ primary }: LanesHere, { lane }: LaneHere, peer: Lease): Lease | undefined {
  const { type, traits } = lane.backend
  const isFlanneld = peer.node === undefined
  if (isFlanneld && peer.backendType !== primary.backend.type) return undefined
  const served = leaseOnLane(peer, type)
  if (served !== undefined || !isFlanneld || !traits.servesEveryPeer) return served
  return { ...peer, backendType: type, backendData: {} }
}

function notServed({ primary }: LanesHere, peer: Lease): string {
  const type = peer.backendType === '' ? 'none' : peer.backendType
  if (peer.node === undefined && peer.backendType !== primary.backend.type) {
    return `${peerName(peer)} runs flanneld with ${type}, which ignores nodes of type ${primary.backend.type}`
  }
  const offers = [type, ...Object.keys(peer.node?.lanes ?? {})].join(', ')
  return `${peerName(peer)} does not offer it; it offers ${offers}`
}

function hopsOf({ uplink }: NodeFacts, { routes }: KernelState): NextHop[] {
  return routes.flatMap(({ device, gateway }) =>
    device === uplink.name && gateway !== undefined ? [{ device, address: gateway }] : []
  )
}
