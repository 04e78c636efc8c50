import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Json, readJson } from '../src/index.ts'
import { bytes, refusal } from './refusal.ts'

/** As `JSON.parse` would give it. */
function plain(value: Json): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]))
  return Array.isArray(value) ? value.map(plain) : value
}

const read = (text: string): unknown => plain(readJson(bytes(text)))

describe('readJson', () => {
  it('reads every JSON text as JSON.parse does', () => {
    const key = fc.string().map((text) => text.toLowerCase())
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, true, false),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string({ unit: 'binary' }),
        fc.array(tie('value')),
        fc.dictionary(
          key.filter((name) => name !== '__proto__'),
          tie('value')
        )
      )
    }))
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, '\t'), (given, indent) => {
        const text = JSON.stringify(given, undefined, indent)
        expect(read(text)).toEqual(JSON.parse(new TextDecoder().decode(bytes(text))))
      })
    )
  })

  it('refuses with 6 whatever JSON.parse refuses, and nothing else', () => {
    const accepts = (act: () => unknown): boolean => {
      try {
        act()
        return true
      } catch {
        return false
      }
    }
    const near = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', '[', '\\', '0', '-', '\u0001', 'e', '/**/')
      )
      .map(
        ([text, at, more]) =>
          text.slice(0, at % (text.length + 1)) + more + text.slice(at % (text.length + 1))
      )
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes(text))
        const isJson = accepts(() => JSON.parse(decoded))
        expect(accepts(() => readJson(bytes(text)))).toBe(isJson)
        if (!isJson) expect(refusal(() => readJson(bytes(text))).code).toBe(6)
      }),
      { numRuns: 2000 }
    )
  })

  it('takes keys without regard to case, and the last of them in the text, as Go does', () => {
    expect(read('{"name":"a","NAME":"b","name":"c"}')).toEqual({ name: 'c' })
    expect(read('{"name":"a","name":"c","Name":"b"}')).toEqual({ name: 'b' })
    expect(read('{"HostPort":1}')).toEqual({ hostport: 1 })
  })

  it('takes bytes that are not UTF-8 as U+FFFD, and a byte order mark as an error', () => {
    expect(plain(readJson(Uint8Array.of(0x22, 0xff, 0x22)))).toBe('\uFFFD')
    expect(refusal(() => readJson(bytes('\uFEFF{}'))).code).toBe(6)
  })

  it('stops at a depth that nobody writes, long before the stack ends', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(() => read(nested(200))).not.toThrow()
    expect(refusal(() => read(nested(1_000_000))).message).toContain('nested more than 512 deep')
  })

  it('reads a text of some megabytes', () => {
    const long = 'x'.repeat(4_000_000)
    expect(read(`{"padding":"${long}"}`)).toEqual({ padding: long })
  })
})
