import type { Echo, Frame } from '@trilane/testbed'
import type { NetworkPromise } from './promise.ts'
import type { Carriage, WayReport } from './report.ts'

/** Who sent to whom. */
export interface WayEnds {
  readonly from: WayEnd
  readonly to: WayEnd
  /** Of the sending pod. */
  readonly mtuBytes: number
}

export interface WayEnd {
  readonly node: string
  readonly pod: string
  readonly address: string
  readonly nodeAddresses: readonly string[]
  /** Of the pod's device, and of the node's. */
  readonly mac: string
  readonly nodeMac: string
}

/** What was observed. */
export interface WayFacts {
  /** The echo of exactly the MTU, and the one of a byte more. */
  readonly fitting: Echo
  readonly tooLong: Echo
  /** Every frame on the segment that was, or held, the one that fits. */
  readonly seen: readonly Carriage[]
  /** As the sending node's status says. */
  readonly lane: string | undefined
}

/** Compares what was observed with what the network config promises. */
export function judgeWay(ends: WayEnds, facts: WayFacts, promise: NetworkPromise): WayReport {
  const { from, to, mtuBytes } = ends
  const { fitting, tooLong, seen, lane } = facts
  const [wire] = seen
  const oneMoreRefused = tooLong.largestBytes === mtuBytes
  const failures = [
    ...(fitting.answered ? [] : [`${mtuBytes} bytes: ${fitting.words}`]),
    ...(oneMoreRefused ? [] : [`${mtuBytes + 1} bytes: ${tooLong.answered ? 'answered' : tooLong.words}`]),
    ...(lane === promise.lane ? [] : [`lane ${lane ?? 'none'}, not ${promise.lane}`]),
    ...(seen.length === 0 ? ['the segment saw nothing of it'] : []),
    ...new Set(seen.flatMap((carriage) => carriageFailures(ends, carriage, promise)))
  ]
  return {
    from: `${from.node}/${from.pod}`,
    to: `${to.node}/${to.pod}`,
    source: from.address,
    destination: to.address,
    mtuBytes,
    fits: fitting.answered,
    oneMoreRefused,
    ...(lane === undefined ? {} : { lane }),
    ...(wire === undefined ? {} : { wire }),
    failures
  }
}

function carriageFailures(ends: WayEnds, carriage: Carriage, promise: NetworkPromise): string[] {
  const { vxlan } = promise
  if (carriage.in === 'plain') {
    // Whatever rides to another port is no VXLAN to the capture, and so nothing was seen.
    if (vxlan !== undefined) return ['it is plain, and should ride in VXLAN']
    return [...macFailures(ends.from, carriage.mac, promise), ...tagFailures(carriage.vlanId, promise)]
  }
  if (vxlan === undefined) return ['it rides in VXLAN, and should be plain']
  const { from, to } = ends
  const isBetweenThem =
    from.nodeAddresses.includes(carriage.source) && to.nodeAddresses.includes(carriage.destination)
  return [
    ...(carriage.vni === vxlan.vni ? [] : [`VNI ${carriage.vni}, not ${vxlan.vni}`]),
    ...(isBetweenThem
      ? []
      : [`it rides from ${carriage.source} to ${carriage.destination}, not from ${from.node} to ${to.node}`])
  ]
}

function macFailures({ node, pod, ...end }: WayEnd, seen: string, { macs }: NetworkPromise): string[] {
  const [wanted, whose] = macs === 'pods' ? [end.mac, `${node}/${pod}`] : [end.nodeMac, node]
  const wrong = seen === wanted ? [] : [`the switch sees ${seen}, not ${wanted} of ${whose}`]
  return macs === 'pods' && end.mac === end.nodeMac ? [...wrong, `${whose} has the MAC of its node`] : wrong
}

function tagFailures(seen: number | undefined, { underlay }: NetworkPromise): string[] {
  const wanted = underlay?.vlanId
  return seen === wanted ? [] : [`it has ${tagText(seen)}, not ${tagText(wanted)}`]
}

const tagText = (vlanId: number | undefined): string =>
  vlanId === undefined ? 'no tag' : `the tag ${vlanId}`

/** How a frame on the segment carries what it carries. */
export function carriageOf({ vxlan, udp, ip, bytes, ethernet, vlanIds }: Frame): Carriage {
  if (vxlan === undefined || udp === undefined || ip === undefined) {
    const [vlanId] = vlanIds
    return { in: 'plain', bytes, mac: ethernet.source, ...(vlanId === undefined ? {} : { vlanId }) }
  }
  const { source, destination } = ip
  return { in: 'vxlan', vni: vxlan.vni, port: udp.destinationPort, source, destination, bytes }
}
