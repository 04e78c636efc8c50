import { FAMILIES } from '@trilane/ip'
import type { HopRole, TableRow, WalkFrame, WalkHop, WalkReport } from '../../../src/compare/walk-report.ts'
import { type Macs, plainFrame, podAddresses, type Sent, tunnelFrame } from './frames.ts'

const PACKETS = ['ping', 'tcp'] as const

const POD1 = '3a:5e:10:00:42:02'
const POD2 = '9e:41:7c:00:d4:02'
const BRIDGE1 = '56:00:0a:05:42:01'
const BRIDGE2 = '56:00:0a:05:d4:01'
const NODE1 = 'f6:a0:ad:79:e9:a7'
const NODE2 = '42:72:d2:6d:83:a9'
const TUNNEL1 = 'c2:1b:84:00:42:00'
const TUNNEL2 = 'c2:1b:84:00:d4:00'

type SampleMode = 'macvlan' | 'host-gw' | 'vxlan'

interface Step {
  readonly place: string
  readonly device: string
  readonly role: HopRole
  readonly direction: 'out' | 'in'
  readonly frame: (chosen: boolean) => WalkFrame
  readonly rows?: readonly TableRow[]
  /** Instead of what was predicted. */
  readonly seen?: WalkFrame
}

function walkOf(mode: SampleMode, { family, packet }: Omit<Sent, 'isUnderlay'>): WalkReport {
  const sent = { family, packet, isUnderlay: mode === 'macvlan' }
  const hops: WalkHop[] = []
  for (const [index, step] of stepsOf(mode, sent).entries()) {
    hops.push(hopOf(step, index, hops.at(-1)?.observed))
  }
  const sizes = hops.map(({ observed }) => observed?.bytes ?? 0)
  const [source, destination] = podAddresses(sent)
  return {
    mode,
    family,
    packet,
    from: 'node1/pod1',
    to: 'node2/pod1',
    source,
    destination,
    hops,
    equal: hops.every(({ equal }) => equal),
    addedBytes: Math.max(...sizes) - (sizes[0] ?? 0)
  }
}

function hopOf(step: Step, index: number, before: WalkFrame | undefined): WalkHop {
  const { frame, rows = [], seen, ...where } = step
  const predicted = frame(false)
  const observed = seen ?? frame(true)
  return {
    ...where,
    rows,
    predicted,
    observed,
    afterNs: index * 640 + (index > 3 ? 2_100 : 0),
    changed: before === undefined ? [] : changesOf(before, observed),
    addedBytes: before === undefined ? 0 : observed.bytes - before.bytes,
    equal: seen === undefined
  }
}

/** Innermost headers of each name. */
function changesOf(before: WalkFrame, now: WalkFrame): string[] {
  return now.layers.flatMap(({ name, fields }, at) => {
    if (now.layers.slice(at + 1).some((inner) => inner.name === name)) return []
    const old = before.layers.findLast((layer) => layer.name === name)
    return old === undefined
      ? []
      : Object.keys(fields)
          .filter((field) => old.fields[field] !== fields[field])
          .map((field) => `${name}.${field}`)
  })
}

