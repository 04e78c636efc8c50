import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const ROOT = new URL('../../', import.meta.url)

/** The rows of the table in docs/testing.md: scenario and the file that has it. */
function rows(): readonly (readonly [scenario: string, path: string])[] {
  const text = readFileSync(new URL('docs/testing.md', ROOT), 'utf8')
  return [...text.matchAll(/^\| (\d+) +\|.*\| `(test\/[^`]+)` +\|$/gm)].map(
    ([, scenario = '', path = '']) => [scenario, path]
  )
}

describe('the scenarios of docs/testing.md', () => {
  it('are those that were seen to go wrong', () => {
    expect([...new Set(rows().map(([scenario]) => Number(scenario)))]).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 28, 29
    ])
  })

  it.each(rows())('%s is a test in %s', (scenario, path) => {
    expect(readFileSync(new URL(path, ROOT), 'utf8')).toMatch(new RegExp(`['"\`]${scenario}: `))
  })
})
