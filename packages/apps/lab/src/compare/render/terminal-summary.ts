import type { Ink } from '@trilane/terminal'
import type { Metric, MetricId } from '../measurements.ts'
import type { CompareReport, ModeReport } from '../report.ts'
import { scaleOf } from './scale.ts'
import { textTable, wrapped } from './text-table.ts'
import { addedBytesText, listText, mtuText, percentText, rankingText, ranText } from './words.ts'

interface Column {
  readonly id: MetricId
  readonly head: string
  readonly withInterval?: boolean
}

/** What fits 100 columns, and separates the modes best. */
const COLUMNS: readonly Column[] = [
  { id: 'tcp-rr-p50', head: 'round trip', withInterval: true },
  { id: 'tcp-crr-rate', head: 'connect' },
  { id: 'udp-received', head: 'UDP' },
  { id: 'tcp-stream', head: 'stream' },
  { id: 'cpu-per-gbit', head: 'CPU/Gbit' },
  { id: 'pod-add', head: 'ADD' }
]

/** One row a mode: figures are medians; behind the round trip its interval. */
export function summaryTable({ modes, measurements, walks }: CompareReport, ink: Ink): string[] {
  const columns = COLUMNS.flatMap((column) => {
    const metric = measurements?.metrics.find(({ id }) => id === column.id)
    return metric === undefined ? [] : [{ ...column, metric }]
  })
  const heads = ['mode', 'category', ...columns.map(({ head }) => head), 'adds', 'pod MTU']
  const units = ['', '', ...columns.map(({ metric }) => scaleOf(metric).unit), 'bytes', 'bytes']
  const rows = modes.map((mode) => [
    { text: mode.id, mark: mode.baseline ? ink.dim : ink.strong },
    mode.category ?? 'baseline',
    ...columns.map(({ metric, withInterval }) => figureText(metric, mode, withInterval === true)),
    addedBytesText(mode, walks),
    mtuText(mode)
  ])
  const notes = modes.flatMap((mode) => {
    const why = ranText(mode)
    return why === '' ? [] : wrapped(`  ${mode.id}: ${why}`, ink.columns, '    ')
  })
  const marked = (cells: readonly string[], mark: (text: string) => string) =>
    cells.map((text) => ({ text, mark }))
  return [...textTable([marked(heads, ink.strong), marked(units, ink.dim), ...rows], 2), ...notes]
}

function figureText(metric: Metric, mode: ModeReport, withInterval: boolean): string {
  const series = metric.series.find((one) => one.mode === mode.id)
  if (series === undefined) return '–'
  const { text } = scaleOf(metric)
  const [low, high] = series.interval
  return withInterval ? `${text(series.median)} (${text(low)}–${text(high)})` : text(series.median)
}

/** Who is better in what; in brackets how much a difference must be to count. */
export function rankingLines({ measurements }: CompareReport, ink: Ink): string[] {
  if (measurements === undefined) return []
  const { metrics } = measurements
  const sentences = metrics.flatMap((metric) => {
    const floor = metric.noise === undefined ? '' : ` [${percentText(metric.noise.floor)}]`
    const head = `${metric.title}${floor}:`
    const mark = metric.notRanked === undefined ? ink.dim : ink.bad
    return wrapped(`  ${head} ${rankingText(metric)}`, ink.columns, '    ').map((line) =>
      line.replace(head, mark)
    )
  })
  const twice = [...new Set(metrics.flatMap(({ noise }) => noise?.mode ?? []))]
  const floorText = `noise: ${listText(twice)} was measured twice; what is within the figure in brackets is no difference`
  const noise = twice.length === 0 ? [] : wrapped(`  ${floorText}`, ink.columns, '  ').map(ink.dim)
  return [ink.strong('best first, by the median'), ...sentences, ...noise]
}
