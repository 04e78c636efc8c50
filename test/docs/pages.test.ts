import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NETWORK_CONFIG_KEYS, NODE_SETTINGS, parseNetworkConfig } from '@trilane/config'
import { describe, expect, it } from 'vitest'
import { commandsIn, ROOT } from './commands.ts'

const page = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Cells of every table of a page. */
function tableRows(text: string): string[][] {
  return [...text.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) =>
    row.split(' | ').map((cell) => cell.trim())
  )
}

describe('docs/configuration.md', () => {
  const text = page('docs/configuration.md')

  it('has a row for each flag, with its default and its meaning, and none besides', () => {
    const rows = tableRows(text).filter(([flag]) => flag?.startsWith('`--'))
    const expected = NODE_SETTINGS.map((setting) => [
      `\`--${setting.flag}\``,
      `\`${setting.name}\``,
      'default' in setting ? `\`${setting.default}\`` : '',
      `${setting.doc}${setting.repeatable ? ' (repeatable)' : ''}`
    ])
    expect(rows).toEqual(expected)
  })

  it('has a row for each key of the network config', () => {
    const keys = tableRows(text).map(([key]) => key)
    expect(keys).toEqual(expect.arrayContaining(NETWORK_CONFIG_KEYS.map((key) => `\`${key}\``)))
  })
})

describe('docs/architecture.md', () => {
  it('names every package', () => {
    const named = tableRows(page('docs/architecture.md')).map(([cell]) => cell)
    const packages = readdirSync(join(ROOT, 'packages')).flatMap((layer) =>
      readdirSync(join(ROOT, 'packages', layer)).map((name) => `\`${layer}/${name}\``)
    )
    expect(named).toEqual(expect.arrayContaining(packages))
  })
})

describe('configs in the docs', () => {
  const pages = [
    'README.md',
    ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`)
  ]
  const blocks = pages.flatMap((path) =>
    [...page(path).matchAll(/```(?:yaml|json)\n(.*?)```/gs)].map(([, text = '']) => ({ path, text }))
  )

  it('are there', () => {
    expect(blocks.length).toBeGreaterThan(0)
  })

  it.each(blocks)('$path: $text', ({ path, text }) => {
    if (/^\s*"?Network/m.test(text))
      expect(parseNetworkConfig(text, { source: path }).backend.type).not.toBe('')
  })
})

describe('commands in the README', () => {
  it('promise exactly two commands, and what the docs try', () => {
    const lines = commandsIn('README.md').map(({ line }) => line)
    expect(lines).toContain('npm start')
    expect(lines).toContain('npm test')
    const tried = commandsIn('docs/getting-started.md').map(({ line }) => line)
    const words = (line: string): string => line.split(' ').slice(0, 3).join(' ')
    for (const line of lines.filter((candidate) => candidate !== 'npm test')) {
      expect(tried.map(words), line).toContain(words(line))
    }
  })
})
