import { describe, expect, it } from 'vitest'
import { judge } from '../../src/compare/matrix/judge.ts'
import type { Outcome } from '../../src/compare/matrix/trials.ts'

const NODE = '192.168.77.1'
const POD = '10.5.66.2'
const trial = (seenAs?: 'sender' | 'node') => ({
  way: 'outside → pod' as const,
  packet: 'a → b',
  source: POD,
  ...(seenAs === undefined ? {} : { seenAs })
})

const answer = (seenAs: 'sender' | 'node' | undefined, outcome: Outcome, isUnderlay = false) => {
  const { cell, isUnexplained } = judge(trial(seenAs), outcome, NODE, isUnderlay)
  expect(cell).toMatchObject({ way: 'outside → pod', packet: 'a → b' })
  return [cell.answer, cell.reasonFrom ?? 'none', isUnexplained]
}

const seen = (address: string): Outcome => ({ answered: true, seen: address })
const SILENCE: Outcome = { answered: false }

describe('an outcome', () => {
  it('is a yes when an echo came back', () => {
    expect(answer(undefined, { answered: true })).toEqual(['yes', 'none', false])
  })

  it('is a no whose reason is to be found when nothing came', () => {
    for (const seenAs of [undefined, 'sender', 'node'] as const)
      expect(answer(seenAs, SILENCE)).toEqual(['no', 'none', true])
  })

  it('is a yes only when the other end saw whom it should', () => {
    expect(answer('sender', seen(POD))).toEqual(['yes', 'none', false])
    expect(answer('node', seen(NODE))).toEqual(['yes', 'none', false])
    expect(answer('sender', seen(NODE))).toEqual(['no', 'unexplained', false])
    expect(answer('node', seen(POD))).toEqual(['no', 'unexplained', false])
  })

  it('does not apply where pods are on the nodes’ own network and nothing is masqueraded', () => {
    expect(answer('node', seen(POD), true)).toEqual(['not-applicable', 'config', false])
    expect(answer('node', SILENCE, true)).toEqual(['not-applicable', 'config', false])
    expect(answer('sender', SILENCE, true)).toEqual(['no', 'none', true])
  })
})
