/** The figures of one comparison. Every round measures every series once, in an order that turns from round to round. */
export interface Measurements {
  readonly rounds: number
  /** Of one measurement. */
  readonly durationMs: number
  readonly metrics: readonly Metric[]
}

export type MetricId =
  | 'tcp-rr-rate'
  | 'tcp-rr-p50'
  | 'tcp-rr-p99'
  | 'tcp-crr-rate'
  | 'udp-received'
  | 'tcp-stream'
  | 'tcp-stream-no-offload'
  | 'cpu-per-gbit'
  | 'cpu-per-million-packets'
  | 'pod-add'
  | 'pod-del'
  | 'wire-bytes-per-payload-byte'

export interface Metric {
  readonly id: MetricId
  /** For people: `TCP request/response`. */
  readonly title: string
  /** `1/s`, `µs`, `Gbit/s`, `CPU s`, `ms`, `bytes` */
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly series: readonly Series[]
  /** The same mode measured twice as if it were two. Absent when the metric has one value by its nature. */
  readonly noise?: NullComparison
  /** Fastest first; modes of one group are not shown to differ. Absent when nothing is ranked. */
  readonly ranking?: readonly (readonly string[])[]
  /** Why nothing is ranked: the null comparison differs. */
  readonly notRanked?: string
  readonly comparisons: readonly Comparison[]
}

/** One mode's values, one a round. */
export interface Series {
  readonly mode: string
  readonly values: readonly number[]
  readonly median: number
  readonly min: number
  readonly max: number
  /** 95 % bootstrap interval of the median. */
  readonly interval: readonly [number, number]
  /** What physics allows, where that can be computed: of `tcp-stream` nothing, of wire bytes the theoretical value. */
  readonly limit?: number
}

export interface NullComparison {
  /** The mode that was measured twice. */
  readonly mode: string
  readonly comparison: Comparison
  /** Ratio beyond which a difference may count, as a part of one: 0.02 is 2 %. The larger of the null comparison's own and of the spread. */
  readonly floor: number
}

/** Two modes of one metric, round by round. */
export interface Comparison {
  readonly a: string
  readonly b: string
  /** Median over the rounds of a / b. */
  readonly ratio: number
  /** Bootstrap interval of it. */
  readonly interval: readonly [number, number]
  readonly verdict: 'a-better' | 'b-better' | 'no-difference-shown'
  /** `host-gw takes 1.14 times as long as macvlan (1.10 to 1.18)`; or that no difference is shown. */
  readonly text: string
}
