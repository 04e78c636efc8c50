import { readFileSync, writeFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type { z } from 'zod'
import type { CompareReport } from '../../src/compare/report.ts'
import { SAMPLE_REPORT } from './sample/report.ts'
import { type REPORT_SCHEMA, reportJsonSchema } from './schema.ts'

const FILE = new URL('../../../../../docs/compare.schema.json', import.meta.url)
const made: Record<string, unknown> = JSON.parse(JSON.stringify(reportJsonSchema()))
// After a change of schema.ts: run this test with it, then `npm run format`.
if (process.env.TRILANE_WRITE_SCHEMA !== undefined) writeFileSync(FILE, JSON.stringify(made))
const schema: Record<string, unknown> = JSON.parse(readFileSync(FILE, 'utf8'))
const isReport = new Ajv2020({ allErrors: true }).compile(schema)

/** Readonly all through, as the report is. */
type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T
type Described = Frozen<z.output<typeof REPORT_SCHEMA>>

/** As a reader gets it. */
const sample = (): Record<string, unknown> => JSON.parse(JSON.stringify(SAMPLE_REPORT))

describe('docs/compare.schema.json', () => {
  it('is what schema.ts says; TRILANE_WRITE_SCHEMA=1 writes it', () => {
    expect(schema).toEqual(made)
  })

  it('is of the same type as the report: the compiler says so', () => {
    expectTypeOf<CompareReport>().toExtend<Described>()
    expectTypeOf<Described>().toExtend<CompareReport>()
  })

  it('fits a report', () => {
    isReport(sample())
    expect(isReport.errors ?? []).toEqual([])
  })

  it.each([
    ['another version', { schema: 'trilane-compare/2' }],
    ['no conditions', { conditions: undefined }],
    ['a key that nobody knows', { extra: 1 }],
    ['a number that is none', { elapsedMs: 'long' }],
    ['a walk without hops', { walks: [{ ...SAMPLE_REPORT.walks[0], hops: undefined }] }],
    ['a topology that is none', { matrices: [{ ...SAMPLE_REPORT.matrices[0], topology: 'ring' }] }],
    [
      'an interval of one end',
      {
        measurements: {
          ...SAMPLE_REPORT.measurements,
          metrics: [
            { ...SAMPLE_REPORT.measurements?.metrics[0], noise: { mode: 'a', floor: 0, comparison: {} } }
          ]
        }
      }
    ]
  ])('refuses %s', (_, change) => {
    expect(isReport(JSON.parse(JSON.stringify({ ...sample(), ...change })))).toBe(false)
    expect(isReport.errors).not.toEqual([])
  })
})
