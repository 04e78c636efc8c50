import { inkFor } from '@trilane/terminal'
import { describe, expect, it } from 'vitest'
import { compareText } from '../../src/compare/render/terminal.ts'
import type { CompareReport } from '../../src/compare/report.ts'
import { SAMPLE_REPORT } from './sample/report.ts'

const pipe = inkFor({})
const terminal = inkFor({ isTTY: true, columns: 100 }, {})
const text = compareText(SAMPLE_REPORT, pipe)

/** The line that begins with a word, and its cells. */
const cellsOf = (start: string): string[] =>
  text
    .split('\n')
    .find((line) => line.startsWith(start))
    ?.split(/ {2,}/) ?? []

describe('the comparison at a terminal', () => {
  it('fits 100 columns', () => {
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([])
    expect(text.split('\n').filter((line) => line.endsWith(' '))).toEqual([])
  })

  it('begins with a row for each mode: median and interval, bytes added, MTU', () => {
    expect(cellsOf('vxlan  ')).toEqual([
      'vxlan',
      'overlay',
      '10.40 (10.35–10.49)',
      '24.5',
      '214',
      '18.3',
      '0.0660',
      '4.70',
      '50/70',
      '1450/1430'
    ])
    expect(cellsOf('macvlan').slice(-2)).toEqual(['0/0', '1500'])
    expect(text).toContain('ipvlan-l2: ran in a guest kernel')
    expect(text).toContain('ipvlan-l3: this kernel has no ipvlan')
  })

  it('takes the bytes that were added from the way of a ping, where traffic did not show them', () => {
    const modes = SAMPLE_REPORT.modes.map((mode) => ({ ...mode, addedBytes: {} }))
    const lines = compareText({ ...SAMPLE_REPORT, modes }, pipe).split('\n')
    expect(lines.find((line) => line.startsWith('vxlan  '))).toMatch(/ 50\/70 +1450\/1430$/)
    expect(lines.find((line) => line.startsWith('node  '))).toMatch(/ \? +1500$/)
  })

  it('says who is better, who is not shown to be, and what was too restless to say', () => {
    const words = text.replace(/\s+/g, ' ')
    expect(words).toContain(
      'TCP round trip, median [2.3 %]: macvlan, then vxlan-direct and host-gw (no difference shown), then vxlan'
    )
    expect(words).toContain(
      'TCP stream [52.5 %]: vxlan, vxlan-direct, host-gw and macvlan: no difference shown'
    )
    expect(words).toContain('not ranked: host-gw measured twice differs from itself')
  })

  it('has a reason behind every number of the matrices, and a number for each reason', () => {
    const [tables = '', reasons = ''] = text.split('\nreasons\n')
    const used = new Set(
      [...tables.matchAll(/(?:no|–) \[([\d,]+)\]/g)].flatMap(([, list = '']) => list.split(','))
    )
    const given = [...reasons.matchAll(/^ {2}\[(\d+)\]/gm)].map(([, number]) => number)
    expect(given.length).toBeGreaterThan(8)
    expect([...used].sort()).toEqual([...given].sort())
    expect(tables).not.toMatch(/ no(?: {2}|$)/m)
  })

  it('names the lanes where a mode has more than one in use, and why', () => {
    const words = text.replace(/\s+/g, ' ')
    expect(words).toContain('vxlan-direct: node1 → node2: host-gw – the preferred lane')
    expect(words).toContain(
      'vxlan-direct: node1 → node3: vxlan – in place of host-gw: host-gw cannot reach node3'
    )
    expect(words).not.toContain('vxlan: node1 → node2: vxlan')
  })

  it('names the hop that is not as predicted, and how', () => {
    expect(text).toContain('tcp IPv4 +50 differs')
    expect(text).toContain('at node2 flannel.1 in the frame is not as predicted: ipv4 ttl 62, predicted 63')
  })

  it('has the same words with and without colour', () => {
    const coloured = compareText(SAMPLE_REPORT, terminal)
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')
    expect(coloured).not.toBe(text)
    expect(coloured.replace(escapes, '')).toBe(text)
    expect(text).not.toContain(String.fromCharCode(27))
  })

  it('says why a mode has no figures, when it is not that it ran elsewhere', () => {
    const modes = SAMPLE_REPORT.modes.map((mode) => ({
      ...mode,
      ran: 'function' as const,
      absence: 'none were asked for'
    }))
    const words = compareText({ ...SAMPLE_REPORT, modes }, pipe)
    expect(words).toContain('host-gw: none were asked for')
    expect(words).not.toContain('ran in a guest kernel')
  })

  it('says what there is when only matrices were taken', () => {
    const { measurements: _, ...rest } = SAMPLE_REPORT
    const report: CompareReport = { ...rest, walks: [], leftOut: [] }
    const words = compareText(report, pipe)
    expect(words).toContain('two segments and a router (--topology routed)')
    expect(words).not.toContain('best first')
    expect(words).not.toContain('left out')
  })

  it('tells families apart where their answers differ', () => {
    const matrices = SAMPLE_REPORT.matrices.map((matrix) =>
      matrix.mode === 'host-gw' && matrix.topology === 'flat' && matrix.family === 'v6'
        ? { ...matrix, cells: matrix.cells.map((cell) => ({ ...cell, answer: 'no' as const })) }
        : matrix
    )
    expect(compareText({ ...SAMPLE_REPORT, matrices }, pipe)).toContain('IPv4 yes IPv6 no')
  })
})
