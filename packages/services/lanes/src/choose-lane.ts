/**
 * Whether a lane carries packets to a peer.
 *
 * - `works`: its next hop answers, or it has none that could be asked
 * - `unknown`: the next hop was not asked yet, or has not answered yet
 * - `silent`: the next hop was asked and did not answer
 * - `refused`: the peer cannot be carried by it at all
 */
export type LaneStanding = 'works' | 'unknown' | 'silent' | 'refused'

/** A lane that may carry one peer. */
export interface LaneCandidate {
  /** Of its backend. */
  readonly type: string
  readonly standing: LaneStanding
  /** What speaks against it; empty for one that works. */
  readonly reason: string
}

/** A lane that had to be left. */
export interface LaneTrouble {
  readonly type: string
  /** How often, since it was trusted without reserve. */
  readonly times: number
  /** Absent while it does not work. */
  readonly worksSinceMs?: number
}

export interface PassedOver {
  readonly type: string
  readonly reason: string
}

/** Which lane carries a peer, and what the next choice must know. */
export interface LaneChoice {
  /** Absent when no lane fits. */
  readonly type?: string
  /** Of the chosen lane: anything but `works` means that there is nothing better. */
  readonly standing: LaneStanding
  /** The lanes before the chosen one; all of them when none fits. */
  readonly passedOver: readonly PassedOver[]
  readonly troubles: readonly LaneTrouble[]
  /** When time alone may change the choice; of the same clock as `nowMs`. */
  readonly lookAgainAtMs?: number
}

/** How long a lane must work after it had to be left once; doubled with each further time. */
export const FIRST_HOLD_MS = 5_000
export const LONGEST_HOLD_MS = 300_000

/** A lane that has worked for so long is trusted as if nothing had been. */
export const PEACE_MS = 600_000

/**
 * The first lane that works. Leaving one that does not is immediate; going back to a better one that had to be left
 * takes until it has worked for a while. A lane in use stays in use while nothing is known against it.
 *
 * When none works, the best hope is used: one that works but is not trusted yet, then one that has not answered yet,
 * then a silent one – as a route that may work is better than none.
 *
 * @param candidates in order of preference
 * @param nowMs of a clock that never goes back
 */
export function chooseLane(
  previous: LaneChoice | undefined,
  candidates: readonly LaneCandidate[],
  nowMs: number
): LaneChoice {
  const known = new Map(previous?.troubles.map((trouble) => [trouble.type, trouble]))
  const troubles = new Map<string, LaneTrouble>()
  for (const candidate of candidates) {
    const trouble = known.get(candidate.type)
    const now = trouble === undefined ? undefined : followed(trouble, candidate, nowMs)
    if (now !== undefined) troubles.set(candidate.type, now)
  }
  const trustedAtMs = ({ type }: LaneCandidate): number => {
    const { times, worksSinceMs = nowMs } = troubles.get(type) ?? { times: 0 }
    return type === previous?.type || times === 0 ? nowMs : worksSinceMs + holdMs(times)
  }
  const isTrusted = (candidate: LaneCandidate): boolean =>
    candidate.standing === 'works'
      ? trustedAtMs(candidate) <= nowMs
      : candidate.standing === 'unknown' && candidate.type === previous?.type
  const hope = (standing: LaneStanding) => candidates.find((candidate) => candidate.standing === standing)
  const chosen = candidates.find(isTrusted) ?? hope('works') ?? hope('unknown') ?? hope('silent')

  const left = candidates.find(({ type }) => type === previous?.type && type !== chosen?.type)
  if (left !== undefined && (left.standing === 'silent' || left.standing === 'refused')) {
    const { times = 0 } = troubles.get(left.type) ?? {}
    troubles.set(left.type, { type: left.type, times: times + 1 })
  }
  const better = chosen === undefined ? candidates : candidates.slice(0, candidates.indexOf(chosen))
  const held = better.filter(({ standing }) => standing === 'works').map(trustedAtMs)
  return {
    ...(chosen === undefined ? {} : { type: chosen.type }),
    standing: chosen?.standing ?? 'refused',
    passedOver: better.map((candidate) => passedOver(candidate, troubles.get(candidate.type))),
    troubles: [...troubles.values()],
    ...(held.length === 0 ? {} : { lookAgainAtMs: Math.min(...held) })
  }
}

/** A trouble as it is now; `undefined` when it is forgotten. */
function followed(
  { type, times, worksSinceMs }: LaneTrouble,
  { standing }: LaneCandidate,
  nowMs: number
): LaneTrouble | undefined {
  if (standing !== 'works') return { type, times }
  const sinceMs = worksSinceMs ?? nowMs
  return nowMs - sinceMs >= PEACE_MS ? undefined : { type, times, worksSinceMs: sinceMs }
}

function holdMs(times: number): number {
  return Math.min(FIRST_HOLD_MS * 2 ** (times - 1), LONGEST_HOLD_MS)
}

function passedOver({ type, standing, reason }: LaneCandidate, trouble: LaneTrouble | undefined): PassedOver {
  if (standing !== 'works' || trouble === undefined) return { type, reason }
  const { times } = trouble
  const often = times === 1 ? 'once' : `${times} times`
  return {
    type,
    reason: `it works again, but failed ${often} and must work for ${holdMs(times) / 1000} s first`
  }
}
