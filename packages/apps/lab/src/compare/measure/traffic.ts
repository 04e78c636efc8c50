import { existsSync } from 'node:fs'
import { TrilaneError } from '@trilane/contracts'
import { type Place, startProgram } from '@trilane/testbed'

/** Beside the bundle that this is part of; made of native/traffic.c. */
export const TRAFFIC_PROGRAM = new URL('./trilane-traffic', import.meta.url).pathname

/** `rr`: request and answer on one TCP connection; `crr`: on a connection each. */
export type TrafficKind = 'rr' | 'crr' | 'stream' | 'udp'

export interface TrafficOptions {
  readonly from: Place
  readonly to: Place
  /** Of `to`. */
  readonly address: string
  readonly cpus: { readonly from: number; readonly to: number }
  readonly durationMs: number
  /** Before that. */
  readonly warmUpMs: number
  /** Of a request, a datagram or a write. @default 1, 64, 128 KiB */
  readonly bytes?: number
}

/** What came about in the window after the warm-up. */
export interface TrafficResult {
  readonly elapsedNs: number
  /** CPU time of the whole machine, its other work included. */
  readonly busyNs: number
  /** Answers; bytes of a stream; datagrams. As they arrived. */
  readonly count: number
  /** Payload that arrived at all, warm-up included: of `stream` and `udp`. */
  readonly totalBytes: number
  /** Of answers. */
  readonly p50Ns?: number
  readonly p99Ns?: number
}

/** Then the path is dead: the program says so, and ends. */
const SILENCE_MS = 2_000

/** @throws TrilaneError `TRI_COMMAND_FAILED` when there is no program, or nothing arrives */
export async function runTraffic(kind: TrafficKind, options: TrafficOptions): Promise<TrafficResult> {
  const { from, to, address, cpus, durationMs, warmUpMs, bytes } = options
  const words = {
    address,
    from: from.namespacePath,
    to: to.namespacePath,
    'from-cpu': cpus.from,
    'to-cpu': cpus.to,
    'duration-ms': durationMs,
    'warm-up-ms': warmUpMs,
    'timeout-ms': SILENCE_MS,
    ...(bytes === undefined ? {} : { bytes })
  }
  const args = Object.entries(words).flatMap(([name, value]) => [`--${name}`, `${value}`])
  return JSON.parse(await runMeasure([kind, ...args])) as TrafficResult
}

/** CPU time of the machine when nothing is measured. */
export async function runIdle(durationMs: number): Promise<Pick<TrafficResult, 'elapsedNs' | 'busyNs'>> {
  return JSON.parse(await runMeasure(['idle', '--duration-ms', `${durationMs}`])) as TrafficResult
}

/** @throws TrilaneError `TRI_COMMAND_FAILED` if it is not there */
export function needTrafficProgram(): void {
  if (existsSync(TRAFFIC_PROGRAM)) return
  throw TrilaneError.of(
    'TRI_COMMAND_FAILED',
    { command: TRAFFIC_PROGRAM, status: 'it was not built' },
    { details: 'it is made of C: install gcc and libc6-dev, then `npm run build`; `npm start` does both' }
  )
}

async function runMeasure(words: readonly string[]): Promise<string> {
  const running = await startProgram([TRAFFIC_PROGRAM, ...words])
  running.stdin?.end()
  const { status, signal, stdout, stderr } = await running.exited
  if (status === 0) return stdout
  throw TrilaneError.of(
    'TRI_COMMAND_FAILED',
    { command: running.command, status: signal ?? `exit status ${status}` },
    { details: stderr.trim() }
  )
}
