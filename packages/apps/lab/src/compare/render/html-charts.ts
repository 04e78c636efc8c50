import type { Metric } from '../measurements.ts'
import type { CompareReport } from '../report.ts'
import { chart } from './chart.ts'
import { type Section, scrollBox } from './html-parts.ts'
import { html, type Markup } from './markup.ts'
import { scaleOf } from './scale.ts'
import { betterText, percentText, rankingText, roundsText } from './words.ts'

/** A chart for each metric, with its verdict in words and its values as a table. */
export function chartsSection({ measurements, modes }: CompareReport): Section | undefined {
  if (measurements === undefined) return undefined
  return {
    id: 'figures',
    title: 'Figures',
    body: html`<p>${roundsText(measurements)}. Small dots are the single rounds, the mark is their median, the thick line its 95 % interval. A bracket at the left holds modes together that are not shown to differ. A dashed line is what physics allows.</p>
<div class="charts">${measurements.metrics.map((metric) => figure(metric, modes))}</div>`
  }
}

function figure(metric: Metric, modes: CompareReport['modes']): Markup {
  const { id, title, better, noise, notRanked } = metric
  const floor =
    noise === undefined
      ? ''
      : html`<li>Measured twice: ${noise.comparison.text}. A difference counts beyond ${percentText(noise.floor)}.</li>`
  const verdict =
    notRanked === undefined
      ? html`<p class="verdict"><b>Best first:</b> ${rankingText(metric)}.</p>`
      : html`<p class="verdict unranked"><b>Not ranked:</b> ${notRanked}.</p>`
  return html`<figure class="chart" id="figure-${id}"><figcaption><h3>${title}</h3><p>${scaleOf(metric).unit}, ${betterText(better)}</p></figcaption>
${chart(metric, modes)}
${verdict}
<details><summary>Pair by pair, and every round</summary>
<ul>${floor}${metric.comparisons.map(({ text }) => html`<li>${text}</li>`)}</ul>
${scrollBox(`${title}: values`, valuesTable(metric))}
</details></figure>
`
}

function valuesTable(metric: Metric): Markup {
  const { text, unit } = scaleOf(metric)
  const hasLimit = metric.series.some(({ limit }) => limit !== undefined)
  return html`<table><caption>${metric.title}, ${unit}</caption><thead><tr><th scope="col">mode</th><th scope="col" class="number">median</th><th scope="col" class="number">95 % interval</th><th scope="col" class="number">all</th>${
    hasLimit ? html`<th scope="col" class="number">limit</th>` : ''
  }<th scope="col">rounds</th></tr></thead><tbody>${metric.series.map(
    ({
      mode,
      median,
      interval: [low, high],
      min,
      max,
      limit,
      values
    }) => html`<tr><th scope="row">${mode}</th>
<td class="number">${text(median)}</td><td class="number">${text(low)} – ${text(high)}</td><td class="number">${text(min)} – ${text(max)}</td>${
      hasLimit ? html`<td class="number">${limit === undefined ? '–' : text(limit)}</td>` : ''
    }<td class="rounds">${values.map(text).join(' ')}</td></tr>`
  )}</tbody></table>`
}
