import { needsLinkTypes } from '@trilane/testbed'
import { afterAll, describe, expect, it } from 'vitest'
import { commandsIn } from './commands.ts'
import { removeLab, runInLab } from './lab.ts'

needsLinkTypes('ipvlan')

afterAll(removeLab)

describe('docs/backends/ipvlan.md', () => {
  it('shows things to look at that are there', { timeout: 300_000 }, async () => {
    const lines = commandsIn('docs/backends/ipvlan.md').filter(({ section }) => section === 'Look at it')
    expect(lines.length).toBeGreaterThan(4)
    for (const { line } of lines) await runInLab(line)
  })
})
