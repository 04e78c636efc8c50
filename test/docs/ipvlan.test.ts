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
    const [up, ...others] = lines
    const down = others.pop()
    expect([up?.line, down?.line]).toEqual([
      expect.stringContaining(' lab up '),
      expect.stringContaining(' lab down')
    ])
    await runInLab(up?.line ?? '')
    // They only look, and a program takes seconds to start there.
    await Promise.all(others.map(({ line }) => runInLab(line)))
    await runInLab(down?.line ?? '')
  })
})
