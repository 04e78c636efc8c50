import type { CapturedFrame } from '@trilane/kernel-linux'
import {
  changedFields,
  type HopRole,
  isAsPredicted,
  type WalkFrame,
  type Way,
  type WayHop
} from '@trilane/packet-way'
import { layersOf } from '@trilane/testbed'
import type { WalkHop, WalkReport } from '../walk-report.ts'

/** Where frames are captured, as the report names it. */
export interface HopPoint {
  readonly namespace: string
  readonly place: string
  readonly device: string
  readonly role: HopRole
}

/** What a report says of its packet beside its hops. */
export type WalkHead = Pick<
  WalkReport,
  'mode' | 'family' | 'packet' | 'from' | 'to' | 'source' | 'destination'
>

export interface Sighting {
  readonly point: HopPoint
  readonly direction: 'out' | 'in'
  readonly atNs: bigint
  readonly frame: WalkFrame
}

/** A captured frame, taken apart. */
export function sightingOf(captured: CapturedFrame<HopPoint>, vxlanPorts: readonly number[]): Sighting {
  const { point, direction, atNs, bytes, wireBytes } = captured
  return { point, direction, atNs, frame: layersOf(bytes, wireBytes, vxlanPorts) }
}

/** Is it the packet of the walk, or what carries it? */
export function isOfWalk(
  { frame }: Sighting,
  { source, destination, packet }: WalkHead,
  tcpPort: number
): boolean {
  const [ip, content] = frame.layers.slice(-2)
  if (ip?.fields.source !== source || ip.fields.destination !== destination) return false
  if (packet === 'tcp') {
    return (
      content?.name === 'tcp' &&
      content.fields.destination === `${tcpPort}` &&
      content.fields.flags === 'ack psh'
    )
  }
  return content?.fields.sequence === '1' && ['8', '128'].includes(content.fields.type ?? '')
}

/** Prediction and capture side by side, in the order of the prediction; what nobody predicted comes last. */
export function compareWalk(head: WalkHead, way: Way, sightings: readonly Sighting[]): WalkReport {
  const left = [...sightings].sort((a, b) => Number(a.atNs - b.atNs))
  const startNs = left[0]?.atNs ?? 0n
  const pairs: { readonly predicted?: WayHop; readonly seen?: Sighting }[] = way.hops.map((predicted) => {
    const at = left.findIndex((one) => isAt(one, predicted))
    const [seen] = at === -1 ? [] : left.splice(at, 1)
    return seen === undefined ? { predicted } : { predicted, seen }
  })
  const hops: WalkHop[] = []
  let before: WalkFrame | undefined
  for (const { predicted, seen } of [...pairs, ...left.map((seen) => ({ predicted: undefined, seen }))]) {
    const frame = seen?.frame ?? predicted?.frame
    if (frame === undefined) continue
    hops.push({
      ...placeOf(predicted, seen),
      rows: predicted?.rows ?? [],
      ...(predicted === undefined ? {} : { predicted: predicted.frame }),
      ...(seen === undefined ? {} : { observed: seen.frame, afterNs: Number(seen.atNs - startNs) }),
      changed: before === undefined ? [] : changedFields(before, frame),
      addedBytes: before === undefined ? 0 : frame.bytes - before.bytes,
      equal: predicted !== undefined && seen !== undefined && isAsPredicted(predicted.frame, seen.frame)
    })
    before = frame
  }
  const sizes = hops.map(({ observed, predicted }) => (observed ?? predicted)?.bytes ?? 0)
  const { outcome } = way
  return {
    ...head,
    hops,
    equal: outcome.kind === 'arrived' && hops.length > 0 && hops.every(({ equal }) => equal),
    addedBytes: sizes.length === 0 ? 0 : Math.max(...sizes) - (sizes[0] ?? 0),
    ...(outcome.kind === 'broken' ? { broken: outcome.reason } : {})
  }
}

function isAt({ point, direction }: Sighting, hop: WayHop): boolean {
  return point.place === hop.place && point.device === hop.device && direction === hop.direction
}

function placeOf(
  predicted: WayHop | undefined,
  seen: Sighting | undefined
): Pick<WalkHop, 'place' | 'device' | 'role' | 'direction'> {
  if (predicted !== undefined) {
    const { place, device, role, direction } = predicted
    return { place, device, role, direction }
  }
  if (seen === undefined) throw new RangeError('neither predicted nor seen')
  const { place, device, role } = seen.point
  return { place, device, role, direction: seen.direction }
}
