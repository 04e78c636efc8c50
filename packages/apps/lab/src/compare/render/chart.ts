import type { Metric, Series } from '../measurements.ts'
import type { CompareReport, ModeReport } from '../report.ts'
import { markerShape } from './marker.ts'
import { html, type Markup } from './markup.ts'
import { type Scale, scaleOf } from './scale.ts'
import { listText, rankingText } from './words.ts'

/** Pixels of a row: a line of text, below it the plot. */
const ROW = 44
const TEXT_AT = 15
const PLOT_AT = 29
const AXIS = 26
/** Where the values' range begins and ends, in per cent of the width: brackets stand before it. */
const FROM = 5
const TO = 96
/** About so many lines of the grid. */
const TICKS = 5

/** A range of values and where it lies, in per cent of the width. */
interface Axis {
  readonly ticks: readonly number[]
  readonly at: (value: number) => string
  readonly fromZero: boolean
  /** Greater values are said in words. */
  readonly end: number
}

/** One round that is so far above all intervals would press everything else together. */
const FAR_TIMES = 1.3

/**
 * Rows of one metric, baselines first, then the best first. Places along the axis are per cent of the width and texts have
 * their size in pixels: the picture fits any screen without scaling its letters.
 */
export function chart(metric: Metric, modes: CompareReport['modes']): Markup {
  const scale = scaleOf(metric)
  const rows = orderedSeries(metric, modes)
  const axis = axisOf(metric)
  const height = rows.length * ROW + AXIS
  const bottom = rows.length * ROW
  return html`<svg class="plot" role="img" aria-label="${descriptionOf(metric, rows, scale)}" width="100%" height="${height}">
${axis.ticks.map((tick) => html`<line class="grid" x1="${axis.at(tick)}" x2="${axis.at(tick)}" y1="0" y2="${bottom}"/><text class="tick" x="${axis.at(tick)}" y="${bottom + 17}">${tickText(tick, scale, axis)}</text>`)}
${rows.map((series, index) => row(series, modes, index * ROW, axis, scale))}
${brackets(metric, rows)}
</svg>${axis.fromZero ? '' : html`<p class="note">The axis does not begin at 0.</p>`}${farRounds(rows, axis, scale)}`
}

function row(series: Series, modes: readonly ModeReport[], top: number, axis: Axis, scale: Scale): Markup {
  const mode = modes.find(({ id }) => id === series.mode)
  const { at, fromZero } = axis
  const [low, high] = series.interval
  const y = top + PLOT_AT
  const limit =
    series.limit === undefined
      ? ''
      : html`<line class="limit" x1="${at(series.limit)}" x2="${at(series.limit)}" y1="${y - 9}" y2="${y + 9}"/>`
  const limitText = series.limit === undefined ? '' : `, limit ${scale.text(series.limit)}`
  return html`<g class="${mode?.category ?? 'baseline'}">
<text class="name" x="16" y="${top + TEXT_AT}">${series.mode}</text><text class="value" x="100%" y="${top + TEXT_AT}">${scale.text(series.median)} <tspan class="range">(${scale.text(low)} – ${scale.text(high)}${limitText})</tspan></text>
${fromZero ? html`<line class="bar" x1="${at(0)}" x2="${at(series.median)}" y1="${y}" y2="${y}"/>` : ''}
<line class="interval" x1="${at(low)}" x2="${at(high)}" y1="${y}" y2="${y}"/>${limit}
${series.values.filter((value) => value <= axis.end).map((value) => html`<circle class="round" cx="${at(value)}" cy="${y}" r="2"/>`)}
<svg class="marker" x="${at(series.median)}" y="${y}" overflow="visible">${markerShape(mode?.category)}</svg>
</g>`
}

function farRounds(rows: readonly Series[], { end }: Axis, scale: Scale): Markup {
  const texts = rows.flatMap(({ mode, values }) => {
    const far = values.filter((value) => value > end)
    return far.length === 0 ? [] : [`${mode} ${listText(far.map(scale.text))}`]
  })
  return texts.length === 0
    ? html``
    : html`<p class="note">Single rounds beyond the picture: ${texts.join('; ')} ${scale.unit}.</p>`
}

function brackets({ ranking }: Metric, rows: readonly Series[]): Markup[] {
  return (ranking ?? [])
    .filter((group) => group.length > 1)
    .map((group) => {
      const at = group.map((mode) => rows.findIndex((series) => series.mode === mode)).filter((n) => n >= 0)
      const [first, last] = [Math.min(...at) * ROW + 8, Math.max(...at) * ROW + PLOT_AT + 8]
      return html`<path class="bracket" d="M8 ${first}H3V${last}H8"/>`
    })
}

/** Baselines, then the modes as they are ranked, or as they come. */
function orderedSeries({ series, ranking }: Metric, modes: readonly ModeReport[]): Series[] {
  const order = (ranking ?? []).flat()
  const isBaseline = ({ mode }: Series) => modes.some(({ id, baseline }) => id === mode && baseline)
  const place = (one: Series) => (isBaseline(one) ? -1 : order.indexOf(one.mode) + 1)
  return [...series].sort((a, b) => place(a) - place(b))
}

function axisOf({ series, unit }: Metric): Axis {
  const far = FAR_TIMES * Math.max(...series.map(({ interval }) => interval[1]))
  const values = series.flatMap(({ values: own, limit, interval }) => [
    ...own.filter((value) => value <= far),
    ...interval,
    ...(limit === undefined ? [] : [limit])
  ])
  // A ratio of bytes is never near 0: from there on no difference would be seen.
  const fromZero = unit !== 'bytes'
  const [low, high] = [fromZero ? 0 : Math.min(...values), Math.max(...values)]
  const step = niceStep((high - low) / TICKS)
  const first = Math.floor(low / step) * step
  const last = Math.ceil(high / step) * step
  const ticks = Array.from(
    { length: Math.round((last - first) / step) + 1 },
    (_, index) => first + index * step
  )
  const span = last - first || 1
  const at = (value: number) => `${(FROM + ((TO - FROM) * (value - first)) / span).toFixed(2)}%`
  return { ticks, at, fromZero, end: last }
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(rough: number): number {
  if (!(rough > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(rough))
  const times = rough / power
  return (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10) * power
}

/** Without the digits that a round number does not need. */
function tickText(tick: number, scale: Scale, { fromZero }: Axis): string {
  const text = scale.text(tick)
  return fromZero && text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function descriptionOf(metric: Metric, rows: readonly Series[], { text, unit }: Scale): string {
  const values = rows.map(
    ({ mode, median, interval: [low, high] }) => `${mode} ${text(median)} (${text(low)} to ${text(high)})`
  )
  return `${metric.title} in ${unit}: ${values.join(', ')}. ${rankingText(metric)}.`
}
