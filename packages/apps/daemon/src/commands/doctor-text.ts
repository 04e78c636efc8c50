import type { BackendVerdict, Finding, Verdict } from '@trilane/doctor'
import type { Ink } from '@trilane/terminal'
import type { DoctorReport } from './doctor.ts'

const WORDS: Readonly<Record<Verdict | BackendVerdict['verdict'], string>> = {
  good: 'ok',
  bad: 'bad',
  careful: 'careful',
  unknown: 'unknown',
  works: 'works',
  cannot: 'cannot'
}

const WORD_WIDTH = 9

/** The report for people. */
export function doctorText(
  { parent, answered, findings, backends, configured }: DoctorReport,
  ink: Ink
): string {
  const { name, mac, mtuBytes, addresses } = parent
  const own = addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`)
  const facts = [ink.strong(name), mac ?? 'no MAC', `mtu ${mtuBytes}`, ...own].join(' ')
  const who = answered.map(({ address }) => address).join(' ')
  const width = Math.max(...findings.map(({ about }) => about.length)) + 2
  return [
    `${facts}, answered by ${who === '' ? 'nobody' : who}`,
    '',
    ...findings.flatMap((finding) => findingLines(finding, width, ink)),
    '',
    ...backends.map((backend) => backendLine(backend, ink)),
    ...(configured === undefined ? [] : ['', `configured: ${backendLine(configured, ink)}`])
  ].join('\n')
}

function findingLines({ about, verdict, text, advice }: Finding, width: number, ink: Ink): string[] {
  const line = `${marked(verdict, ink)}${about.padEnd(width)}${text}`
  return advice === undefined ? [line] : [line, `${' '.repeat(WORD_WIDTH + width)}fix: ${advice}`]
}

function backendLine({ type, verdict, reasons, limits }: BackendVerdict, ink: Ink): string {
  const words = [...reasons, ...limits]
  const why = words.length === 0 ? '' : `: ${words.join('; ')}`
  return `${type.padEnd(WORD_WIDTH)}${marked(verdict, ink).trimEnd()}${why}`
}

function marked(verdict: Verdict | BackendVerdict['verdict'], ink: Ink): string {
  const word = WORDS[verdict].padEnd(WORD_WIDTH)
  if (verdict === 'good' || verdict === 'works') return ink.good(word)
  return verdict === 'unknown' ? ink.dim(word) : ink.bad(word)
}
