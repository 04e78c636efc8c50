import { readdirSync, readFileSync } from 'node:fs'
import { checkNetworkConfig } from '@trilane/config'
import { ERROR_TABLE } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { errorDocProblems } from './error-docs.ts'

const root = new URL('../..', import.meta.url).pathname
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8')

describe('docs/errors.md', () => {
  it('has a section for each code, and none besides', () => {
    const codes = Object.entries(ERROR_TABLE).map(([code, { retryable }]) => ({ code, retryable }))
    expect(errorDocProblems(codes, read('docs/errors.md'))).toEqual([])
  })

  it('would be caught with any difference', () => {
    const codes = [
      { code: 'TRI_A', retryable: true },
      { code: 'TRI_B', retryable: false },
      { code: 'TRI_C', retryable: false },
      { code: 'TRI_D', retryable: false }
    ]
    const page = [
      '## Codes',
      '### TRI_A',
      'No word of it.',
      '### TRI_B',
      '_May pass_: never.',
      '### TRI_C',
      '',
      '### TRI_E',
      'x',
      '### TRI_E',
      'x'
    ].join('\n')
    expect(errorDocProblems(codes, page)).toEqual([
      'TRI_E has two sections',
      'TRI_A is retryable, but its section says otherwise (_May pass_)',
      'TRI_B is not retryable, but its section says otherwise (_May pass_)',
      'the section of TRI_C is empty',
      'TRI_D has no section',
      'TRI_E is no code of the table'
    ])
  })
})

describe('configs/', () => {
  const files = readdirSync(`${root}/configs`).filter((name) => name.endsWith('.yaml'))

  it('has ready network configs', () => {
    expect(files).toContain('host-gw.yaml')
  })

  it.each(files)('%s is a network config without a key that nothing reads', (name) => {
    const options = { source: name, optionNames: () => undefined }
    expect(checkNetworkConfig(read(`configs/${name}`), options).warnings).toEqual([])
  })
})