function stepsOf(mode: SampleMode, sent: Sent): Step[] {
  const { family } = sent
  const [source, destination] = podAddresses(sent)
  const version = family === 'v4' ? '' : '-6 '
  const gateway = family === 'v4' ? '10.5.66.1' : 'fd00:5:0:42::1'
  const nextHop = family === 'v4' ? '192.168.77.2' : 'fd77::2'
  const subnet = family === 'v4' ? '10.5.212.0/24' : 'fd00:5:0:d4::/64'
  const route = (text: string, command: string): TableRow => ({ table: 'route', text, command })
  const plain = (macs: Macs, ttl: number) => (chosen: boolean) => plainFrame(sent, macs, ttl, chosen)
  if (mode === 'macvlan') {
    const onSegment = plain({ source: POD1, destination: POD2 }, 64)
    const neighbour = {
      table: 'neighbour' as const,
      text: `${destination} dev eth0 lladdr ${POD2} REACHABLE`,
      command: `ip neighbour show ${destination} dev eth0`
    }
    return [
      {
        place: 'node1/pod1',
        device: 'eth0',
        role: 'pod',
        direction: 'out',
        frame: onSegment,
        rows: [neighbour]
      },
      ...across(onSegment, []),
      { place: 'node2/pod1', device: 'eth0', role: 'pod', direction: 'in', frame: onSegment }
    ]
  }
  const podToBridge = plain({ source: POD1, destination: BRIDGE1 }, 64)
  const bridgeToPod = plain({ source: BRIDGE2, destination: POD2 }, 62)
  const up: Step[] = [
    {
      place: 'node1/pod1',
      device: 'eth0',
      role: 'pod',
      direction: 'out',
      frame: podToBridge,
      rows: [route(`default via ${gateway} dev eth0`, `ip ${version}route get ${destination}`)]
    },
    { place: 'node1', device: 'vethc2a1', role: 'host end', direction: 'in', frame: podToBridge },
    { place: 'node1', device: 'cni0', role: 'bridge', direction: 'in', frame: podToBridge }
  ]
  const down: Step[] = [
    {
      place: 'node2',
      device: 'cni0',
      role: 'bridge',
      direction: 'out',
      frame: bridgeToPod,
      rows: [
        route(
          `${subnet} dev cni0 proto kernel scope link`,
          `ip ${version}route get ${destination} from ${source} iif eth0`
        )
      ]
    },
    { place: 'node2', device: 'veth77b0', role: 'host end', direction: 'out', frame: bridgeToPod },
    { place: 'node2/pod1', device: 'eth0', role: 'pod', direction: 'in', frame: bridgeToPod }
  ]
  const wire = { source: NODE1, destination: NODE2 }
  if (mode === 'host-gw') {
    const between = plain(wire, 63)
    const decided = [
      route(
        `${subnet} via ${nextHop} dev eth0 proto 133`,
        `ip ${version}route get ${destination} from ${source} iif cni0`
      ),
      {
        table: 'neighbour' as const,
        text: `${nextHop} dev eth0 lladdr ${NODE2} REACHABLE`,
        command: `ip neighbour show ${nextHop} dev eth0`
      }
    ]
    return [...up, ...across(between, decided), ...down]
  }
  const inner = plain({ source: TUNNEL1, destination: TUNNEL2 }, 63)
  const wrapped = (chosen: boolean) => tunnelFrame(sent, wire, inner(chosen), chosen)
  const tunnelRows = [
    route(
      `${subnet} via ${subnet.replace(/\/\d+$/, '')} dev flannel.1 proto 133 onlink`,
      `ip ${version}route get ${destination} from ${source} iif cni0`
    )
  ]
  const fdb = [
    {
      table: 'fdb' as const,
      text: `${TUNNEL2} dst ${nextHop} self permanent`,
      command: 'bridge fdb show dev flannel.1'
    }
  ]
  // A frame that somebody changed on its way up: the only hop that is not equal.
  const changed = plainFrame(sent, { source: TUNNEL1, destination: TUNNEL2 }, 62, true)
  const isOdd = family === 'v4' && sent.packet === 'tcp'
  return [
    ...up,
    {
      place: 'node1',
      device: 'flannel.1',
      role: 'tunnel',
      direction: 'out',
      frame: inner,
      rows: tunnelRows
    },
    ...across(wrapped, fdb),
    {
      place: 'node2',
      device: 'flannel.1',
      role: 'tunnel',
      direction: 'in',
      frame: inner,
      ...(isOdd ? { seen: changed } : {})
    },
    ...down
  ]
}

function across(frame: Step['frame'], rows: readonly TableRow[]): Step[] {
  return [
    { place: 'node1', device: 'eth0', role: 'uplink', direction: 'out', frame, rows },
    { place: 'segment', device: 'port1', role: 'switch', direction: 'in', frame },
    { place: 'segment', device: 'port2', role: 'switch', direction: 'out', frame },
    { place: 'node2', device: 'eth0', role: 'uplink', direction: 'in', frame }
  ]
}

/** macvlan, host-gw and vxlan, both families, both packets. One hop of one of them is not as predicted. */
export const SAMPLE_WALKS: readonly WalkReport[] = (['macvlan', 'host-gw', 'vxlan'] as const).flatMap(
  (mode) => FAMILIES.flatMap((family) => PACKETS.map((packet) => walkOf(mode, { family, packet })))
)
