import { type Outcome, type Scenario, SECTIONS } from '@trilane/cni-conformance'

/** What became of one scenario on one target; without how long it took, a run says the same as the next. */
export type Verdict = Pick<Outcome, 'result' | 'reason'>

/** By scenario. */
export type Verdicts = ReadonlyMap<Scenario['id'], Verdict>

export function verdictsOf(outcomes: readonly Outcome[]): Verdicts {
  return new Map(outcomes.map((outcome) => [outcome.id, outcome]))
}

const INTRODUCTION = `# CNI conformance

Any CNI plugin can be held to these scenarios; \`packages/testing/cni-conformance\` runs them with nothing but its
executable: real namespaces, the environment and the config of a runtime, then a look at the exit status, at stdout and at
the kernel. Here are Trilane’s plugin with its daemon, for pods on a bridge and for macvlan pods, and Debian 12’s reference
plugins (\`bridge\` or \`macvlan\` with \`host-local\`, \`portmap\` and \`bandwidth\`, version 1.1.1), whose failures are known
and prove that the scenarios can fail. ipvlan needs another kernel than most, in which all is slow: there Trilane’s pods are
held to those in which it matters what a pod’s link is (\`test/conformance/ipvlan.test.ts\`); its column has nothing else.

\`npm run conformance\` runs all of it and writes this page; \`npm test\` does the same and fails when the page says otherwise.

S: the specification demands it. R: the reference plugins do it, in this version or in a later one, and clients count on
it. B: better than the reference plugins.
`

/** Whose verdicts stand in a column, and how its head and the notes call them. */
interface Column {
  readonly head: string
  readonly whose: string
  readonly verdicts: Verdicts
}

/** docs/cni-conformance.md. */
export function renderReport(
  bridged: Verdicts,
  macvlan: Verdicts,
  ipvlan: Verdicts,
  reference: Verdicts
): string {
  const columns: readonly Column[] = [
    { head: 'Trilane', whose: 'Trilane', verdicts: bridged },
    { head: 'macvlan', whose: 'Trilane’s macvlan pods', verdicts: macvlan },
    { head: 'ipvlan', whose: 'Trilane’s ipvlan pods', verdicts: ipvlan },
    { head: 'reference', whose: 'the reference plugins', verdicts: reference }
  ]
  const counts = table(
    ['', 'passed', 'failed', 'not applicable'],
    columns.map(({ whose, verdicts }) => [whose, ...countsOf(verdicts)])
  )
  const sections = SECTIONS.map(({ title, scenarios }) => {
    const rows = scenarios.map(({ id, title: text, tag }) => [
      id,
      text,
      tag,
      ...columns.map(({ verdicts }) => wordOf(verdicts, id))
    ])
    const ids = scenarios.map(({ id }) => id)
    const notes = columns.flatMap(({ verdicts, whose }) => notesOf(verdicts, ids, whose))
    const list = notes.length === 0 ? '' : `\n${notes.join('\n')}\n`
    return `## ${title}\n\n${table(['', 'what a good plugin does', '', ...columns.map(({ head }) => head)], rows)}${list}`
  })
  return [INTRODUCTION, counts, ...sections].join('\n')
}

function countsOf(verdicts: Verdicts): string[] {
  const results = [...verdicts.values()].map(({ result }) => result)
  return (['passed', 'failed', 'not applicable'] as const).map((wanted) =>
    String(results.filter((result) => result === wanted).length)
  )
}

const WORDS: Readonly<Record<Outcome['result'], string>> = {
  passed: 'passed',
  failed: 'failed',
  'not applicable': '–'
}

function wordOf(verdicts: Verdicts, id: Scenario['id']): string {
  const verdict = verdicts.get(id)
  return verdict === undefined ? '' : WORDS[verdict.result]
}

/** One line for each reason. */
function notesOf(verdicts: Verdicts, ids: readonly Scenario['id'][], whose: string): string[] {
  const byReason = new Map<string, Scenario['id'][]>()
  for (const id of ids) {
    const { result, reason = '' } = verdicts.get(id) ?? {}
    if (result === undefined || result === 'passed') continue
    const words = `${result === 'failed' ? 'failed by' : 'not for'} ${whose}: ${reason}`
    byReason.set(words, [...(byReason.get(words) ?? []), id])
  }
  return [...byReason].map(([words, about]) => `- ${spansOf(about)} ${words}`)
}

/** `P1, P3–P5`. */
function spansOf(ids: readonly Scenario['id'][]): string {
  const spans: number[][] = []
  for (const number of ids.map((id) => Number(id.slice(1)))) {
    const last = spans.at(-1)
    if (last?.at(-1) === number - 1) last.push(number)
    else spans.push([number])
  }
  return spans
    .map((span) =>
      span.length < 3 ? span.map((number) => `P${number}`).join(', ') : `P${span[0]}–P${span.at(-1)}`
    )
    .join(', ')
}

/** Columns as wide as their widest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? '').length), cell.length)
  )
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return `${[line(head), rule, ...rows.map(line)].join('\n')}\n`
}
