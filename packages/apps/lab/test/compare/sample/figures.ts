import type { Comparison, Measurements, Metric, MetricId, Series } from '../../../src/compare/measurements.ts'

/** How nine rounds lie around their median, as parts of it; times a metric's spread. */
const ROUNDS = [0.4, -0.7, 0, 1, -0.3, 0.15, -1, 0.6, -0.1]

export const BASELINES = ['node', 'veth']
export const RUNS = ['macvlan', 'host-gw', 'vxlan-direct', 'vxlan']

interface Row {
  readonly id: MetricId
  readonly title: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly words: string
  /** Of node, veth, macvlan, host-gw, vxlan-direct, vxlan. */
  readonly medians: readonly (number | undefined)[]
  /** Of the rounds, as a part of one. */
  readonly spread: number
  readonly limits?: readonly number[]
  /** How far a mode is from itself. */
  readonly itself?: number
}

/** One machine of 2 CPUs, Linux 6.18, both ends on one CPU; other machines have other figures. */
const ROWS: readonly Row[] = [
  {
    id: 'tcp-rr-rate',
    title: 'TCP request/response',
    unit: '1/s',
    better: 'higher',
    words: 'does R times as many a second as',
    medians: [152_000, 211_000, 147_500, 111_500, 112_100, 94_500],
    spread: 0.02
  },
  {
    id: 'tcp-rr-p50',
    title: 'TCP round trip, median',
    unit: 'µs',
    better: 'lower',
    words: 'takes R times as long as',
    medians: [6.25, 4.5, 6.5, 8.7, 8.65, 10.4],
    spread: 0.015
  },
  {
    id: 'tcp-rr-p99',
    title: 'TCP round trip, 99 of 100',
    unit: 'µs',
    better: 'lower',
    words: 'takes R times as long as',
    medians: [7.2, 5.2, 8.7, 10.4, 10.3, 12],
    spread: 0.06
  },
  {
    id: 'tcp-crr-rate',
    title: 'TCP connect, request, response, close',
    unit: '1/s',
    better: 'higher',
    words: 'does R times as many a second as',
    medians: [39_500, 48_100, 37_000, 28_600, 28_300, 24_500],
    spread: 0.025
  },
  {
    id: 'udp-received',
    title: 'UDP of 64 bytes, received',
    unit: '1/s',
    better: 'higher',
    words: 'receives R times as many a second as',
    medians: [430_000, 571_000, 360_000, 288_000, 291_000, 214_000],
    spread: 0.04
  },
  {
    id: 'tcp-stream',
    title: 'TCP stream',
    unit: 'Gbit/s',
    better: 'higher',
    words: 'carries R times as much as',
    medians: [13.8, 15.2, 13.2, 13.4, 17.9, 18.3],
    spread: 0.35
  },
  {
    id: 'tcp-stream-no-offload',
    title: 'TCP stream, no segmentation offload on the wire',
    unit: 'Gbit/s',
    better: 'higher',
    words: 'carries R times as much as',
    medians: [7, 9.8, 6.3, 5.6, 5.7, 6],
    spread: 0.12,
    itself: 1.31
  },
  {
    id: 'cpu-per-gbit',
    title: 'CPU per Gbit of the TCP stream',
    unit: 'CPU s',
    better: 'lower',
    words: 'needs R times as much CPU as',
    medians: [0.077, 0.073, 0.076, 0.088, 0.067, 0.066],
    spread: 0.4
  },
  {
    id: 'cpu-per-million-packets',
    title: 'CPU per million UDP packets',
    unit: 'CPU s',
    better: 'lower',
    words: 'needs R times as much CPU as',
    medians: [2.38, 1.8, 2.7, 4.07, 4.05, 4.64],
    spread: 0.1
  },
  {
    id: 'pod-add',
    title: 'pod ADD, by the CNI plugin',
    unit: 'ms',
    better: 'lower',
    words: 'takes R times as long as',
    medians: [undefined, undefined, 15.0, 5.0, 4.8, 4.7],
    spread: 0.08
  },
  {
    id: 'pod-del',
    title: 'pod DEL, by the CNI plugin',
    unit: 'ms',
    better: 'lower',
    words: 'takes R times as long as',
    medians: [undefined, undefined, 4.04, 4.03, 4.0, 3.95],
    spread: 0.08
  },
  {
    id: 'wire-bytes-per-payload-byte',
    title: 'bytes on the wire per byte of a TCP stream',
    unit: 'bytes',
    better: 'lower',
    words: 'sends R times as many bytes as',
    medians: [1.0635, 1.0631, 1.0636, 1.0634, 1.0669, 1.1024],
    spread: 0.0012,
    limits: [1.0622, 1.0622, 1.0622, 1.0622, 1.0644, 1.1001]
  }
]

