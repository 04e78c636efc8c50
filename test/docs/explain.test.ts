import { rm } from 'node:fs/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { commandsIn } from './commands.ts'
import { removeLab, runInLab } from './lab.ts'

afterAll(removeLab)
afterAll(() => rm('/tmp/trilane-walk', { recursive: true, force: true }))

describe('docs/explain.md', () => {
  const commands = commandsIn('docs/explain.md').map(({ line }) => line)

  it('shows something to run', () => {
    expect(commands).toContain('./trilane explain node1/pod1 node2/pod1')
    expect(commands.length).toBeGreaterThan(4)
  })

  it.each(commands)('%s', runInLab)
})
