// Type check, style, and the vitest projects; then one line `N passed, N failed, N skipped`.
// `--only=guest` leaves out all but that project.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runInGuest, selectFiles } from './guest-tests.mjs'
import { filesToRunAgain, summarize, withSecondTry } from './test-report.mjs'

const root = resolve(import.meta.dirname, '..')
const ONLY_GUEST = '--only=guest'
const onlyGuest = process.argv.includes(ONLY_GUEST)
const filters = process.argv.slice(2).filter((word) => word !== ONLY_GUEST)
/** Of the guest, its start included: several times what it takes on a machine that does nothing else. */
const GUEST_SECONDS = 1200

function run(title, command, ...args) {
  console.log(`\n── ${title}`)
  return spawnSync(`node_modules/.bin/${command}`, args, { cwd: root, stdio: 'inherit' }).status
}

function runVitest(project, folder, files = []) {
  const reportFile = join(folder, `${project}${files.length === 0 ? '' : '-again'}.json`)
  const exitStatus = run(
    files.length === 0 ? `${project} tests` : `${project} tests that failed, once more`,
    'vitest',
    'run',
    '--config=configs/tooling/vitest.config.ts',
    `--project=${project}`,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
    ...files,
    ...(filters.length === 0 ? [] : ['--passWithNoTests', ...filters])
  )
  return { project, exitStatus, report: readReport(reportFile), root }
}

/** Of the system tests: see filesToRunAgain. */
function runTwiceIfNeeded(project, folder) {
  const first = runVitest(project, folder)
  const again = filters.length > 0 ? [] : filesToRunAgain(first)
  if (again.length === 0) return first
  const both = withSecondTry(first, runVitest(project, folder, again))
  secondTries.push(...both.notes)
  return both.run
}

function runGuest(folder, name, files) {
  mkdirSync(join(folder, name))
  const reportFile = join(folder, name, 'guest.json')
  const exitStatus = runInGuest({ files, filters, reportFile, timeLimitSeconds: GUEST_SECONDS })
  return { project: 'guest', exitStatus, report: readReport(reportFile), root }
}

/** As {@link runTwiceIfNeeded}. */
function runGuestTwiceIfNeeded(folder) {
  const files = selectFiles(filters)
  if (files.length === 0) return []
  console.log(`\n── tests in a guest kernel, as the running one lacks link types: ${files.length} files`)
  const first = runGuest(folder, 'guest', files)
  const again = filters.length > 0 ? [] : filesToRunAgain(first)
  if (again.length === 0) return [first]
  console.log('\n── of them those that failed, once more')
  const both = withSecondTry(first, runGuest(folder, 'guest-again', again))
  secondTries.push(...both.notes)
  return [both.run]
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

const folder = mkdtempSync(join(tmpdir(), 'trilane-test-'))
const problems = []
const runs = []
const secondTries = []
try {
  if (!onlyGuest) {
    if (run('types', 'tsc', '-b') !== 0) problems.push('types: see the words of tsc above')
    if (run('style', 'biome', 'check', '.') !== 0) problems.push('style: see the words of biome above')
    runs.push(runVitest('unit', folder), runTwiceIfNeeded('system', folder))
  }
  runs.push(...runGuestTwiceIfNeeded(folder))
} finally {
  rmSync(folder, { recursive: true })
}

const allowedSkips = JSON.parse(readFileSync(join(root, 'test/allowed-skips.json'), 'utf8'))
const summary = summarize(runs, allowedSkips, {
  filtered: onlyGuest || filters.length > 0,
  filteredByName: filters.some((word) => word === '-t' || word.startsWith('--testNamePattern'))
})
problems.push(...summary.problems)
const failed = summary.failed + problems.length - summary.problems.length

console.log()
for (const note of [...summary.notes, ...secondTries]) console.log(note)
for (const problem of problems) console.log(`FAILED ${problem}`)
console.log(`${summary.passed} passed, ${failed} failed, ${summary.skipped} skipped`)
process.exitCode = failed === 0 ? 0 : 1
