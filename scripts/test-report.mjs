// What vitest's JSON reports say, added up, and compared with the list of tests that may be skipped.
// Pure, so that the gate itself can be tested: test/architecture/test-report.test.ts.

/**
 * @param {{project: string, exitStatus: number | null, report: object | undefined, root: string}[]} runs
 *   `report` is undefined when vitest left none
 * @param {{test: string, reason: string}[]} allowedSkips test/allowed-skips.json
 * @param {{filtered: boolean, filteredByName: boolean}} selection a part of the tests was asked for; by their names
 * @returns {{passed: number, failed: number, skipped: number, problems: string[], notes: string[]}}
 *   A problem is a failure that is no test's; each counts as one failed.
 */
export function summarize(runs, allowedSkips, selection) {
  const summary = { passed: 0, failed: 0, skipped: 0, problems: [], notes: [] }
  const skippedTests = []

  for (const run of runs) {
    const before = summary.failed + summary.problems.length
    if (run.report === undefined) summary.problems.push(`the ${run.project} tests left no report`)
    for (const file of run.report?.testResults ?? []) addFile(file, run.root, summary, skippedTests)
    // An error outside any test, such as an unhandled rejection, shows in the exit status alone.
    if (run.exitStatus !== 0 && summary.failed + summary.problems.length === before) {
      summary.problems.push(`the ${run.project} tests failed outside any test`)
    }
  }
  if (summary.passed + summary.failed + summary.problems.length === 0)
    summary.problems.push('no test was run')

  if (selection.filteredByName) summary.notes.push(`${skippedTests.length} tests have another name`)
  else compareSkips(skippedTests, allowedSkips, selection.filtered, summary)
  summary.failed += summary.problems.length
  return summary
}

/** More than so many are no accident. */
const MOST_FILES_AGAIN = 3

/**
 * System tests wait for real programs and packets on a machine that may be busy with other things. A file of them in which
 * something failed is run once more, alone; what then passes is counted, and named in the summary's notes.
 *
 * @returns {string[]} the files to run again, as vitest names them; none when there are more than three
 */
export function filesToRunAgain({ report }) {
  const failed = (report?.testResults ?? []).filter(({ status }) => status === 'failed')
  return failed.length > MOST_FILES_AGAIN ? [] : failed.map(({ name }) => name)
}

/**
 * @param {object} first a run, as {@link summarize} takes it
 * @param {object} again the run of its {@link filesToRunAgain}
 * @returns {{run: object, notes: string[]}} both as one: of files that ran twice the second time; and which tests needed it
 */
export function withSecondTry(first, again) {
  const second = new Map((again.report?.testResults ?? []).map((file) => [file.name, file]))
  const results = (first.report?.testResults ?? []).map((file) => second.get(file.name) ?? file)
  const passedNow = new Set(
    [...second.values()].flatMap((file) => titlesOf(file, 'passed').map((title) => `${file.name} ${title}`))
  )
  const notes = (first.report?.testResults ?? []).flatMap((file) =>
    titlesOf(file, 'failed')
      .filter((title) => passedNow.has(`${file.name} ${title}`))
      .map((title) => `passed only when its file was run again: ${pathIn(file, first.root)} > ${title}`)
  )
  const run = { ...first, exitStatus: again.exitStatus, report: { ...first.report, testResults: results } }
  return { run, notes }
}

function titlesOf(file, status) {
  return file.assertionResults
    .filter((test) => test.status === status)
    .map((test) => [...test.ancestorTitles, test.title].join(' > '))
}

function pathIn(file, root) {
  return file.name.startsWith(`${root}/`) ? file.name.slice(root.length + 1) : file.name
}

function addFile(file, root, summary, skippedTests) {
  const path = pathIn(file, root)
  let failedHere = 0
  for (const test of file.assertionResults) {
    if (test.status === 'passed') summary.passed += 1
    else if (test.status === 'failed') failedHere += 1
    else skippedTests.push([path, ...test.ancestorTitles, test.title].join(' > '))
  }
  summary.failed += failedHere
  summary.skipped = skippedTests.length
  if (file.status === 'failed' && failedHere === 0) summary.problems.push(`${path} could not be run`)
}

/** A gap is known by name and has a reason, or it is a failure. */
function compareSkips(skippedTests, allowedSkips, filtered, summary) {
  const reasons = new Map(allowedSkips.map(({ test, reason }) => [test, reason]))
  for (const test of skippedTests) {
    const reason = reasons.get(test)
    if (reason === undefined) summary.problems.push(`skipped, and not in test/allowed-skips.json: ${test}`)
    else summary.notes.push(`skipped: ${test}\n  because ${reason}`)
  }
  if (filtered) return
  for (const test of reasons.keys()) {
    if (!skippedTests.includes(test)) {
      summary.notes.push(`listed in test/allowed-skips.json, but it was not skipped: ${test}`)
    }
  }
}
