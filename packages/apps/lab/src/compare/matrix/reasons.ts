import type { NetworkStatus, PeerStatus } from '@trilane/contracts'
import type { BackendVerdict } from '@trilane/doctor'
import { FAMILY_NAMES } from '@trilane/doctor'
import { FAMILIES, type Family } from '@trilane/ip'
import type { MatrixCell } from '../report.ts'
import type { Trial } from './questions.ts'

export type Reason = Required<Pick<MatrixCell, 'reason' | 'reasonFrom'>>

/** Of `trilane doctor --json`. */
export interface DoctorAnswer {
  readonly backends: readonly BackendVerdict[]
}

/** What the sender's node says of the peer, if that is a reason. */
export function reasonOfPeer({ peer }: Pick<Trial, 'peer'>, status: NetworkStatus): Reason | undefined {
  const found = peerNamed(status, peer)
  return found?.error === undefined ? undefined : { reason: found.error.message, reasonFrom: 'status' }
}

/**
 * Why nothing comes back: that the node's status says it is meant so; what the doctor says of the backend that carries the
 * packet; else what the status says to be wrong.
 *
 * @param doctor absent: it was not asked, as the packet does not leave the node
 */
export function reasonOf(
  { peer, between }: Pick<Trial, 'peer' | 'between'>,
  family: Family,
  status: NetworkStatus,
  doctor: DoctorAnswer | undefined
): Reason {
  const meant = status.separations?.find((one) => one.between === between)
  if (meant !== undefined) return { reason: meant.reason, reasonFrom: 'status' }
  const lane = peerNamed(status, peer)?.lane ?? status.backend
  const verdict = doctor?.backends.find(({ type }) => type === lane)
  const words = between !== undefined || verdict === undefined ? [] : wordsOf(verdict, family)
  if (words.length > 0) return { reason: words.join('; '), reasonFrom: 'doctor' }
  const wrong = status.health.find(({ severity }) => severity !== 'low')
  if (wrong !== undefined) return { reason: wrong.text, reasonFrom: 'status' }
  return { reason: 'no answer, and neither status nor doctor says why', reasonFrom: 'unexplained' }
}

/** `node1 → node3: vxlan – in place of host-gw: …`, by the peers' names. */
export function laneLines(from: string, { peers }: NetworkStatus): string[] {
  return peers
    .map(
      ({ lease, lane, laneReason }) =>
        `${from} → ${lease.node ?? lease.key}: ${lane ?? 'none'} – ${laneReason}`
    )
    .sort()
}

/** Without what is about the other family. */
function wordsOf({ type, verdict, reasons, limits }: BackendVerdict, family: Family): string[] {
  const others = FAMILIES.filter((each) => each !== family).map((each) => FAMILY_NAMES[each])
  const mine = (words: readonly string[]) =>
    words.filter((text) => !others.some((name) => text.startsWith(`${name} `)))
  const against = verdict === 'cannot' ? mine(reasons).map((reason) => `${type} cannot: ${reason}`) : []
  return [...against, ...mine(limits)]
}

function peerNamed({ peers }: NetworkStatus, name: string | undefined): PeerStatus | undefined {
  return name === undefined ? undefined : peers.find(({ lease }) => lease.node === name)
}
