import { FAMILIES } from '@trilane/ip'
import { type Evidence, FAMILY_NAMES, isNotTried, type TriedLinkType } from './evidence.ts'
import type { BackendVerdict } from './report.ts'
import { PACKETS_DROPPED, type SourceVerdict, sourceVerdict } from './source-verdict.ts'

/** What a backend needs of the machine and of the network. */
interface Needs {
  readonly linkType?: TriedLinkType
  /** Pods have MACs of their own on the segment. */
  readonly manyMacs: boolean
  /** What must not become of packets with the addresses of pods; absent: they have those of nodes. */
  readonly sources?: readonly SourceVerdict[]
  /** Pods have addresses of the segment itself: that such pass must be seen. */
  readonly podsOnSegment: boolean
}

const ANY_DROPPED: readonly SourceVerdict[] = ['arp-dropped', ...PACKETS_DROPPED]

const NEEDS: Readonly<Record<string, Needs>> = {
  vxlan: { linkType: 'vxlan', manyMacs: false, podsOnSegment: false },
  // Its nodes ask for MACs with their own addresses.
  'host-gw': { manyMacs: false, podsOnSegment: false, sources: PACKETS_DROPPED },
  macvlan: { linkType: 'macvlan', manyMacs: true, podsOnSegment: true, sources: ANY_DROPPED },
  ipvlan: { linkType: 'ipvlan', manyMacs: false, podsOnSegment: true, sources: ANY_DROPPED }
}

/** The kinds that do not share a parent. */
const RIVAL: Readonly<Record<string, TriedLinkType>> = { macvlan: 'ipvlan', ipvlan: 'macvlan' }

/** Which backends can work here, as far as was tried. Pure. */
export function backendVerdicts(evidence: Evidence): BackendVerdict[] {
  return Object.entries(NEEDS).map(([type, needs]) => verdictOn(type, needs, evidence))
}

function verdictOn(type: string, needs: Needs, evidence: Evidence): BackendVerdict {
  const { parent } = evidence.question
  const against: string[] = []
  const open: string[] = []
  const limits: string[] = []
  if (needs.linkType !== undefined && evidence.linkTypes[needs.linkType] !== undefined) {
    against.push(`this kernel has no ${needs.linkType}`)
  }
  const rival = parent.children.find(
    ({ kind }) => kind.type === RIVAL[type] && 'parent' in kind && kind.parent === parent.name
  )
  if (rival !== undefined) against.push(`the ${rival.kind.type} ${rival.name} stands on ${parent.name}`)
  if (needs.manyMacs) {
    const { secondMac } = evidence
    if (parent.isWireless) against.push(`${parent.name} is wireless`)
    else if (isNotTried(secondMac)) open.push(`more than one MAC: ${secondMac.notTried}`)
    else if (!secondMac.isAnswered) against.push('only one MAC is answered')
  }
  for (const family of FAMILIES) {
    const found = evidence.unknownSource[family]
    if (found === undefined) continue
    const verdict = sourceVerdict(found)
    const name = FAMILY_NAMES[family]
    if (needs.sources?.includes(verdict) === true) {
      against.push(`${name} addresses that the network does not know are dropped`)
    } else if (needs.sources === undefined && PACKETS_DROPPED.includes(verdict)) {
      limits.push(
        `${name} packets with the addresses of pods are dropped: pods reach others than pods and nodes by --ip-masq alone, and are reached by none`
      )
    } else if (needs.podsOnSegment && verdict === 'unknown') {
      open.push(`${name} addresses of pods could not be tried to the end`)
    }
  }
  if (against.length > 0) return { type, verdict: 'cannot', reasons: against, limits }
  return open.length > 0
    ? { type, verdict: 'unknown', reasons: open, limits }
    : { type, verdict: 'works', reasons: [], limits }
}
