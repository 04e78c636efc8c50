import { readFileSync } from 'node:fs'
import { inkFor } from '@trilane/terminal'
import { describe, expect, it } from 'vitest'
import { MODES } from '../../src/compare/modes.ts'
import { compareText } from '../../src/compare/render/terminal.ts'
import { TOPOLOGIES } from '../../src/compare/report.ts'
import { SAMPLE_REPORT } from './sample/report.ts'

const PAGES = ['docs/compare.md', 'docs/categories.md', 'README.md']
const page = (path: string): string =>
  readFileSync(new URL(`../../../../../${path}`, import.meta.url), 'utf8')

const printed = new Set(compareText(SAMPLE_REPORT, inkFor({})).split('\n'))

describe.each(PAGES)('%s', (path) => {
  const blocks = [...page(path).matchAll(/^```text\n(.*?)^```/gms)].map(([, text = '']) => text)

  it('shows what compare prints, line by line', () => {
    expect(blocks.length).toBeGreaterThan(0)
    for (const line of blocks.flatMap((text) => text.trimEnd().split('\n'))) expect(printed).toContain(line)
  })
})

describe('docs/compare.md', () => {
  const text = page('docs/compare.md')
  const rows = [...text.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) =>
    row.split(' | ').map((cell) => cell.trim())
  )

  it('has a row for each mode, and none besides', () => {
    const modes = rows.filter(([, category]) => ['underlay', 'route', 'overlay'].includes(category ?? ''))
    expect(modes).toEqual(MODES.map(({ id, category, config }) => [`\`${id}\``, category, `\`${config}\``]))
  })

  it('has a row for each option of the command, and none besides', () => {
    const [, command = ''] = page('packages/apps/lab/src/main.ts').split(".command('compare')")
    const [own = ''] = command.split('.action(')
    const options = [...own.matchAll(/'(--\w+)[ ']/g)].map(([, option]) => option)
    const documented = rows.flatMap(([cell = '']) => /^`(--\w+)/.exec(cell)?.[1] ?? [])
    expect(options).toContain('--backends')
    expect([...documented].sort()).toEqual([...options].sort())
  })

  it('names each topology', () => {
    for (const topology of TOPOLOGIES) expect(text).toContain(`\`${topology}\``)
  })
})
