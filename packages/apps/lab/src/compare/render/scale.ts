import type { Metric } from '../measurements.ts'

/** How the values of one metric are written: all of them with the same unit and digits. */
export interface Scale {
  /** `k/s` for thousands a second; else the metric's own. */
  readonly unit: string
  readonly text: (value: number) => string
}

/** Rates from here on are written in thousands. */
const THOUSANDS_FROM = 10_000
/** Three digits that mean something, of the smallest median. */
const DIGITS = 3
/** Bytes on the wire per byte of payload differ in the third digit behind the point. */
const RATIO_FRACTION_DIGITS = 4

export function scaleOf({ unit, series }: Metric): Scale {
  const medians = series.map(({ median }) => Math.abs(median)).filter((median) => median > 0)
  const smallest = medians.length === 0 ? 1 : Math.min(...medians)
  const inThousands = unit === '1/s' && smallest >= THOUSANDS_FROM
  const divisor = inThousands ? 1000 : 1
  const digits = unit === 'bytes' ? RATIO_FRACTION_DIGITS : fractionDigits(smallest / divisor)
  return { unit: inThousands ? 'k/s' : unit, text: (value) => (value / divisor).toFixed(digits) }
}

function fractionDigits(value: number): number {
  return Math.max(0, DIGITS - 1 - Math.floor(Math.log10(value)))
}
