import type { Metric, MetricId } from '../measurements.ts'
import type { Judged } from './verdict.ts'

/** What is known of a metric before it is measured. */
export interface MetricFacts extends Pick<Metric, 'title' | 'unit'>, Judged {}

const takesAsLong = (ratio: string) => `takes ${ratio} times as long as`
const doesAsMuch = (ratio: string) => `does ${ratio} times as many a second as`
const carries = (ratio: string) => `carries ${ratio} times as much as`
const receives = (ratio: string) => `receives ${ratio} times as many a second as`
const needsCpu = (ratio: string) => `needs ${ratio} times as much CPU as`

/** In the order in which they are shown. */
export const METRICS: Readonly<Record<MetricId, MetricFacts>> = {
  'tcp-rr-rate': { title: 'TCP request/response', unit: '1/s', better: 'higher', phrase: doesAsMuch },
  'tcp-rr-p50': { title: 'TCP round trip, median', unit: 'µs', better: 'lower', phrase: takesAsLong },
  'tcp-rr-p99': { title: 'TCP round trip, 99 of 100', unit: 'µs', better: 'lower', phrase: takesAsLong },
  'tcp-crr-rate': {
    title: 'TCP connect, request, response, close',
    unit: '1/s',
    better: 'higher',
    phrase: doesAsMuch
  },
  'udp-received': { title: 'UDP of 64 bytes, received', unit: '1/s', better: 'higher', phrase: receives },
  'tcp-stream': { title: 'TCP stream', unit: 'Gbit/s', better: 'higher', phrase: carries },
  'tcp-stream-no-offload': {
    title: 'TCP stream, no segmentation offload on the wire',
    unit: 'Gbit/s',
    better: 'higher',
    phrase: carries
  },
  'cpu-per-gbit': {
    title: 'CPU per Gbit of the TCP stream',
    unit: 'CPU s',
    better: 'lower',
    phrase: needsCpu
  },
  'cpu-per-million-packets': {
    title: 'CPU per million UDP packets',
    unit: 'CPU s',
    better: 'lower',
    phrase: needsCpu
  },
  'pod-add': { title: 'pod ADD, by the CNI plugin', unit: 'ms', better: 'lower', phrase: takesAsLong },
  'pod-del': { title: 'pod DEL, by the CNI plugin', unit: 'ms', better: 'lower', phrase: takesAsLong },
  'wire-bytes-per-payload-byte': {
    title: 'bytes on the wire per byte of a TCP stream',
    unit: 'bytes',
    better: 'lower',
    phrase: (ratio) => `sends ${ratio} times as many bytes as`
  }
}

/** Of an Ethernet frame, beyond what counters see: check sum 4, preamble 8, gap 12. */
export const FRAME_OUTSIDE_BYTES = 24

const ETHERNET_HEADER_BYTES = 14
/** IPv4 20, TCP 20, its timestamps 12. */
const TCP_HEADERS_BYTES = 52

/** The least that a stream of full segments can need: of one packet of the pods' MTU, with what is added to it on the way. */
export function leastWireBytes(podMtuBytes: number, overheadBytes: number): number {
  const frameBytes = podMtuBytes + overheadBytes + ETHERNET_HEADER_BYTES + FRAME_OUTSIDE_BYTES
  return frameBytes / (podMtuBytes - TCP_HEADERS_BYTES)
}

/** IPv4 20, UDP 8: of a datagram's frame without anything around it. */
export function plainFrameBytes(payloadBytes: number): number {
  return ETHERNET_HEADER_BYTES + 28 + payloadBytes
}
