import type { Conditions } from '../report.ts'
import { sentDuring } from './link-counters.ts'
import { FRAME_OUTSIDE_BYTES, plainFrameBytes } from './metrics.ts'
import type { PodProbe } from './pod-probe.ts'
import { median } from './statistics.ts'
import type { Subject } from './subject.ts'
import { runIdle, runTraffic, type TrafficKind, type TrafficResult } from './traffic.ts'
import type { Values } from './values.ts'

export interface ProbeOptions {
  readonly durationMs: number
  readonly pinnedTo: Conditions['pinnedTo']
}

/** Where CPU time counts, a window is longer: the kernel counts it in ticks of 10 ms. */
const LONGER = 2
/** Less than half a tick cannot be told. */
const LEAST_CPU_NS = 5e6
const DATAGRAM_BYTES = 64

/** Of as many the middle one: a daemon may look at its kernel in any of them. */
const IDLE_WINDOWS = 5

/** CPU time that the machine takes when nothing is measured, as a part of the time that passes; of all CPUs together. */
export async function probeIdle({ durationMs }: Pick<ProbeOptions, 'durationMs'>): Promise<number> {
  const parts: number[] = []
  for (let window = 0; window < IDLE_WINDOWS; window++) {
    const { busyNs, elapsedNs } = await runIdle(durationMs)
    parts.push(busyNs / elapsedNs)
  }
  return median(parts)
}

/**
 * One subject's figures of one round that are taken with the wire as it is.
 *
 * @param idlePart of {@link probeIdle}
 */
export async function probeTraffic(
  subject: Subject,
  idlePart: number,
  values: Values,
  options: ProbeOptions
): Promise<void> {
  const { id } = subject
  const rr = await run('rr', subject, options)
  values.add('tcp-rr-rate', id, perSecond(rr))
  values.add('tcp-rr-p50', id, (rr.p50Ns ?? 0) / 1e3)
  values.add('tcp-rr-p99', id, (rr.p99Ns ?? 0) / 1e3)
  values.add('tcp-crr-rate', id, perSecond(await run('crr', subject, options)))
  const udp = await run('udp', subject, options)
  values.add('udp-received', id, perSecond(udp))
  values.add('cpu-per-million-packets', id, cpuSeconds(udp, idlePart) / (udp.count / 1e6))
  const stream = await run('stream', subject, options)
  values.add('tcp-stream', id, gigabits(stream) / (stream.elapsedNs / 1e9))
  values.add('cpu-per-gbit', id, cpuSeconds(stream, idlePart) / gigabits(stream))
}

/** The figures of a wire on which every frame is one: segmentation offloads are off. */
export async function probeFrames(subject: Subject, values: Values, options: ProbeOptions): Promise<void> {
  const { bytes, packets, result } = await sentDuring(subject.wire[0], () => run('stream', subject, options))
  values.add('tcp-stream-no-offload', subject.id, gigabits(result) / (result.elapsedNs / 1e9))
  const onWire = bytes + packets * FRAME_OUTSIDE_BYTES
  values.add('wire-bytes-per-payload-byte', subject.id, onWire / result.totalBytes)
}

/** Of each round the middle one of three: one may meet the pause of somebody's garbage collector. */
const PODS = 3

/** How long a pod takes to be plugged in and out. */
export async function probePods({ id }: Subject, pods: PodProbe, values: Values): Promise<void> {
  const added: number[] = []
  const removed: number[] = []
  for (let pod = 0; pod < PODS; pod++) {
    added.push(await pods.add())
    removed.push(await pods.remove())
  }
  values.add('pod-add', id, median(added))
  values.add('pod-del', id, median(removed))
}

/** Bytes that a pod's datagram has on the wire beyond its own frame's. A few other frames pass meanwhile: rounded. */
export async function addedBytes(subject: Subject, options: ProbeOptions): Promise<number> {
  const { bytes, packets } = await sentDuring(subject.wire[0], () => run('udp', subject, options))
  return Math.round(bytes / packets) - plainFrameBytes(DATAGRAM_BYTES)
}

/** Requests and datagrams have both ends on one CPU: no wake-up of another decides. Streams have one CPU for each end. */
function run(
  kind: TrafficKind,
  subject: Subject,
  { durationMs, pinnedTo }: ProbeOptions
): Promise<TrafficResult> {
  const { requests, streams } = pinnedTo
  const isStream = kind === 'stream'
  const [from = requests, to = from] = isStream ? streams : []
  return runTraffic(kind, {
    ...subject,
    cpus: { from, to },
    durationMs: isStream || kind === 'udp' ? durationMs * LONGER : durationMs,
    warmUpMs: Math.ceil(durationMs / 3),
    ...(kind === 'udp' ? { bytes: DATAGRAM_BYTES } : {})
  })
}

function perSecond({ count, elapsedNs }: TrafficResult): number {
  return count / (elapsedNs / 1e9)
}

/** Of a stream. */
function gigabits({ count }: TrafficResult): number {
  return (count * 8) / 1e9
}

function cpuSeconds({ busyNs, elapsedNs }: TrafficResult, idlePart: number): number {
  return Math.max(LEAST_CPU_NS, busyNs - elapsedNs * idlePart) / 1e9
}
