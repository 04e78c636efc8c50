import { FAMILIES } from '@trilane/ip'
import { type CompareReport, type MatrixCell, type MatrixReport, TOPOLOGIES, WAYS } from '../report.ts'
import { type Section, scrollBox, switchedPanels } from './html-parts.ts'
import { html, type Markup } from './markup.ts'
import { modesTried, Reasons } from './reasons.ts'
import { FAMILY_NAMES, listText, SOURCE_WORDS, TOPOLOGY_WORDS } from './words.ts'

/** Who reaches whom: a table for each topology and family, the reasons under it. */
export function matrixSection(report: CompareReport): Section | undefined {
  const { matrices } = report
  if (matrices.length === 0) return undefined
  const reasons = new Reasons(matrices)
  const families = FAMILIES.filter((family) => matrices.some((one) => one.family === family))
  const topologies = TOPOLOGIES.filter((topology) => matrices.some((one) => one.topology === topology))
  const panels = topologies.flatMap((topology) =>
    families.map((family) => {
      const own = matrices.filter((one) => one.topology === topology && one.family === family)
      const modes = modesTried(own, report.modes, topology)
      return html`<article data-panel data-topology="${topology}" data-family="${family}">
<h3>${TOPOLOGY_WORDS[topology].title}, ${FAMILY_NAMES[family]}</h3>
<p class="sentence">${TOPOLOGY_WORDS[topology].text} (<code>--topology ${topology}</code>).</p>
${scrollBox(`Who reaches whom: ${TOPOLOGY_WORDS[topology].title}, ${FAMILY_NAMES[family]}`, table(own, modes, reasons, `${topology}-${family}`))}
${notes(own, reasons, `${topology}-${family}`)}
${lanes(own)}
</article>
`
    })
  )
  const choices = [
    {
      name: 'topology',
      title: 'Network below',
      values: topologies.map((value) => ({ value, title: TOPOLOGY_WORDS[value].title }))
    },
    {
      name: 'family',
      title: 'Addresses',
      values: families.map((value) => ({ value, title: FAMILY_NAMES[value] }))
    }
  ]
  return {
    id: 'reachability',
    title: 'Who reaches whom',
    body: html`<p>A packet was sent for each cell, and its answer waited for. Reasons are the words of Trilane itself, as it says them to an operator; numbers lead to them.</p>
${switchedPanels('matrices', choices, panels)}`
  }
}

function table(own: readonly MatrixReport[], modes: readonly string[], reasons: Reasons, id: string): Markup {
  const rows = WAYS.map(
    (way) =>
      html`<tr><th scope="row">${way}</th>${modes.map((mode) => {
        const cell = own.find((one) => one.mode === mode)?.cells.find((one) => one.way === way)
        return cell === undefined ? html`<td class="untried">not tried</td>` : answer(cell, reasons, id)
      })}</tr>`
  )
  return html`<table class="matrix sticky"><caption>From the left to the right of the arrow</caption><thead><tr><th scope="col">way</th>${modes.map((mode) => html`<th scope="col">${mode}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`
}

const MARKS = {
  yes: ['✓', 'yes'],
  no: ['✕', 'no'],
  'not-applicable': ['–', 'n/a']
} as const

function answer(cell: MatrixCell, reasons: Reasons, id: string): Markup {
  const [mark, word] = MARKS[cell.answer]
  const reason = reasons.of(cell)
  const note =
    reason === undefined
      ? ''
      : html` <a class="ref" href="#reason-${id}-${reason.number}" aria-label="reason ${reason.number}">[${reason.number}]</a>`
  return html`<td class="answer ${cell.answer}"><span aria-hidden="true">${mark}</span> <b>${word}</b>${note}</td>`
}

function notes(own: readonly MatrixReport[], reasons: Reasons, id: string): Markup {
  const here = new Set(own.flatMap(({ cells }) => cells.flatMap((cell) => reasons.of(cell) ?? [])))
  const entries = [...here]
    .sort((a, b) => a.number - b.number)
    .map(
      ({ number, text, from }) =>
        html`<div id="reason-${id}-${number}"><dt>[${number}]</dt><dd>${text}${
          from === undefined ? '' : html` <span class="from">${SOURCE_WORDS[from]}</span>`
        }</dd></div>`
    )
  return entries.length === 0 ? html`` : html`<dl class="reasons">${entries}</dl>`
}

function lanes(own: readonly MatrixReport[]): Markup {
  const entries = own.map(({ mode, lanes: lines, cells }) => {
    const packets = [...new Set(cells.map(({ packet }) => packet))]
    return html`<dt>${mode}</dt><dd>${lines.map((line) => html`<p>${line}</p>`)}<p class="from">sent: ${listText(packets)}</p></dd>`
  })
  return html`<details><summary>Lanes between the nodes, and the packets that were sent</summary><dl class="lanes">${entries}</dl></details>`
}
