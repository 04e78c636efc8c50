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

/** The part of one CPU's time that the machine is busy with when nothing is measured; of all CPUs together. */
export async function probeIdle({ durationMs }: Pick<ProbeOptions, 'durationMs'>): Promise<number> {
  const { busyNs, elapsedNs } = await runIdle(durationMs)
  return busyNs / elapsedNs
}

/** The kernel counts CPU time in ticks of 10 ms: too coarse for a short window. */
const STREAM_WINDOWS = 2
const DATAGRAM_BYTES = 64

/**
 * One subject's figures of one round that are taken with the wire as it is.
 *
 * @param idlePart of {@link probeIdle} in the same round
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
    durationMs: isStream ? durationMs * STREAM_WINDOWS : durationMs,
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
  return Math.max(0, busyNs - elapsedNs * idlePart) / 1e9
}
