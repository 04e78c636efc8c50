import type { Echo, Frame } from '@trilane/testbed'
import type { LanePromise } from './promise.ts'
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
export function judgeWay(ends: WayEnds, facts: WayFacts, promise: LanePromise): WayReport {
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

function carriageFailures({ from, to }: WayEnds, carriage: Carriage, { vxlan }: LanePromise): string[] {
  if (vxlan === undefined) return carriage.in === 'plain' ? [] : ['it rides in VXLAN, and should be plain']
  // Whatever rides to another port is no VXLAN to the capture, and so nothing was seen.
  if (carriage.in === 'plain') return ['it is plain, and should ride in VXLAN']
  const isBetweenThem =
    from.nodeAddresses.includes(carriage.source) && to.nodeAddresses.includes(carriage.destination)
  return [
    ...(carriage.vni === vxlan.vni ? [] : [`VNI ${carriage.vni}, not ${vxlan.vni}`]),
    ...(isBetweenThem
      ? []
      : [`it rides from ${carriage.source} to ${carriage.destination}, not from ${from.node} to ${to.node}`])
  ]
}

/** How a frame on the segment carries what it carries. */
export function carriageOf({ vxlan, udp, ip, bytes }: Frame): Carriage {
  if (vxlan === undefined || udp === undefined || ip === undefined) return { in: 'plain', bytes }
  const { source, destination } = ip
  return { in: 'vxlan', vni: vxlan.vni, port: udp.destinationPort, source, destination, bytes }
}