export const SAMPLE_MEASUREMENTS: Measurements = {
  rounds: ROUNDS.length,
  durationMs: 400,
  metrics: ROWS.map(metric)
}

function metric({ medians, limits, words, itself, spread, ...facts }: Row): Metric {
  const series = [...BASELINES, ...RUNS].flatMap((mode, index) => {
    const middle = medians[index]
    return middle === undefined ? [] : [seriesOf(mode, middle, spread, index, limits?.[index])]
  })
  const runs = series.filter(({ mode }) => RUNS.includes(mode))
  const judge = (a: Series, b: Series) => comparison(a, b, facts.better, words, spread)
  const comparisons = runs.flatMap((a, index) => runs.slice(index + 1).map((b) => judge(a, b)))
  const hostGw = series.find(({ mode }) => mode === 'host-gw')
  if (hostGw === undefined) throw new RangeError(`${facts.id} has no host-gw`)
  const again = seriesOf('host-gw again', hostGw.median / (itself ?? 1.002), spread, 3)
  const noise = {
    mode: 'host-gw',
    comparison: judge(hostGw, again),
    floor: Math.max(spread * 1.5, (itself ?? 1) - 1)
  }
  const verdict =
    itself === undefined
      ? { ranking: ranked(runs, facts.better, comparisons) }
      : {
          notRanked:
            'host-gw measured twice differs from itself (ratio 1.19 to 1.42): the machine was not quiet enough to rank this'
        }
  return { ...facts, series, noise, comparisons, ...verdict }
}

function seriesOf(mode: string, middle: number, spread: number, turn: number, limit?: number): Series {
  const values = ROUNDS.map((_, round) => {
    const part = ROUNDS[(round + turn * 4) % ROUNDS.length] ?? 0
    return Number((middle * (1 + part * spread)).toPrecision(6))
  })
  const sorted = [...values].sort((a, b) => a - b)
  const at = (index: number) => sorted[index] ?? Number.NaN
  return {
    mode,
    values,
    median: at(4),
    min: at(0),
    max: at(8),
    interval: [at(2), at(7)],
    ...(limit === undefined ? {} : { limit })
  }
}

function comparison(
  a: Series,
  b: Series,
  better: 'higher' | 'lower',
  words: string,
  spread: number
): Comparison {
  const ratio = a.median / b.median
  const interval = [ratio * (1 - spread / 2), ratio * (1 + spread / 2)] as const
  const range = (low: number, high: number) => `${low.toFixed(2)} to ${high.toFixed(2)}`
  if (Math.abs(Math.log(ratio)) <= spread * 1.5) {
    const text = `${a.mode} and ${b.mode}: no difference shown (ratio ${range(...interval)})`
    return { a: a.mode, b: b.mode, ratio, interval, verdict: 'no-difference-shown', text }
  }
  const isMore = ratio > 1
  const by = isMore ? ratio : 1 / ratio
  const [more, less] = isMore ? [a, b] : [b, a]
  const text = `${more.mode} ${words.replace('R', by.toFixed(2))} ${less.mode} (${range(by * (1 - spread / 2), by * (1 + spread / 2))})`
  return {
    a: a.mode,
    b: b.mode,
    ratio,
    interval,
    verdict: isMore === (better === 'higher') ? 'a-better' : 'b-better',
    text
  }
}

/** Neighbours in the order that are shown to differ stand in different groups. */
function ranked(
  runs: readonly Series[],
  better: 'higher' | 'lower',
  comparisons: readonly Comparison[]
): string[][] {
  const sign = better === 'higher' ? -1 : 1
  const groups: string[][] = []
  for (const { mode } of [...runs].sort((a, b) => sign * (a.median - b.median))) {
    const last = groups.at(-1)
    const isSame = (other: string) =>
      comparisons.some(
        ({ a, b, verdict }) =>
          verdict === 'no-difference-shown' && [a, b].includes(mode) && [a, b].includes(other)
      )
    if (last?.some(isSame) === true) last.push(mode)
    else groups.push([mode])
  }
  return groups
}
