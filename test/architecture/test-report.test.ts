import { describe, expect, it } from 'vitest'

interface Summary {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly problems: readonly string[]
  readonly notes: readonly string[]
}

// The gate runs on plain Node.js before anything is checked or built, so it is JavaScript without types.
const { summarize, filesToRunAgain, withSecondTry } = (await import(
  new URL('../../scripts/test-report.mjs', import.meta.url).href
)) as {
  summarize(runs: unknown, allowedSkips: unknown, selection: unknown): Summary
  filesToRunAgain(run: unknown): readonly string[]
  withSecondTry(first: unknown, again: unknown): { readonly run: unknown; readonly notes: readonly string[] }
}

const everything = { filtered: false, filteredByName: false }

const test = (title: string, status: string) => ({ ancestorTitles: ['group'], title, status })
const file = (status: string, ...assertionResults: unknown[]) => ({
  name: '/root/test/a.test.ts',
  status,
  assertionResults
})
const run = (exitStatus: number | null, ...testResults: unknown[]) => ({
  project: 'unit',
  exitStatus,
  report: { testResults },
  root: '/root'
})

describe('the sum of the test runs', () => {
  it('adds up all files of all runs', () => {
    const one = run(0, file('passed', test('a', 'passed'), test('b', 'passed')))
    const two = run(
      1,
      file('failed', test('a', 'failed'), test('b', 'passed')),
      file('passed', test('c', 'passed'))
    )
    expect(summarize([one, two], [], everything)).toEqual({
      passed: 4,
      failed: 1,
      skipped: 0,
      problems: [],
      notes: []
    })
  })

  it('fails for a skip that nobody allowed, and gives the reason for one that was', () => {
    const skipping = run(0, file('passed', test('a', 'passed'), test('b', 'skipped'), test('c', 'pending')))
    const allowed = [{ test: 'test/a.test.ts > group > b', reason: 'this kernel has no ipvlan' }]
    expect(summarize([skipping], allowed, everything)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 2,
      problems: ['skipped, and not in test/allowed-skips.json: test/a.test.ts > group > c'],
      notes: ['skipped: test/a.test.ts > group > b\n  because this kernel has no ipvlan']
    })
  })

  it('names an allowed skip that did not happen, unless only a part was run', () => {
    const passing = run(0, file('passed', test('a', 'passed')))
    const allowed = [{ test: 'gone', reason: 'none' }]
    const { failed, notes } = summarize([passing], allowed, everything)
    expect({ failed, notes }).toEqual({
      failed: 0,
      notes: ['listed in test/allowed-skips.json, but it was not skipped: gone']
    })
    expect(summarize([passing], allowed, { filtered: true, filteredByName: false }).notes).toEqual([])
  })

  it('takes tests of another name for no skips, when a name was asked for', () => {
    const some = run(0, file('passed', test('a', 'passed'), test('b', 'skipped')))
    expect(summarize([some], [], { filtered: true, filteredByName: true })).toMatchObject({
      failed: 0,
      skipped: 1
    })
  })

  it.each([
    ['a file that cannot be loaded', run(1, file('failed')), 'test/a.test.ts could not be run'],
    ['an error outside any test', run(1, file('passed', test('a', 'passed'))), 'failed outside any test'],
    ['a crash', { ...run(null), report: undefined }, 'the unit tests left no report'],
    ['a filter that finds nothing', run(0), 'no test was run']
  ])('counts %s as one failed', (_, result, problem) => {
    const { failed, problems } = summarize([result], [], everything)
    expect(problems).toEqual([expect.stringContaining(problem)])
    expect(failed).toBe(1)
  })
})

describe('a second try', () => {
  const named = (name: string, status: string, ...results: unknown[]) => ({
    ...file(status, ...results),
    name: `/root/test/${name}.test.ts`
  })
  const good = named('good', 'passed', test('a', 'passed'))
  const first = run(1, good, named('bad', 'failed', test('b', 'failed'), test('c', 'passed')))

  it('is for the files that failed, unless there are many', () => {
    expect(filesToRunAgain(first)).toEqual(['/root/test/bad.test.ts'])
    expect(filesToRunAgain(run(0, good))).toEqual([])
    const many = ['1', '2', '3', '4'].map((name) => named(name, 'failed', test('a', 'failed')))
    expect(filesToRunAgain(run(1, ...many.slice(0, 3)))).toHaveLength(3)
    expect(filesToRunAgain(run(1, ...many))).toEqual([])
  })

  it('counts instead of the first, and is told of', () => {
    const again = run(0, named('bad', 'passed', test('b', 'passed'), test('c', 'passed')))
    const both = withSecondTry(first, again)
    expect(both.notes).toEqual(['passed only when its file was run again: test/bad.test.ts > group > b'])
    expect(summarize([both.run], [], everything)).toMatchObject({ passed: 3, failed: 0, problems: [] })
  })

  it('that fails is a failure', () => {
    const again = run(1, named('bad', 'failed', test('b', 'failed'), test('c', 'passed')))
    const both = withSecondTry(first, again)
    expect(both.notes).toEqual([])
    expect(summarize([both.run], [], everything)).toMatchObject({ passed: 2, failed: 1 })
    const dead = withSecondTry(first, { ...run(1), report: undefined })
    expect(summarize([dead.run], [], everything)).toMatchObject({ failed: 1 })
  })
})
