import type { Metric, MetricId } from '../measurements.ts'
import { METRICS } from './metrics.ts'
import type { Random } from './random.ts'
import type { Values } from './values.ts'
import { compareSeries, compareWithItself, rangeText, ranking, seriesOf, spreadOf } from './verdict.ts'

/** Who is who among the series. */
export interface Cast {
  /** Compared and ranked, in the order of the report; baselines are only shown. */
  readonly baselines: readonly string[]
  readonly runs: readonly string[]
  /** The run that has a second lab, and the id that its values stand under. */
  readonly twin: { readonly of: string; readonly id: string }
}

/** Makes the report's metrics of the values; those that nobody has are left out. */
export function judge(
  values: Values,
  cast: Cast,
  limits: ReadonlyMap<MetricId, ReadonlyMap<string, number>>,
  random: Random
): Metric[] {
  return (Object.keys(METRICS) as MetricId[]).flatMap((id) => {
    const bySubject = values.of(id)
    if (bySubject.size === 0) return []
    const series = [...cast.baselines, ...cast.runs, cast.twin.id].flatMap((mode) => {
      const own = bySubject.get(mode)
      return own === undefined ? [] : [seriesOf(mode, own, random, limits.get(id)?.get(mode))]
    })
    return [judgeMetric(id, series, cast, random)]
  })
}

function judgeMetric(
  id: MetricId,
  all: readonly Metric['series'][number][],
  cast: Cast,
  random: Random
): Metric {
  const { phrase, ...facts } = METRICS[id]
  const judged = { better: facts.better, phrase }
  const series = all.filter(({ mode }) => mode !== cast.twin.id)
  const [once, again] = [cast.twin.of, cast.twin.id].map((wanted) => all.find(({ mode }) => mode === wanted))
  const runs = cast.runs.flatMap((run) => series.find(({ mode }) => mode === run) ?? [])
  if (once === undefined || again === undefined) {
    throw new RangeError(`${id}: ${cast.twin.of} was not measured twice`)
  }
  const noise = compareWithItself(once, again, judged, spreadOf(all), random)
  const comparisons = runs.flatMap((a, index) =>
    runs.slice(index + 1).map((b) => compareSeries(a, b, judged, noise.floor, random))
  )
  const isQuiet = noise.comparison.verdict === 'no-difference-shown'
  return {
    id,
    ...facts,
    series,
    noise,
    comparisons,
    ...(isQuiet
      ? { ranking: ranking(runs, comparisons, facts.better) }
      : {
          notRanked: `${noise.mode} measured twice differs from itself (ratio ${rangeText(noise.comparison.interval)}): the machine was not quiet enough to rank this`
        })
  }
}
