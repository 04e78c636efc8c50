import type { AddressPool } from '@trilane/contracts'
import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import { type AddressPoolFixture, fill, keyOf, listed, nth, texts } from './fixture.ts'

export const listPromises: readonly SuiteTest<AddressPoolFixture>[] = [
  {
    name: 'is empty at first',
    async run({ pool }) {
      expect(await pool.list()).toEqual({ reservations: [], problems: [] })
    }
  },
  {
    name: 'shows what others reserved, outside the range too',
    async run(fixture) {
      await fixture.putRaw(`${nth(fixture, 2).v4}`, 'theirs\r\nnet1')
      await fixture.putRaw(`${nth(fixture, 2).v6}`, 'old')
      await fixture.putRaw('198.51.100.7', 'theirs\r\neth0')
      expect(await listed(fixture.pool)).toEqual(
        [`${nth(fixture, 2).v4} theirs/net1`, `${nth(fixture, 2).v6} old/`, '198.51.100.7 theirs/eth0'].sort()
      )
      expect(await problemsOf(fixture.pool)).toEqual([])
    }
  },
  ...[
    { what: 'a file that a crash left empty', text: '' },
    { what: 'a file of bytes', text: '\u0000\u0001\u0002' },
    { what: 'a file of other text', text: 'one\ntwo\nthree\n' }
  ].map(
    ({ what, text }): SuiteTest<AddressPoolFixture> => ({
      name: `reports ${what}, keeps it, and keeps its address out of use`,
      async run(fixture) {
        const name = `${nth(fixture, 2).v4}`
        await fixture.putRaw(name, text)
        const given = (await fill(fixture)).flatMap(texts)
        expect(given).not.toContain(name)
        const problems = await problemsOf(fixture.again())
        expect(problems).toHaveLength(1)
        expect(problems[0]).toContain(name)
        const wanted = fixture.pool.reserve(keyOf('late'), { v4: nth(fixture, 2).v4 })
        await expect(wanted).rejects.toMatchObject({ code: 'TRI_ADDRESS_TAKEN' })
      }
    })
  ),
  {
    name: 'reports a file that is not named by an address, and works on',
    async run(fixture) {
      await fixture.putRaw('notes.txt', 'pod-1\r\neth0')
      await fixture.pool.reserve(keyOf(1))
      expect(await fixture.pool.release(keyOf(1))).toHaveLength(2)
      const problems = await problemsOf(fixture.pool)
      expect(problems).toHaveLength(1)
      expect(problems[0]).toContain('notes.txt')
    }
  }
]

async function problemsOf(pool: AddressPool): Promise<string[]> {
  const { problems } = await pool.list()
  for (const problem of problems) expect(problem.code).toBe('TRI_POOL_CORRUPT')
  return problems.map((problem) => problem.message)
}
