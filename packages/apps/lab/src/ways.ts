import { type Echo, echo, type Frame, Switch, startCapture } from '@trilane/testbed'
import { inTurns } from './in-turns.ts'
import type { Lab, LabNode, LabPod } from './lab.ts'
import { PATIENCE } from './patience.ts'
import type { NetworkPromise } from './promise.ts'
import type { WayReport } from './report.ts'
import { carriageOf, judgeWay, type WayEnds } from './way-report.ts'

/** The echo that is too long is refused at once, or by the node: nothing has to come from afar. */
const REFUSAL_SECONDS = 0.3 * PATIENCE

/** From one node's first pod to another's, in one family. */
interface Way {
  readonly from: LabNode
  readonly to: LabNode
  readonly fromPod: LabPod
  readonly toPod: LabPod
  readonly source: string
  readonly destination: string
}

/**
 * From every node to every other, in every family: an echo that just fits, one that is a byte too long, neither of
 * which may be fragmented; and what the segment saw of the first.
 */
export async function checkWays(lab: Lab, promise: NetworkPromise): Promise<WayReport[]> {
  const ways = waysOf(lab)
  if (ways.length === 0) return []
  const vxlanPorts = promise.vxlan === undefined ? {} : { vxlanPorts: [promise.vxlan.port] }
  const capture = await startCapture({ place: lab.segment, device: Switch.BRIDGE, ...vxlanPorts })
  const echoes = await inTurns(ways, async ({ from, fromPod, destination }) => {
    const probe = { from: fromPod.place, address: destination, dontFragment: true }
    const sizeBytes = from.report.podMtuBytes
    return [
      await echo({ ...probe, sizeBytes }, PATIENCE),
      await echo({ ...probe, sizeBytes: sizeBytes + 1 }, REFUSAL_SECONDS)
    ] as const
  })
  const answered = ways.filter((_, index) => echoes[index]?.[0].answered)
  try {
    // What was answered has passed the switch; the capture is told of it a moment later.
    for (const way of answered) await capture.waitFor('an echo', (frame) => isOf(way, frame))
  } catch {
    // One is missing, as its report will say; the others had as much time.
  }
  const frames = await capture.stop()
  const lanes = await lanesOf(lab)
  return ways.map((way, index) => {
    const [fitting = UNSENT, tooLong = UNSENT] = echoes[index] ?? []
    const seen = frames.filter((frame) => isOf(way, frame)).map(carriageOf)
    const lane = lanes.get(way.from.name)?.get(way.to.report.lease)
    return judgeWay(endsOf(way), { fitting, tooLong, seen, lane }, promise)
  })
}

function endsOf({ from, to, fromPod, toPod, source, destination }: Way): WayEnds {
  const end = (node: LabNode, pod: LabPod, address: string) => ({
    node: node.name,
    pod: pod.name,
    address,
    nodeAddresses: node.report.addresses,
    mac: pod.report.mac,
    nodeMac: node.report.mac
  })
  return {
    from: end(from, fromPod, source),
    to: end(to, toPod, destination),
    mtuBytes: from.report.podMtuBytes
  }
}

const UNSENT: Echo = { answered: false, words: 'not sent' }

function waysOf({ nodes }: Lab): Way[] {
  return nodes.flatMap((from) =>
    nodes
      .filter((to) => to !== from)
      .flatMap((to) => {
        const [fromPod] = from.pods
        const [toPod] = to.pods
        if (fromPod === undefined || toPod === undefined) return []
        return toPod.report.addresses.flatMap((destination) => {
          const source = fromPod.report.addresses.find(
            (own) => own.includes(':') === destination.includes(':')
          )
          return source === undefined ? [] : [{ from, to, fromPod, toPod, source, destination }]
        })
      })
  )
}

/** Is the frame the fitting echo request of this way, or does it carry it? */
function isOf({ from, source, destination }: Way, frame: Frame): boolean {
  const { ip, icmp } = frame.inner ?? frame
  return (
    (icmp?.type === 8 || icmp?.type === 128) &&
    ip?.source === source &&
    ip.destination === destination &&
    ip.bytes === from.report.podMtuBytes
  )
}

/** What the nodes themselves say: by node, then by the peer's lease. */
async function lanesOf(lab: Lab): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const entries = lab.nodes.map(async ({ name, client }) => {
    const peers = (await client.status()).networks[0]?.peers ?? []
    const lanes = peers.flatMap(({ lease, lane }) => (lane === undefined ? [] : [[lease.key, lane] as const]))
    return [name, new Map(lanes)] as const
  })
  return new Map(await Promise.all(entries))
}
