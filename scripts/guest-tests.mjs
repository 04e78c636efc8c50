// Runs the test files that need another kernel in a guest, where vitest itself runs: docs/testing.md, "Another kernel".
import { spawnSync } from 'node:child_process'
import { dirname, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const CONFIG = '--config=configs/tooling/vitest.config.ts'

/**
 * @param {string[]} filters as vitest takes them
 * @returns {string[]} absolute paths of those files that the running kernel cannot run
 */
export function selectFiles(filters) {
  const args = ['list', '--filesOnly', '--json', CONFIG, '--project=guest', ...filters]
  const { status, stdout } = spawnSync('node_modules/.bin/vitest', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit']
  })
  if (status !== 0) throw new Error(`vitest ${args.join(' ')} ended with ${status}`)
  return JSON.parse(stdout).map(({ file }) => file)
}

/**
 * One guest for all of them.
 *
 * @param {object} run
 * @param {string[]} run.files which; any name will do, in the checkout
 * @param {string[]} run.filters words for vitest, such as `-t NAME`
 * @param {string} run.reportFile gets vitest's report; it stays absent when the guest did not come to its end. All that
 *   the guest writes beside it stays.
 * @param {number} run.timeLimitSeconds then the guest is ended
 * @param {'inherit' | 'ignore'} [run.output] what becomes of its words
 * @returns {number | null} vitest's exit status, or 1 when the guest failed
 */
export function runInGuest({ files, filters, reportFile, timeLimitSeconds, output = 'inherit' }) {
  const vitest = ['node_modules/.bin/vitest', 'run', CONFIG, '--project=guest', ...filters]
  // Nearly all are slow there by vitest's own measure, which names each of them.
  const reporters = [
    '--slowTestThreshold=20000',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`
  ]
  const guest = ['lab', 'guest', `--writable=${dirname(reportFile)}`, `--time-limit=${timeLimitSeconds}`]
  return spawnSync('./trilane', [...guest, '--', ...vitest, ...reporters], {
    cwd: root,
    stdio: ['ignore', output, output],
    env: { ...process.env, TRILANE_GUEST_FILES: files.join('\n') }
  }).status
}
