import type { Ink } from '@trilane/terminal'
import { type CompareReport, TOPOLOGIES, type Topology, WAYS } from '../report.ts'
import { jointAnswers, modesTried, Reasons } from './reasons.ts'
import { type TextCell, textTable, wrapped } from './text-table.ts'
import { FAMILY_NAMES, SOURCE_WORDS, TOPOLOGY_WORDS } from './words.ts'

const ANSWERS = { yes: 'yes', no: 'no', 'not-applicable': '–' } as const

/** A table a topology, who reaches whom; behind a no the numbers of its reasons, which follow. */
export function matrixLines(report: CompareReport, ink: Ink): string[] {
  const { matrices } = report
  if (matrices.length === 0) return []
  const reasons = new Reasons(matrices)
  const tables = TOPOLOGIES.filter((topology) => matrices.some((one) => one.topology === topology)).flatMap(
    (topology) => topologyLines(report, topology, reasons, ink)
  )
  const why = reasons.all.flatMap(({ number, text, from }) => {
    const source = from === undefined ? '' : ` (${SOURCE_WORDS[from]})`
    return wrapped(`  ${`[${number}]`.padEnd(4)} ${text}${source}`, ink.columns, '       ')
  })
  const families = [...new Set(matrices.map(({ family }) => FAMILY_NAMES[family]))].join(' and ')
  return [
    `${ink.strong('who reaches whom')}  ${ink.dim(`${families}; – there is no such thing; [1] the reason, below`)}`,
    ...tables,
    ink.strong('reasons'),
    ...why
  ]
}

function topologyLines(
  { matrices, modes }: CompareReport,
  topology: Topology,
  reasons: Reasons,
  ink: Ink
): string[] {
  const { title, text } = TOPOLOGY_WORDS[topology]
  const tried = modesTried(matrices, modes, topology)
  const cellOf = (mode: string, way: (typeof WAYS)[number]): TextCell => {
    const answers = jointAnswers(matrices, topology, mode, way)
    const words = answers.map(({ family, answer, cells }) => {
      const numbers = [...new Set(cells.flatMap((cell) => reasons.of(cell)?.number ?? []))]
      const note = numbers.length === 0 ? '' : ` [${numbers.join(',')}]`
      return `${family === undefined ? '' : `${family} `}${ANSWERS[answer]}${note}`
    })
    const isNo = answers.some(({ answer }) => answer === 'no')
    const mark = isNo ? ink.bad : answers.some(({ answer }) => answer === 'yes') ? ink.good : ink.dim
    return { text: words.join(' '), mark }
  }
  const table = textTable([['', ...tried], ...WAYS.map((way) => [way, ...tried.map((m) => cellOf(m, way))])])
  const head = wrapped(`${title} (--topology ${topology}): ${text}`, ink.columns, '  ')
  const lanes = tried.flatMap((mode) => laneLines(matrices, topology, mode, ink))
  return [...head, ...table.map((line) => `  ${line}`), ...lanes, '']
}

/** Of a mode whose peers are not all carried by the same lane. */
function laneLines(
  matrices: CompareReport['matrices'],
  topology: Topology,
  mode: string,
  ink: Ink
): string[] {
  const matrix = matrices.find((one) => one.mode === mode && one.topology === topology)
  const lanes = matrix?.lanes ?? []
  const kinds = new Set(lanes.map((line) => /: ([a-z0-9-]+)/.exec(line)?.[1]))
  if (kinds.size < 2) return []
  return lanes.flatMap((line) => wrapped(`  ${mode}: ${line}`, ink.columns, '    ').map(ink.dim))
}
