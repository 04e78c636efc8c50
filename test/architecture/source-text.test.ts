// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates are what the texts are about
import { describe, expect, it } from 'vitest'
import { sourceText } from './source-text.ts'

/** What is left of the code, with runs of spaces as one. */
const code = (text: string) => sourceText(text).code.replace(/ +/g, ' ').trim()

describe('the code of a text', () => {
  it.each([
    ['let a = 1 // process.exit', 'let a = 1'],
    ['/* process */ let a /* b */ = 1', 'let a = 1'],
    ["let a = 'it\\'s process' + b", "let a = ' ' + b"],
    ['let a = "// no comment"; f()', 'let a = " "; f()'],
    ['let a = `process ${f(`inner ${g({ a: 1 })}`)} b`; h()', 'let a = ` ${f(` ${g({ a: 1 })}`)} `; h()'],
    ["let a = /it's [/'] process/g.test(b) // c", 'let a = / /g.test(b)'],
    ['let a = b / c / d', 'let a = b / c / d'],
    ['return /x"/', 'return / /'],
    ['let a = "never ends', 'let a = "'],
    ['/* never ends', '']
  ])('%s', (text, expected) => {
    expect(code(text)).toBe(expected)
  })

  it('keeps every line and offset', () => {
    const text = 'a\n/* b\n c */ d\n`e\n${f}\n`\ng'
    const { code: left } = sourceText(text)
    expect(left).toHaveLength(text.length)
    expect(left.split('\n')).toHaveLength(text.split('\n').length)
    expect(left.indexOf('g')).toBe(text.indexOf('g'))
  })
})

describe('the imports of a text', () => {
  it('are all there, whatever their form, with their lines', () => {
    const text = [
      "import a from 'one'",
      "import type { B } from 'two'",
      "import 'three'",
      'import {',
      '  c',
      "} from 'four'",
      "export * from 'five'",
      "export { d } from 'six'",
      "const e = await import('seven')",
      "type F = import('eight').F",
      "const g = require('nine')"
    ].join('\n')
    expect(sourceText(text).imports).toEqual([
      { specifier: 'one', line: 1 },
      { specifier: 'two', line: 2 },
      { specifier: 'three', line: 3 },
      { specifier: 'four', line: 6 },
      { specifier: 'five', line: 7 },
      { specifier: 'six', line: 8 },
      { specifier: 'seven', line: 9 },
      { specifier: 'eight', line: 10 },
      { specifier: 'nine', line: 11 }
    ])
  })

  it('are not the methods of that name', () => {
    expect(sourceText("Buffer.from('a')\nIpAddress\n  .from('b')").imports).toEqual([])
  })

  it('are not those that a comment or a text speaks of', () => {
    expect(sourceText("// import 'a'\nconst b = `import 'c'`\nconst d = \"import 'e'\"").imports).toEqual([])
  })
})
