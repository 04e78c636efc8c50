import type { Layer, WalkFrame, WalkHop } from '../walk-report.ts'
import { html, type Markup } from './markup.ts'

/** One hop: its headers with what was predicted and what was seen, and the rows that decided. */
export function hopCard(hop: WalkHop, before: WalkHop | undefined, number: number, id: string): Markup {
  const { role, observed, predicted, afterNs, addedBytes, equal, rows } = hop
  const removed = removedHeaders(observed ?? predicted, before?.observed ?? before?.predicted)
  const bytes = (observed ?? predicted)?.bytes
  const facts = [
    role,
    bytes === undefined ? undefined : `${bytes} bytes`,
    addedBytes === 0 ? undefined : `${addedBytes > 0 ? '+' : '−'}${Math.abs(addedBytes)} here`,
    afterNs === undefined ? undefined : `after ${(afterNs / 1000).toFixed(1)} µs`
  ].filter((fact) => fact !== undefined)
  return html`<li class="hop ${equal ? '' : 'differs'}" id="${id}">
<h4>${number}. ${hopName(hop)}</h4>
<p class="facts">${facts.join(' · ')}</p>${removed.length === 0 ? '' : html`<p class="facts"><em>taken off here:</em> ${removed.join(', ')}</p>`}
<p class="facts">predicted and observed: ${equal ? html`<b class="equal">equal</b>` : html`<b class="unequal">not equal</b>`}${whyNot(hop)}</p>
<table class="frame"><caption>Frame ${hop.direction === 'out' ? 'leaving' : 'entering'}</caption><thead><tr><th scope="col">field</th><th scope="col">predicted</th><th scope="col">observed</th></tr></thead>
${layerPairs(predicted, observed).map((pair) => layerBody(pair, hop, before?.observed ?? before?.predicted))}</table>
${
  rows.length === 0
    ? ''
    : html`<div class="decides"><h5>What decides here</h5><dl>${rows.map(
        ({ table, text, command }) =>
          html`<dt>${table}</dt><dd><code>${text}</code><code class="command">${command}</code></dd>`
      )}</dl></div>`
}
</li>
`
}

export function hopName({ place, device, direction }: WalkHop): string {
  return `${place} ${device} ${direction}`
}

/** Outer headers that the frame had at the hop before. */
function removedHeaders(now: WalkFrame | undefined, before: WalkFrame | undefined): string[] {
  if (now === undefined || before === undefined) return []
  const extra = before.layers.length - now.layers.length
  return extra > 0 ? before.layers.slice(0, extra).map(({ name }) => name) : []
}

function whyNot({ predicted, observed }: WalkHop): string {
  if (observed === undefined) return ' – nothing was seen here'
  return predicted === undefined ? ' – nothing was predicted here' : ''
}

/** A header of a frame, as predicted and as seen; either may be missing. */
interface LayerPair {
  readonly predicted: Layer | undefined
  readonly observed: Layer | undefined
  /** From the innermost header of this name, which is 0. */
  readonly fromInside: number
}

function layerPairs(predicted: WalkFrame | undefined, observed: WalkFrame | undefined): LayerPair[] {
  const count = Math.max(predicted?.layers.length ?? 0, observed?.layers.length ?? 0)
  const frame = observed ?? predicted
  return Array.from({ length: count }, (_, at) => {
    const name = frame?.layers[at]?.name
    const fromInside = frame?.layers.slice(at + 1).filter((layer) => layer.name === name).length ?? 0
    return { predicted: predicted?.layers[at], observed: observed?.layers[at], fromInside }
  })
}

function layerBody(pair: LayerPair, { changed }: WalkHop, before: WalkFrame | undefined): Markup {
  const shown = pair.observed ?? pair.predicted
  if (shown === undefined) return html``
  // The header that it was at the hop before; with a tunnel names occur twice.
  const old = before?.layers.filter(({ name }) => name === shown.name).at(-1 - pair.fromInside)
  const isNew = before !== undefined && old === undefined
  const names = [
    ...new Set([...Object.keys(pair.observed?.fields ?? {}), ...Object.keys(pair.predicted?.fields ?? {})])
  ]
  const isSameHeader =
    pair.observed === undefined || pair.predicted === undefined || pair.observed.name === pair.predicted.name
  const title = isSameHeader ? shown.name : `${pair.predicted?.name} predicted, ${shown.name} observed`
  const rows = names.map((field) => {
    const [foreseen, seen] = [pair.predicted?.fields[field], pair.observed?.fields[field]]
    const differs = foreseen !== undefined && seen !== foreseen
    const isChanged =
      changed.includes(`${shown.name}.${field}`) &&
      old !== undefined &&
      old.fields[field] !== shown.fields[field]
    return html`<tr class="${differs ? 'differs' : isChanged ? 'changed' : ''}"><th scope="row">${field}${
      isChanged ? html` <em>changed</em>` : ''
    }</th><td>${foreseen ?? 'any'}</td><td>${seen ?? 'not seen'}${differs ? html` <b>≠ not equal</b>` : ''}</td></tr>`
  })
  return html`<tbody class="layer ${shown.name} ${isNew ? 'new' : ''}"><tr><th scope="rowgroup" colspan="3">${title} <span>${shown.bytes} bytes${isNew ? ', put around it here' : ''}</span></th></tr>${rows}</tbody>`
}
