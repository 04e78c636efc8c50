import type { Ink } from '@trilane/terminal'
import type { CompareReport } from '../report.ts'
import { matrixLines } from './terminal-matrix.ts'
import { rankingLines, summaryTable } from './terminal-summary.ts'
import { walkLines } from './terminal-walks.ts'
import { wrapped } from './text-table.ts'
import { machineText, roundsText, timeText } from './words.ts'

/** The report for people at a terminal, or at the other end of a pipe: the summary first. No line end at its end. */
export function compareText(report: CompareReport, ink: Ink): string {
  const parts = [
    summaryTable(report, ink),
    rankingLines(report, ink),
    conditionLines(report, ink),
    matrixLines(report, ink),
    walkLines(report, ink),
    leftOutLines(report, ink)
  ]
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')
}

function conditionLines({ conditions, measurements, startedAt, quick }: CompareReport, ink: Ink): string[] {
  const { trilane, offloads, handicaps } = conditions
  const rounds = measurements === undefined ? '' : `; ${roundsText(measurements)}${quick ? ' (quick)' : ''}`
  const text = `  measured ${timeText(startedAt)} by trilane ${trilane} on ${machineText(conditions)}${rounds}. Other machines have other figures.`
  return [
    ink.strong('conditions'),
    ...wrapped(text, ink.columns, '    ').map(ink.dim),
    ...(offloads.length === 0
      ? []
      : wrapped(`  offloads: ${offloads.join(', ')}`, ink.columns, '    ').map(ink.dim)),
    ...handicaps.flatMap((text) => wrapped(`  handicap: ${text}`, ink.columns, '    ').map(ink.bad))
  ]
}

function leftOutLines({ leftOut }: CompareReport, ink: Ink): string[] {
  if (leftOut.length === 0) return []
  return [ink.strong('left out'), ...leftOut.flatMap((text) => wrapped(`  ${text}`, ink.columns, '    '))]
}
