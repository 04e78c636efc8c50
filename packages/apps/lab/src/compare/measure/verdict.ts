import type { Comparison, Metric, NullComparison, Series } from '../measurements.ts'
import type { Random } from './random.ts'
import { median, medianDeviation, medianInterval } from './statistics.ts'

/** What a verdict needs to know of a metric. */
export interface Judged extends Pick<Metric, 'better'> {
  /** Between the two modes, the greater one first: `takes 1.14 times as long as`. */
  readonly phrase: (ratio: string) => string
}

/** Less is of no consequence to anybody, and a machine's own steps (frequency, placement in memory) are of that size. */
export const SMALLEST_PART = 0.01

/** Times the median deviation: 1.35 standard deviations of one round's ratio, were it normal. */
const SPREADS = 2

/**
 * How much ratios of two modes vary from round to round, as a part of one: of every pair {@link SPREADS} median deviations, and
 * of those the middle one. So neither one restless mode nor one pair that was steady by chance decides. In logarithms: half as
 * much is as far from the same as twice as much.
 *
 * @param series two at least
 */
export function spreadOf(series: readonly Series[]): number {
  const deviations = series.flatMap((a, index) =>
    series.slice(index + 1).map((b) => medianDeviation(ratiosOf(a, b).map(Math.log)))
  )
  return Math.max(SMALLEST_PART, Math.expm1(SPREADS * median(deviations)))
}

/** @param values one a round, one at least */
export function seriesOf(
  mode: string,
  values: readonly number[],
  random: Random,
  limit: number | undefined
): Series {
  return {
    mode,
    values,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    interval: medianInterval(values, random),
    ...(limit === undefined ? {} : { limit })
  }
}

/**
 * Two series of the same rounds. A difference counts only when the interval of the rounds' ratios excludes 1, and when
 * it is larger than `floor`: a part of one, in the direction in which the ratio is above 1.
 */
export function compareSeries(
  a: Series,
  b: Series,
  judged: Judged,
  floor: number,
  random: Random
): Comparison {
  const ratios = ratiosOf(a, b)
  const ratio = median(ratios)
  const interval = medianInterval(ratios, random)
  const excludesOne = interval[0] > 1 || interval[1] < 1
  const differs = excludesOne && excess(ratio) > floor
  const aIsBetter = ratio > 1 === (judged.better === 'higher')
  const verdict = !differs ? 'no-difference-shown' : aIsBetter ? 'a-better' : 'b-better'
  const within = excludesOne ? `; what is within ${(floor * 100).toFixed(1)} % does not count` : ''
  const text = differs
    ? differenceText(a, b, ratio, interval, judged)
    : `${a.mode} and ${b.mode}: no difference shown (ratio ${rangeText(interval)}${within})`
  return { a: a.mode, b: b.mode, ratio, interval, verdict, text }
}

/** One mode measured twice, as if it were two: what differs there is the machine. */
export function compareWithItself(
  once: Series,
  again: Series,
  judged: Judged,
  spread: number,
  random: Random
): NullComparison {
  const comparison = compareSeries(once, again, judged, spread, random)
  return { mode: once.mode, comparison, floor: Math.max(spread, excess(comparison.ratio)) }
}

/**
 * Fastest first. Whoever stands in different groups is shown to differ, each from each; inside a group some may be, too,
 * but not everyone.
 */
export function ranking(
  series: readonly Series[],
  comparisons: readonly Comparison[],
  better: Metric['better']
): string[][] {
  const sign = better === 'higher' ? -1 : 1
  const order = [...series].sort((a, b) => sign * (a.median - b.median)).map(({ mode }) => mode)
  const isShown = (faster: string, slower: string): boolean =>
    comparisons.some(
      ({ a, b, verdict }) =>
        (a === faster && b === slower && verdict === 'a-better') ||
        (b === faster && a === slower && verdict === 'b-better')
    )
  const groups: string[][] = []
  let group: string[] = []
  for (const [index, mode] of order.entries()) {
    group.push(mode)
    const behind = order.slice(index + 1)
    if (order.slice(0, index + 1).every((faster) => behind.every((slower) => isShown(faster, slower)))) {
      groups.push(group)
      group = []
    }
  }
  return groups
}

function ratiosOf(a: Series, b: Series): number[] {
  return a.values.map((value, round) => value / (b.values[round] ?? Number.NaN))
}

/** How far a ratio or its inverse is above 1. */
function excess(ratio: number): number {
  return Math.max(ratio, 1 / ratio) - 1
}

/** The greater one first. */
function differenceText(
  a: Series,
  b: Series,
  ratio: number,
  [low, high]: readonly [number, number],
  { phrase }: Judged
): string {
  return ratio >= 1
    ? `${a.mode} ${phrase(ratio.toFixed(2))} ${b.mode} (${rangeText([low, high])})`
    : `${b.mode} ${phrase((1 / ratio).toFixed(2))} ${a.mode} (${rangeText([1 / high, 1 / low])})`
}

/** `1.10 to 1.18` */
export function rangeText([low, high]: readonly [number, number]): string {
  return `${low.toFixed(2)} to ${high.toFixed(2)}`
}
