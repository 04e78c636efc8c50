import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

/** What `npm test` does with files that need another kernel. */
const root = resolve(import.meta.dirname, '../..')

interface Run {
  readonly files: readonly string[]
  readonly filters: readonly string[]
  readonly reportFile: string
  readonly timeLimitSeconds: number
  readonly output: 'ignore'
}

// Plain Node.js runs them before anything is built, so they are JavaScript without types.
const { selectFiles, runInGuest } = (await import(`${root}/scripts/guest-tests.mjs`)) as {
  selectFiles(filters: readonly string[]): string[]
  runInGuest(run: Run): number | null
}
const { summarize } = (await import(`${root}/scripts/test-report.mjs`)) as {
  summarize(runs: unknown, allowedSkips: unknown, selection: unknown): Record<string, unknown>
}

const folder = mkdtempSync(join(tmpdir(), 'trilane-guest-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the guest tests of npm test', () => {
  it('are the files that state a link type which this kernel lacks, and match the filter', () => {
    const all = selectFiles([])
    for (const file of all) expect(readFileSync(file, 'utf8')).toMatch(/^needsLinkTypes\(/m)
    expect(selectFiles(['no-file-is-called-so'])).toEqual([])
  })

  it('count like any other: what fails fails the run, what is skipped is compared with the list', () => {
    const reportFile = join(folder, 'report.json')
    const files = [`${root}/test/guest/fixtures/mixed.ts`]
    const exitStatus = runInGuest({ files, filters: [], reportFile, timeLimitSeconds: 300, output: 'ignore' })
    const report = JSON.parse(readFileSync(reportFile, 'utf8'))
    const runs = [{ project: 'guest', exitStatus, report, root }]
    const summary = summarize(runs, [], { filtered: true, filteredByName: false })
    expect(exitStatus).toBe(1)
    expect(summary).toEqual({
      passed: 1,
      failed: 2,
      skipped: 1,
      notes: [],
      problems: [
        'skipped, and not in test/allowed-skips.json: test/guest/fixtures/mixed.ts > in a guest > is skipped'
      ]
    })
  }, 330_000)
})
