import type { Category } from '@trilane/contracts'
import type { MetricId } from '../measurements.ts'
import type { CompareReport, ModeReport } from '../report.ts'
import { type Section, scrollBox } from './html-parts.ts'
import { markerShape } from './marker.ts'
import { html, type Markup } from './markup.ts'
import { scaleOf } from './scale.ts'
import {
  addedBytesText,
  betterText,
  CATEGORY_WORDS,
  listText,
  mtuText,
  rankingText,
  ranText
} from './words.ts'

const CATEGORIES: readonly Category[] = ['underlay', 'route', 'overlay']

/** In the order of the columns. */
const SHOWN: readonly { readonly id: MetricId; readonly head: string }[] = [
  { id: 'tcp-rr-p50', head: 'round trip' },
  { id: 'tcp-crr-rate', head: 'connects' },
  { id: 'udp-received', head: 'UDP' },
  { id: 'tcp-stream', head: 'stream' },
  { id: 'cpu-per-gbit', head: 'CPU per Gbit' },
  { id: 'pod-add', head: 'pod ADD' }
]

/** The answer first: sentences, the categories in a word each, and a table with a row a mode. */
export function summarySection(report: CompareReport): Section {
  return {
    id: 'summary',
    title: 'In short',
    body: html`${sentences(report)}
<dl class="categories">${CATEGORIES.map((category) => categoryEntry(category, report.modes))}</dl>
${scrollBox('Summary, one row a mode', summaryTable(report))}
<p class="note">Figures are medians, below them the interval in which the true median lies with 95 % probability. ${ABOUT_BYTES}</p>`
  }
}

const ABOUT_BYTES =
  'Bytes added: IPv4 / IPv6, as seen on the wire. Pod MTU: with IPv4 alone / with both families.'

function sentences({ measurements, matrices, walks }: CompareReport): Markup {
  const roundTrip = measurements?.metrics.find(({ id }) => id === 'tcp-rr-p50')
  const nos = matrices.flatMap(({ cells }) => cells.filter(({ answer }) => answer === 'no')).length
  const cells = matrices.reduce((sum, one) => sum + one.cells.length, 0)
  const equal = walks.filter((walk) => walk.equal).length
  return html`<ul class="answers">${
    roundTrip === undefined
      ? ''
      : html`<li><b>A request and its answer</b>, fastest first: ${rankingText(roundTrip)}.</li>`
  }${
    cells === 0
      ? ''
      : html`<li><b>Who reaches whom</b>: ${cells} questions, ${nos} of them answered with a no. <a href="#reachability">Each has its reason.</a></li>`
  }${
    walks.length === 0
      ? ''
      : html`<li><b>The way of a packet</b>: ${equal} of ${walks.length} were captured hop by hop exactly as predicted.</li>`
  }</ul>`
}

function categoryEntry(category: Category, modes: readonly ModeReport[]): Markup {
  const names = modes.filter((mode) => mode.category === category).map(({ id }) => id)
  return html`<div class="category ${category}"><dt>${shapeOf(category)} ${category}</dt><dd>${CATEGORY_WORDS[category]}${
    names.length === 0 ? '' : html`<span class="members">here: ${listText(names)}</span>`
  }</dd></div>`
}

function shapeOf(category: Category): Markup {
  return html`<svg class="key ${category}" width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true">${markerShape(category)}</svg>`
}

function summaryTable({ modes, measurements, walks }: CompareReport): Markup {
  const metrics = SHOWN.flatMap((one) => {
    const metric = measurements?.metrics.find(({ id }) => id === one.id)
    return metric === undefined ? [] : [{ ...one, metric, scale: scaleOf(metric) }]
  })
  const rows = modes.map((mode) => {
    const why = ranText(mode)
    const figures =
      why === ''
        ? metrics.map(({ metric, scale }) => {
            const series = metric.series.find((one) => one.mode === mode.id)
            if (series === undefined) return html`<td class="number">–</td>`
            const [low, high] = series.interval
            return html`<td class="number">${scale.text(series.median)}<small>${scale.text(low)} – ${scale.text(high)}</small></td>`
          })
        : metrics.length === 0
          ? ''
          : html`<td class="why" colspan="${metrics.length}">${why}</td>`
    return html`<tr class="${mode.baseline ? 'baseline' : ''}">
<th scope="row">${mode.id}${mode.title === mode.id ? '' : html`<small>${mode.title}</small>`}</th>
<td>${mode.category ?? 'baseline'}</td>
<td class="number">${addedBytesText(mode, walks).replace('/', ' / ')}</td><td class="number">${mtuText(mode).replace('/', ' / ')}</td>${figures}
</tr>`
  })
  return html`<table class="summary sticky"><caption>One row a mode</caption><thead><tr>
<th scope="col">mode</th><th scope="col">category</th><th scope="col" class="number">added<small>bytes</small></th><th scope="col" class="number">pod MTU<small>bytes</small></th>${metrics.map(
    ({ head, metric, scale }) =>
      html`<th scope="col" class="number">${head}<small>${scale.unit}<br>${betterText(metric.better)}</small></th>`
  )}
</tr></thead><tbody>${rows}</tbody></table>`
}
