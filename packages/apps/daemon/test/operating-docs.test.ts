import { readdirSync, readFileSync } from 'node:fs'
import { ERROR_TABLE } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const page = read('../../../../docs/operating.md')

const section = (name: string): string => page.split(`\n## ${name}\n`)[1]?.split('\n## ')[0] ?? ''

/** Rows of the tables in a text, without heads. */
const rowsOf = (text: string): string[][] =>
  [...text.matchAll(/^\| (`.*) \|$/gm)].map(([, row = '']) => row.split(' | ').map((cell) => cell.trim()))

/** What the program raises: `uplink`, and `peer KEY` where the key is one of many. */
function raised(): Set<string> {
  const names = new Set<string>()
  for (const file of readdirSync(new URL('../src/', import.meta.url)).filter((name) =>
    name.endsWith('.ts')
  )) {
    const text = read(`../src/${file}`)
    for (const [, name = ''] of text.matchAll(/(?:\.raise\(|#patiently\(|patience\.run\()\s*'([^']+)'/g))
      names.add(name)
    for (const [, name = ''] of text.matchAll(/const CONDITION = '([^']+)'/g)) names.add(name)
    const ofOne = /(?:condition = |return |\[)`(\w+) \$\{[^}`]*\b(?:key|error\.message)\b/g
    for (const [, name = ''] of text.matchAll(ofOne)) names.add(`${name} KEY`)
  }
  return names
}

describe('docs/operating.md', () => {
  const conditions = rowsOf(section('Conditions'))

  it('has a row for each condition that the daemon raises, and none besides', () => {
    const documented = conditions.map(([name = '']) => name.replaceAll('`', ''))
    expect(documented.length).toBeGreaterThan(8)
    expect(documented.sort()).toEqual([...raised()].sort())
  })

  it.each(conditions)(
    'names for %s its severity, codes, symptom, cause and fix',
    (_, severity, codes, ...rest) => {
      expect(severity).toMatch(/^(?:low|medium|high)(?: or (?:medium|high))?$/)
      const named = [...(codes ?? '').matchAll(/`(TRI_\w+)`/g)].map(([, code = '']) => code)
      expect(named.length).toBeGreaterThan(0)
      for (const code of named) expect(Object.keys(ERROR_TABLE)).toContain(code)
      expect(rest.filter((cell) => cell.length > 5)).toHaveLength(3)
    }
  )
})
