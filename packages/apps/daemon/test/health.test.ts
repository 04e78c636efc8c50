import { type Clock, TrilaneError } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { Health } from '../src/health.ts'

const error = (peer: string): TrilaneError =>
  TrilaneError.of('TRI_PEER_FAMILY_MISSING', { peer, subnet: '10.5.2.0/24', family: 'IPv4' })

describe('Health', () => {
  let nowMs = 1_000
  let aheadMs = 0
  const clock: Clock = {
    wallMs: () => nowMs + aheadMs,
    monotonicMs: () => nowMs,
    bootMs: () => nowMs,
    sleep: async () => {}
  }

  it('keeps the start of what lasts, and forgets what is over', () => {
    const health = new Health(clock)
    expect(health.raise('peer a', 'medium', error('a'))).toBe(true)
    nowMs = 2_000
    // Somebody sets the wall clock: what is older comes first all the same.
    aheadMs = -86_400_000
    expect(health.raise('peer b', 'low', error('b'))).toBe(true)
    nowMs = 3_000
    expect(health.raise('peer a', 'medium', error('a, again'))).toBe(false)
    expect(health.items().map(({ text, sinceMs }) => [text.slice(0, 8), sinceMs])).toEqual([
      ['a, again', 1_000],
      ['b announ', 2_000 - 86_400_000]
    ])
    health.clear('peer a')
    health.clear('never raised')
    expect(health.items()).toHaveLength(1)
    expect(health.raise('peer a', 'medium', error('a'))).toBe(true)
  })
})
