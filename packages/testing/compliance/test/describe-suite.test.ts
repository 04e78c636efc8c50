import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { startVitest } from 'vitest/node'

/** Runs a test file that applies a suite of two tests, with this skip list, in a test runner of its own. */
async function outcome(skip: string): Promise<Record<string, string>> {
  // The inner runner sets it when a test of its own fails.
  const { exitCode } = process
  const directory = await mkdtemp(join(tmpdir(), 'trilane-suite-'))
  try {
    const source = fileURLToPath(new URL('../src/suite.ts', import.meta.url))
    await symlink(fileURLToPath(new URL('../node_modules', import.meta.url)), join(directory, 'node_modules'))
    await writeFile(
      join(directory, 'applied.test.ts'),
      `import { describeSuite } from ${JSON.stringify(source)}
       const broken = () => { throw new Error('broken') }
       const suite = { contract: 'C', verbs: [{ verb: 'v', tests: [{ name: 'kept', run() {} }, { name: 'broken', run: broken }] }] }
       describeSuite(suite, 'i', { create: () => ({}), skip: ${skip} })`
    )
    const runner = await startVitest('test', [], {
      root: directory,
      config: false,
      watch: false,
      reporters: [{}],
      include: ['*.test.ts']
    })
    const found: Record<string, string> = {}
    for (const module of runner.state.getTestModules()) {
      for (const test of module.children.allTests()) {
        const result = test.result()
        found[test.fullName] = result.state === 'skipped' ? `skipped: ${result.note}` : result.state
      }
    }
    await runner.close()
    return found
  } finally {
    await rm(directory, { recursive: true })
    process.exitCode = exitCode
  }
}

describe('describeSuite', () => {
  it('registers each promise by name', async () => {
    expect(await outcome('[]')).toEqual({
      'C i > v > kept': 'passed',
      'C i > v > broken': 'failed',
      'C i > has every name of the skip list': 'passed'
    })
  })

  it('skips what the implementation does not keep, with its reason', async () => {
    expect(await outcome(`[{ test: 'v > broken', reason: 'because' }]`)).toMatchObject({
      'C i > v > broken': 'skipped: because'
    })
  })

  it('fails for a name in the skip list that is no test', async () => {
    expect(await outcome(`[{ test: 'v > renamed', reason: 'because' }]`)).toMatchObject({
      'C i > has every name of the skip list': 'failed'
    })
  })
})
