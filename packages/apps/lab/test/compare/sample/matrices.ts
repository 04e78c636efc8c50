import { FAMILIES, type Family } from '@trilane/ip'
import {
  type MatrixCell,
  type MatrixReport,
  TOPOLOGIES,
  type Topology,
  WAYS,
  type WayName
} from '../../../src/compare/report.ts'

const MODES = ['macvlan', 'ipvlan-l2', 'host-gw', 'vxlan-direct', 'vxlan']
const NAMES: Readonly<Record<Family, string>> = { v4: 'IPv4', v6: 'IPv6' }

type Answer = Pick<MatrixCell, 'answer' | 'reason' | 'reasonFrom'>

const ONE_SEGMENT = 'all nodes are on one segment: there is no router between them'
const UNMASQUERADED =
  "pods are on the nodes' own network, and what they send does not pass the packet filter of their node"
const LEAVES_NODE: readonly WayName[] = [
  'pod → pod, other node',
  'node → remote pod',
  'pod → outside, its own address',
  'outside → pod'
]
const TO_OUTSIDE: readonly WayName[] = ['pod → outside, its own address', 'outside → pod']

function answerTo(mode: string, topology: Topology, family: Family, way: WayName): Answer {
  const isUnderlay = mode === 'macvlan' || mode === 'ipvlan-l2'
  if (way === 'pod → pod, behind the router') return behindRouter(mode, topology, isUnderlay)
  if (way === 'pod → outside, masqueraded' && isUnderlay) {
    return { answer: 'not-applicable', reason: UNMASQUERADED, reasonFrom: 'config' }
  }
  if (topology === 'one-mac-port' && mode === 'macvlan' && LEAVES_NODE.includes(way)) {
    return no('macvlan cannot: only one MAC is answered', 'doctor')
  }
  if (topology === 'anti-spoof') return antiSpoofed(mode, family, way)
  return { answer: 'yes' }
}

function behindRouter(mode: string, topology: Topology, isUnderlay: boolean): Answer {
  if (topology !== 'routed') return { answer: 'not-applicable', reason: ONE_SEGMENT }
  if (isUnderlay) {
    return no(
      `TRI_PARENT_UNFIT: ${mode.replace('-l2', '')} cannot be used on eth0: the network 192.168.77.0/24 is not on its segment, which is 192.168.88.0/24`,
      'daemon'
    )
  }
  return mode === 'host-gw'
    ? no('host-gw cannot reach node3 at 192.168.88.3: eth0 is 192.168.77.1/24, another network', 'status')
    : { answer: 'yes' }
}

function antiSpoofed(mode: string, family: Family, way: WayName): Answer {
  if (mode === 'vxlan') {
    return TO_OUTSIDE.includes(way)
      ? no(
          `${NAMES[family]} packets with the addresses of pods are dropped: pods reach others than pods and nodes by --ip-masq alone, and are reached by none`,
          'doctor'
        )
      : { answer: 'yes' }
  }
  if (!LEAVES_NODE.includes(way)) return { answer: 'yes' }
  const type = mode === 'vxlan-direct' ? 'host-gw' : mode.replace('-l2', '')
  return no(`${type} cannot: ${NAMES[family]} addresses that the network does not know are dropped`, 'doctor')
}

function no(reason: string, reasonFrom: 'status' | 'doctor' | 'daemon'): Answer {
  return { answer: 'no', reason, reasonFrom }
}

function packetOf(mode: string, family: Family): string {
  const isUnderlay = mode === 'macvlan' || mode === 'ipvlan-l2'
  if (family === 'v4') return isUnderlay ? '192.168.77.241 → 192.168.77.225' : '10.5.66.2 → 10.5.212.2'
  return isUnderlay ? 'fd77::1:f1 → fd77::1:e1' : 'fd00:5:0:42::2 → fd00:5:0:d4::2'
}

function lanesOf(mode: string, topology: Topology): string[] {
  const lane = mode === 'vxlan-direct' ? 'host-gw – the preferred lane' : `${mode} – the only lane`
  const near = `node1 → node2: ${lane}; an answer from 192.168.77.2 and fd77::2`
  if (topology !== 'routed') return [near]
  const why = 'host-gw cannot reach node3 at 192.168.88.3: eth0 is 192.168.77.1/24, another network'
  if (mode === 'host-gw') return [near, `node1 → node3: none – ${why}`]
  if (mode === 'vxlan-direct') return [near, `node1 → node3: vxlan – in place of host-gw: ${why}`]
  return mode === 'vxlan' ? [near, 'node1 → node3: vxlan – the only lane'] : [near]
}

export const SAMPLE_MATRICES: readonly MatrixReport[] = TOPOLOGIES.flatMap((topology) =>
  MODES.flatMap((mode) =>
    FAMILIES.map((family) => ({
      mode,
      topology,
      family,
      cells: WAYS.map((way) => ({
        way,
        ...answerTo(mode, topology, family, way),
        packet: packetOf(mode, family)
      })),
      lanes: lanesOf(mode, topology)
    }))
  )
)
