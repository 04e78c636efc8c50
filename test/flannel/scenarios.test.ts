import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const ROOT = new URL('../../', import.meta.url)

/** The rows of the tables in docs/testing.md whose scenarios are named so: scenario and the file that has it. */
function rows(name: RegExp): readonly (readonly [scenario: string, path: string])[] {
  const text = readFileSync(new URL('docs/testing.md', ROOT), 'utf8')
  return [...text.matchAll(/^\| (R?\d+) +\|.*\| `(test\/[^`]+)` +\|$/gm)]
    .map(([, scenario = '', path = '']) => [scenario, path] as const)
    .filter(([scenario]) => name.test(scenario))
}

const OF_FLANNEL = rows(/^\d+$/)
const OF_ETCD = rows(/^R/)

describe('the scenarios of docs/testing.md', () => {
  it('are those that were seen to go wrong', () => {
    expect([...new Set(OF_FLANNEL.map(([scenario]) => Number(scenario)))]).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 28, 29
    ])
  })

  it('and what may happen to a cluster with etcd', () => {
    expect([...new Set(OF_ETCD.map(([scenario]) => scenario))]).toEqual([
      ...['R1', 'R2', 'R3', 'R4', 'R8', 'R9', 'R10', 'R11', 'R19']
    ])
  })

  it.each([...OF_FLANNEL, ...OF_ETCD])('%s is a test in %s', (scenario, path) => {
    const name = new RegExp(`['"\`](?:R?\\d+, )*${scenario}(?:, R?\\d+)*: `)
    expect(readFileSync(new URL(path, ROOT), 'utf8')).toMatch(name)
  })
})
