import { FAMILIES } from '@trilane/ip'
import type { CompareReport } from '../report.ts'
import type { WalkReport } from '../walk-report.ts'
import { hopCard, hopName } from './html-hop.ts'
import { type Section, switchedPanels } from './html-parts.ts'
import { html, type Markup } from './markup.ts'
import { FAMILY_NAMES } from './words.ts'

const PACKET_WORDS = { ping: 'ping', tcp: 'TCP segment' } as const

/** The way of a packet, for each mode, family and packet: the frame at every hop, predicted and captured. */
export function walksSection({ walks, modes }: CompareReport): Section | undefined {
  if (walks.length === 0) return undefined
  const known = modes.filter(({ id }) => walks.some(({ mode }) => mode === id)).map(({ id }) => id)
  const others = [...new Set(walks.map(({ mode }) => mode))].filter((mode) => !known.includes(mode))
  const choices = [
    { name: 'mode', title: 'Mode', values: [...known, ...others].map((id) => ({ value: id, title: id })) },
    {
      name: 'family',
      title: 'Addresses',
      values: FAMILIES.filter((family) => walks.some((walk) => walk.family === family)).map((family) => ({
        value: family,
        title: FAMILY_NAMES[family]
      }))
    },
    {
      name: 'packet',
      title: 'Packet',
      values: (['ping', 'tcp'] as const)
        .filter((packet) => walks.some((walk) => walk.packet === packet))
        .map((packet) => ({ value: packet, title: PACKET_WORDS[packet] }))
    }
  ]
  return {
    id: 'walks',
    title: 'The way of a packet',
    body: html`<p>From a pod to a pod of another node. Predicted: read from the tables of the kernels before anything was sent, with the rows that decide each step. Observed: captured at each device while it passed. What the sender chooses – ports, identifiers – cannot be predicted and is marked <q>any</q>.</p>
${switchedPanels('walk', choices, walks.map(walkArticle))}`
  }
}

function walkArticle(walk: WalkReport): Markup {
  const { mode, family, packet, source, destination, addedBytes, equal, broken, hops } = walk
  const verdict = equal
    ? html`<b class="equal">equal</b>: all ${hops.length} hops were observed as predicted`
    : html`<b class="unequal">not equal</b>: ${hops.filter((hop) => !hop.equal).length} of ${hops.length} hops are not as predicted`
  return html`<article class="walk" data-panel data-mode="${mode}" data-family="${family}" data-packet="${packet}">
<h3>${mode}: ${PACKET_WORDS[packet]}, ${FAMILY_NAMES[family]}</h3>
<p class="ends"><code>${walk.from}</code> <span>${source}</span> → <code>${walk.to}</code> <span>${destination}</span></p>
<p>Predicted and observed: ${verdict}. Added on the way: ${addedBytes} bytes.${
    broken === undefined ? '' : html` <b class="unequal">Predicted to end:</b> ${broken}.`
  }</p>
${overview(walk)}
<div class="box" role="region" tabindex="0" aria-label="Hops of ${mode}, ${PACKET_WORDS[packet]}, ${FAMILY_NAMES[family]}"><ol class="hops">${hops.map((hop, index) => hopCard(hop, hops[index - 1], index + 1, hopId(walk, index)))}</ol></div>
</article>
`
}

/** Each frame as a bar, headers in their lengths: where it grows and where it shrinks. */
function overview(walk: WalkReport): Markup {
  const { hops } = walk
  const longest = Math.max(...hops.map(({ observed, predicted }) => (observed ?? predicted)?.bytes ?? 0))
  return html`<ol class="frames" aria-label="Length of the frame at each hop">${hops.map((hop, index) => {
    const frame = hop.observed ?? hop.predicted
    const inner = innerStart(frame?.layers ?? [])
    const width = (bytes: number) => `${((100 * bytes) / (longest || 1)).toFixed(2)}%`
    const headers = (frame?.layers ?? []).map(
      ({ name, bytes }, at) =>
        html`<i class="${at < inner ? 'outer' : 'inner'} ${name}" style="width:${width(bytes)}"></i>`
    )
    const rest = (frame?.bytes ?? 0) - (frame?.layers ?? []).reduce((sum, { bytes }) => sum + bytes, 0)
    const size = frame === undefined ? 'not seen' : `${frame.bytes} bytes`
    return html`<li><a href="#${hopId(walk, index)}">${index + 1}. ${hopName(hop)}</a><span class="strip" aria-hidden="true">${headers}<i class="payload" style="width:${width(rest)}"></i></span><span class="size">${size}</span></li>`
  })}</ol><p class="note">Each bar is a frame, cut at its headers. Hatched: headers of the tunnel, around the packet of the pod.</p>`
}

function hopId({ mode, family, packet }: WalkReport, index: number): string {
  return `hop-${mode}-${family}-${packet}-${index + 1}`
}

/** How many headers are around a tunnel's inner frame. */
function innerStart(layers: readonly { readonly name: string }[]): number {
  return layers.findIndex(({ name }) => name === 'vxlan') + 1
}
