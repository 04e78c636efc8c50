import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostGw } from '@trilane/backend-host-gw'
import { ipvlan } from '@trilane/backend-ipvlan'
import { macvlan } from '@trilane/backend-macvlan'
import { vxlan } from '@trilane/backend-vxlan'
import type { Backend } from '@trilane/contracts'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { commandsIn, ROOT } from './commands.ts'
import { comparisonRows } from './comparison.ts'
import { removeLab, runInLab } from './lab.ts'

const BACKENDS: readonly Backend[] = [vxlan, hostGw, macvlan, ipvlan]

function rowsOf(page: string): string[][] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  return [...text.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) =>
    row.split(' | ').map((cell) => cell.trim())
  )
}

afterEach(removeLab)
afterAll(removeLab)

describe('docs/backends/index.md', () => {
  it('has a row for each backend, with what its traits say', () => {
    const yesNo = (trait: boolean): string => (trait ? 'yes' : 'no')
    const expected = BACKENDS.map(({ type, category, traits }) => [
      `[${type}](${type}.md)`,
      category,
      `${traits.overheadBytes.v4} / ${traits.overheadBytes.v6}`,
      yesNo(traits.needsSharedLink),
      yesNo(traits.servesEveryPeer),
      yesNo(traits.hostReachesPods),
      yesNo(traits.podsHaveOwnMac),
      yesNo(traits.podsOnNodeNetwork)
    ])
    expect(rowsOf('docs/backends/index.md').filter(([cell]) => cell?.startsWith('['))).toEqual(expected)
    expect(readdirSync(join(ROOT, 'packages/backends')).sort()).toEqual(
      BACKENDS.map(({ type }) => type).sort()
    )
  })

  it('compares them as their traits do', () => {
    const rows = comparisonRows(BACKENDS)
    const questions = new Set(rows.map(([question]) => question))
    expect(rowsOf('docs/backends/index.md').filter(([cell = '-']) => questions.has(cell))).toEqual(rows)
  })
})

describe.each(BACKENDS.map(({ type, optionNames }) => [type, optionNames] as const))(
  'docs/backends/%s.md',
  (type, optionNames) => {
    const page = `docs/backends/${type}.md`

    it('has a row for each option, as has its README', () => {
      for (const path of [page, `packages/backends/${type}/README.md`]) {
        const named = rowsOf(path).flatMap(([cell]) => /^`(\w+)`$/.exec(cell ?? '')?.[1] ?? [])
        expect(named, path).toEqual(optionNames)
      }
    })
  }
)

// What stands there about ipvlan, which not every kernel has, is run by ipvlan.test.ts.
describe.each(BACKENDS.map(({ type }) => type).filter((type) => type !== ipvlan.type))(
  'docs/backends/%s.md',
  (type) => {
    it('shows things to look at that are there', async () => {
      const lines = commandsIn(`docs/backends/${type}.md`).filter(({ section }) => section === 'Look at it')
      expect(lines.length).toBeGreaterThan(4)
      for (const { line } of lines) await runInLab(line)
    })
  }
)
