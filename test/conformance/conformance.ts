import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Outcome, runScenarios, type Target } from '@trilane/cni-conformance'
import { LANES, SCENARIOS } from './all-scenarios.ts'
import { expectedOf, REFERENCE_DIRECTORY } from './expected.ts'
import { ipvlanVerdicts } from './ipvlan-scenarios.ts'
import { referenceIn } from './reference.ts'
import { renderReport, verdictsOf } from './report.ts'
import { TRILANE } from './trilane.ts'
import { TRILANE_IPVLAN, TRILANE_MACVLAN } from './underlay.ts'

const USAGE = `npm run conformance                                  all, and write docs/cni-conformance.md
npm run conformance -- --of trilane [P107 …]         Trilane alone, all or some scenarios
npm run conformance -- --of macvlan [P107 …]         the same for macvlan pods
npm run conformance -- --of ipvlan P114 …            the same for ipvlan pods, on a kernel that has ipvlan
npm run conformance -- --of /opt/cni/bin [P107 …]    the reference plugins that are there
`

const OURS: Readonly<Record<string, Target>> = {
  trilane: TRILANE,
  macvlan: TRILANE_MACVLAN,
  ipvlan: TRILANE_IPVLAN
}

const REPORT = new URL('../../docs/cni-conformance.md', import.meta.url)

async function run(target: Target, ids: readonly string[]): Promise<readonly Outcome[]> {
  const scenarios = ids.length === 0 ? SCENARIOS : SCENARIOS.filter(({ id }) => ids.includes(id))
  const startedMs = performance.now()
  const outcomes = await runScenarios(target, scenarios, {
    lanes: ids.length === 0 ? LANES : 1,
    onOutcome: ({ id, title }, { result, reason, tookMs }) => {
      console.log(
        `${id.padEnd(5)} ${result.padEnd(15)} ${String(Math.round(tookMs)).padStart(6)} ms  ${title}`
      )
      if (reason !== undefined)
        console.log(`${' '.repeat(6)}${reason.trim().replace(/\n/g, `\n${' '.repeat(6)}`)}`)
    }
  })
  const count = (wanted: Outcome['result']): number =>
    outcomes.filter(({ result }) => result === wanted).length
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
  console.log(
    `${target.name}: ${count('passed')} passed, ${count('failed')} failed, ${count('not applicable')} not applicable, in ${seconds} s\n`
  )
  return outcomes
}

/** @returns the exit status */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { of: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true
  })
  if (values.help === true || (values.of === undefined && positionals.length > 0)) {
    console.log(USAGE)
    return values.help === true ? 0 : 2
  }
  if (values.of !== undefined) {
    const target = OURS[values.of] ?? referenceIn(values.of)
    const outcomes = await run(target, positionals)
    return outcomes.some(({ result }) => result === 'failed') ? 1 : 0
  }
  const ours = await run(TRILANE, [])
  const macvlan = await run(TRILANE_MACVLAN, [])
  const reference = await run(referenceIn(REFERENCE_DIRECTORY), [])
  writeFileSync(REPORT, renderReport(verdictsOf(ours), verdictsOf(macvlan), ipvlanVerdicts(), expectedOf()))
  const failed = [
    ...ours.map((outcome) => ({ ...outcome, who: TRILANE.name })),
    ...macvlan.map((outcome) => ({ ...outcome, who: TRILANE_MACVLAN.name }))
  ].flatMap(({ id, result, who }) => (result === 'failed' ? [`${who} fails ${id}`] : []))
  const unexpected = reference.filter(({ id, result }) => !isExpected(id, result))
  const words = [
    ...failed,
    ...unexpected.map(
      ({ id, result }) => `the reference plugins: ${id} ${result}, unlike test/conformance/expected.ts`
    )
  ]
  for (const line of words) console.log(line)
  return words.length === 0 ? 0 : 1
}

function isExpected(id: Outcome['id'], result: Outcome['result']): boolean {
  const expected = expectedOf().get(id)
  return expected?.result === result || expected?.orElse === result
}

process.exitCode = await main()
