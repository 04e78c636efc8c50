import type { CompareReport } from '../report.ts'
import type { Section } from './html-parts.ts'
import { html, type Markup } from './markup.ts'
import { listText, timeText } from './words.ts'

/** How to read it, what it was taken on, what is not in it. */
export function methodSection(report: CompareReport): Section {
  return {
    id: 'method',
    title: 'How to read this',
    body: html`<ul class="reading">
<li><b>Compare the modes, not the machines.</b> All nodes here are on one machine, and their wire is memory. Ratios between modes carry over to other machines better than the figures themselves; the line rate, the cards and their offloads do not show here.</li>
<li><b>No difference shown</b> does not mean equal: the rounds do not suffice to tell. A difference counts when the interval of the rounds' ratios excludes 1 and it is larger than what one mode differs from itself, measured twice.</li>
<li><b>Not ranked</b>: one mode measured twice differed from itself. The machine was busy with something else; run it again when it is quiet.</li>
<li><b>Requests first.</b> Round trips and new connections tell the modes apart; a stream within one machine measures how large pieces the kernel passes around.</li>
</ul>
<h3>Conditions</h3>
${conditions(report)}
${
  report.leftOut.length === 0
    ? ''
    : html`<h3>Left out</h3><ul>${report.leftOut.map((text) => html`<li>${text}</li>`)}</ul>`
}`
  }
}

function conditions({ conditions: found, startedAt, quick, measurements }: CompareReport): Markup {
  const { trilane, kernel, cpu, cpus, pinnedTo, load, offloads, rules, handicaps } = found
  const entries: (readonly [string, string | Markup])[] = [
    ['taken', `${timeText(startedAt)}${quick ? ', quick' : ''}`],
    ['trilane', trilane],
    ['kernel', kernel],
    ['processor', `${cpus} × ${cpu}`],
    [
      'pinned to',
      `requests and answers CPU ${pinnedTo.requests}, streams CPU ${listText(pinnedTo.streams.map(String))}`
    ],
    ['load before', load.toFixed(2)]
  ]
  if (measurements !== undefined) {
    entries.push(['rounds', `${measurements.rounds} of ${measurements.durationMs} ms a measurement`])
  }
  if (offloads.length > 0) entries.push(['offloads', list(offloads)])
  if (rules.length > 0) {
    entries.push(['rules and queues', list(rules.map(({ mode, text }) => `${mode}, ${text}`))])
  }
  if (handicaps.length > 0) entries.push(['handicaps', list(handicaps)])
  return html`<dl class="conditions">${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
}

function list(texts: readonly string[]): Markup {
  return html`<ul>${texts.map((text) => html`<li>${text}</li>`)}</ul>`
}
