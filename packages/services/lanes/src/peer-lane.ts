import {
  EMPTY_KERNEL_STATE,
  type KernelState,
  type Lease,
  type StoredLease,
  TrilaneError
} from '@trilane/contracts'
import type { LaneCandidate, LaneChoice, LaneStanding, PassedOver } from './choose-lane.ts'
import type { NextHop, NextHops } from './next-hops.ts'
import type { PeerLaneOption } from './peer-candidates.ts'
import { peerName } from './peer-name.ts'

/** How one peer is carried, or why it is not. */
export interface PeerLane {
  readonly stored: StoredLease
  /** Type of the backend that carries it; absent when none can. */
  readonly lane?: string
  /** Why this one, as one sentence without its full stop. */
  readonly reason: string
  /** The lanes that would have been better. */
  readonly passedOver: readonly PassedOver[]
  /** Since when it is carried so, or not; ms since 1970. */
  readonly sinceMs: number
  /** What it takes in this kernel. */
  readonly state: KernelState
  /** No lane fits. */
  readonly error?: TrilaneError
  /** It is carried, but nobody answers there and there is no other way. */
  readonly doubt?: TrilaneError
}

/** What is known about a lane, as far as the choice needs it. */
export function candidateOf(option: PeerLaneOption, nextHops: NextHops): LaneCandidate {
  const { type } = option.here.lane.backend
  if ('refused' in option) return { type, standing: 'refused', reason: option.refused }
  const { hops } = option
  const standing = standingOf(hops, nextHops)
  if (standing === 'works') return { type, standing, reason: '' }
  const [hop] = hops.filter((one) => nextHops.evidenceOf(one) === standing)
  const at = hop === undefined ? 'its next hop' : `${hop.address} on ${hop.device}`
  const reason = standing === 'silent' ? `${at} does not answer` : `${at} has not answered yet`
  return { type, standing, reason }
}

/** Both families or neither: half a peer would hide the fault. */
function standingOf(hops: readonly NextHop[], nextHops: NextHops): 'works' | 'silent' | 'unknown' {
  const evidence = hops.map((hop) => nextHops.evidenceOf(hop))
  if (evidence.includes('silent')) return 'silent'
  return evidence.includes('unknown') ? 'unknown' : 'works'
}

/** A choice with its words and its kernel state. */
export function peerLane(
  stored: StoredLease,
  choice: LaneChoice,
  options: readonly PeerLaneOption[],
  sinceMs: number
): PeerLane {
  const { type, passedOver } = choice
  const chosen = options.find(({ here }) => here.lane.backend.type === type)
  if (chosen === undefined || 'refused' in chosen) {
    const error = noLane(stored.lease, options)
    return { stored, reason: error.message, passedOver, sinceMs, state: EMPTY_KERNEL_STATE, error }
  }
  const doubt = choice.standing === 'silent' ? silent(stored.lease, chosen) : undefined
  return {
    stored,
    lane: chosen.here.lane.backend.type,
    reason: reasonFor(choice, chosen, options),
    passedOver,
    sinceMs,
    state: chosen.state,
    ...(doubt === undefined ? {} : { doubt })
  }
}

type Fit = Extract<PeerLaneOption, { state: KernelState }>

const EVIDENCE: Readonly<Partial<Record<LaneStanding, string>>> = {
  works: 'an answer from',
  unknown: 'nothing asked of',
  silent: 'no other lane fits, and no answer from'
}

function reasonFor(
  { standing, passedOver }: LaneChoice,
  { here, hops }: Fit,
  options: readonly PeerLaneOption[]
): string {
  const [better] = passedOver
  if (here.isFallback) {
    return `its node offers none of this network's lanes, and ${here.lane.backend.type} needs nothing here`
  }
  if (better !== undefined) return `in place of ${better.type}: ${better.reason}`
  const rank = options.length === 1 ? 'the only lane' : 'the preferred lane'
  if (hops.length === 0) return rank
  return `${rank}; ${EVIDENCE[standing] ?? ''} ${hops.map(({ address }) => address).join(' and ')}`
}

/** In a network of one lane, that lane's own word. */
function noLane(peer: Lease, options: readonly PeerLaneOption[]): TrilaneError {
  const refused = options.flatMap((option) => ('refused' in option ? [option] : []))
  const [only, ...others] = refused
  if (only?.error !== undefined && others.length === 0) return only.error
  const reasons = refused
    .map(({ here, refused: reason }) => `${here.lane.backend.type}: ${reason}`)
    .join('; ')
  return TrilaneError.of('TRI_PEER_NO_LANE', { peer: peerName(peer), reasons })
}

function silent(peer: Lease, { here, hops }: Fit): TrilaneError {
  const address = hops.map((hop) => hop.address).join(' and ')
  const device = hops[0]?.device ?? ''
  return TrilaneError.of('TRI_PEER_SILENT', {
    peer: peerName(peer),
    lane: here.lane.backend.type,
    address,
    device
  })
}
