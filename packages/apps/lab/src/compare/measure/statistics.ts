import type { Random } from './random.ts'

/** Of one at least; between the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  return quantile(sorted(values), 0.5)
}

/** Median of the distances from the median: the spread of the middle half, whatever the outliers. */
export function medianDeviation(values: readonly number[]): number {
  const middle = median(values)
  return median(values.map((value) => Math.abs(value - middle)))
}

/** Resamples of a bootstrap: the interval's ends move by less than a tenth of its width with twice as many. */
const RESAMPLES = 1_000

/**
 * 95 % percentile bootstrap interval of the median: of medians of as many values, drawn with replacement, the middle 95 %.
 * One value has no width.
 */
export function medianInterval(values: readonly number[], random: Random): readonly [number, number] {
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN))
  )
  const ordered = sorted(medians)
  return [quantile(ordered, 0.025), quantile(ordered, 0.975)]
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b)
}

/** Linear between neighbours. */
function quantile(ordered: readonly number[], part: number): number {
  const place = part * (ordered.length - 1)
  const below = ordered[Math.floor(place)]
  const above = ordered[Math.ceil(place)]
  if (below === undefined || above === undefined) throw new RangeError('no values')
  return below + (above - below) * (place - Math.floor(place))
}
