import { type Family, IpAddress } from '@trilane/ip'
import { FrameCapture } from '@trilane/kernel-linux'
import { type Content, type PlaceTables, predictWay, roleOf } from '@trilane/packet-way'
import { pcapFile, type Testbed } from '@trilane/testbed'
import type { Lab, LabPod } from '../../lab.ts'
import { PATIENCE } from '../../patience.ts'
import { placeLabel, readablesOf } from '../../tables/lab-places.ts'
import { readPlaces } from '../../tables/read-places.ts'
import type { WalkReport } from '../walk-report.ts'
import { compareWalk, type HopPoint, isOfWalk, sightingOf, type WalkHead } from './compare-walk.ts'
import {
  listenIn,
  PING_PAYLOAD_BYTES,
  ping,
  sendSegment,
  TCP_HEADER_BYTES,
  TCP_PAYLOAD_BYTES,
  TCP_PORT
} from './send-packets.ts'

/** The walks of one laboratory, and their frames as files. */
export interface LabWalks {
  readonly walks: readonly WalkReport[]
  /** By name: `vxlan-v4-ping.pcap`. */
  readonly pcaps: ReadonlyMap<string, Uint8Array>
}

const ECHO: Content = { kind: 'echo', payloadBytes: PING_PAYLOAD_BYTES }
const SEGMENT: Content = {
  kind: 'tcp',
  destinationPort: TCP_PORT,
  payloadBytes: TCP_PAYLOAD_BYTES,
  headerBytes: TCP_HEADER_BYTES
}

/**
 * One echo request and one TCP segment in each family, from the first node's first pod to the last node's; captured at every
 * device of the laboratory, so that what nobody predicted is seen as well.
 */
export async function walkLab(bed: Testbed, lab: Lab, mode: string): Promise<LabWalks> {
  const from = lab.nodes[0]?.pods[0]
  const to = lab.nodes.at(-1)?.pods[0]
  if (from === undefined || to === undefined || lab.nodes.length < 2) return { walks: [], pcaps: new Map() }
  const heads = headsOf(mode, from, to)
  await listenIn(to.place)
  // The first packet of all has others around it: who has this address, which port leads to that MAC.
  for (const { destination } of heads) await ping(from.place, destination)
  const places = await readPlaces(readablesOf(bed))
  const capture = await FrameCapture.start(pointsOf(bed, places))
  try {
    const walks: WalkReport[] = []
    const pcaps = new Map<string, Uint8Array>()
    for (const head of heads) {
      const way = predictWay(places, {
        from: head.from,
        source: IpAddress.parse(head.source),
        destination: IpAddress.parse(head.destination),
        content: head.packet === 'ping' ? ECHO : SEGMENT
      })
      if (head.packet === 'ping') await ping(from.place, head.destination)
      else await sendSegment(from.place, head.destination)
      const own = () =>
        capture.frames.filter((frame) => isOfWalk(sightingOf(frame, portsOf(places)), head, TCP_PORT))
      await capture.until(() => own().length >= way.hops.length, 1_000 * PATIENCE)
      const frames = own()
      walks.push(
        compareWalk(
          head,
          way,
          frames.map((frame) => sightingOf(frame, portsOf(places)))
        )
      )
      pcaps.set(`${mode}-${head.family}-${head.packet}.pcap`, pcapFile(frames))
      capture.clear()
    }
    return { walks, pcaps }
  } finally {
    capture.close()
  }
}

function headsOf(mode: string, from: LabPod, to: LabPod): WalkHead[] {
  const families: readonly Family[] = ['v4', 'v6']
  return families.flatMap((family) => {
    const of = ({ report }: LabPod): string | undefined =>
      report.addresses.find((address) => IpAddress.parse(address).family === family)
    const source = of(from)
    const destination = of(to)
    if (source === undefined || destination === undefined) return []
    return (['ping', 'tcp'] as const).map((packet) => ({
      ...{ mode, family, packet, source, destination },
      from: placeLabel(from.place),
      to: placeLabel(to.place)
    }))
  })
}

/** Every device that has frames of its own. */
function pointsOf(bed: Testbed, places: readonly PlaceTables[]): HopPoint[] {
  return bed.places.flatMap((place) => {
    const tables = places.find(({ name }) => name === placeLabel(place))
    return (tables?.links ?? [])
      .filter(({ kind, isUp }) => kind !== 'loopback' && isUp)
      .map((link) => ({
        namespace: place.namespacePath,
        place: placeLabel(place),
        device: link.device,
        role: tables === undefined ? 'uplink' : roleOf(tables, link)
      }))
  })
}

function portsOf(places: readonly PlaceTables[]): number[] {
  return places.flatMap(({ links }) => links.flatMap(({ vxlan }) => vxlan?.port ?? []))
}
