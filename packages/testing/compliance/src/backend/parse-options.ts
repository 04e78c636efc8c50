import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import type { BackendFixture } from './fixture.ts'
import { refusalOf, textOf } from './statements.ts'

const renamed = (
  raw: Readonly<Record<string, unknown>>,
  rename: (name: string) => string
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(raw).map(([name, value]) => [rename(name), value]))

export const parseOptionsPromises: readonly SuiteTest<BackendFixture>[] = [
  {
    name: 'accepts what is valid, and leaves it as it was',
    run({ backend, goodOptions }) {
      for (const raw of goodOptions) {
        const before = textOf(raw)
        expect(textOf(backend.parseOptions(Object.freeze({ ...raw })))).toBe(
          textOf(backend.parseOptions(raw))
        )
        expect(textOf(raw)).toBe(before)
      }
    }
  },
  {
    name: 'matches keys without regard to case',
    run({ backend, goodOptions }) {
      for (const raw of goodOptions) {
        const expected = textOf(backend.parseOptions(raw))
        for (const rename of [(name: string) => name.toLowerCase(), (name: string) => name.toUpperCase()]) {
          expect(textOf(backend.parseOptions(renamed(raw, rename))), textOf(raw)).toBe(expected)
        }
      }
    }
  },
  {
    name: 'ignores unknown keys',
    run({ backend, goodOptions }) {
      for (const raw of goodOptions) {
        const more = { ...raw, NoSuchKey: { a: [1] } }
        expect(textOf(backend.parseOptions(more))).toBe(textOf(backend.parseOptions(raw)))
      }
    }
  },
  {
    name: 'knows the keys of its valid options, and is told a wrong value for each that it knows',
    run({ backend, goodOptions, badOptions }) {
      const known = new Set(backend.optionNames.map((name) => name.toLowerCase()))
      expect(known.size).toBe(backend.optionNames.length)
      const used = goodOptions.flatMap((raw) => Object.keys(raw)).map((name) => name.toLowerCase())
      expect(used.filter((name) => !known.has(name))).toEqual([])
      const wrong = new Set(
        badOptions.flatMap(({ raw }) => Object.keys(raw)).map((name) => name.toLowerCase())
      )
      expect([...known].filter((name) => !wrong.has(name))).toEqual([])
    }
  },
  {
    name: 'refuses a wrong value with TRI_CONFIG_INVALID, the path and what is allowed',
    run({ backend, badOptions }) {
      for (const { raw, path } of badOptions) {
        const error = refusalOf(() => backend.parseOptions(raw), textOf(raw))
        expect(error.code, textOf(raw)).toBe('TRI_CONFIG_INVALID')
        expect(error.values.path, textOf(raw)).toBe(path)
        expect(String(error.values.allowed), textOf(raw)).not.toBe('')
      }
    }
  }
]
