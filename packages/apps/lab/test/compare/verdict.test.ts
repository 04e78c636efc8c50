import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/compare/measure/random.ts'
import {
  compareSeries,
  compareWithItself,
  type Judged,
  ranking,
  SMALLEST_PART,
  seriesOf,
  spreadOf
} from '../../src/compare/measure/verdict.ts'
import type { Comparison, Series } from '../../src/compare/measurements.ts'

const ROUNDS = 9
const TIME: Judged = { better: 'lower', phrase: (ratio) => `takes ${ratio} times as long as` }
const RATE: Judged = { better: 'higher', phrase: (ratio) => `does ${ratio} times as many as` }

const random = seededRandom(2)
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
/** Its own interval decides nothing, and takes long to compute. */
const noisy = (mode: string, mean: number, deviation: number): Series => {
  const values = Array.from({ length: ROUNDS }, () => mean + deviation * normal())
  return { mode, values, median: mean, min: mean, max: mean, interval: [mean, mean] }
}
const exact = (mode: string, ...values: readonly number[]) => seriesOf(mode, values, random, undefined)

/** As a report does it, of five modes: one of them twice, and `a` against `b`, which is `more` above it. */
function judged(more: number, deviation: number): { readonly ab: Comparison; readonly aa: Comparison } {
  const [a, again, b, c, d] = [
    noisy('a', 100, deviation),
    noisy('a again', 100, deviation),
    noisy('b', 100 + more, deviation),
    noisy('c', 130, deviation),
    noisy('d', 160, deviation)
  ]
  const noise = compareWithItself(a, again, TIME, spreadOf([a, again, b, c, d]), random)
  return { ab: compareSeries(a, b, TIME, noise.floor, random), aa: noise.comparison }
}

function share(of: readonly Comparison[], verdict: Comparison['verdict']): number {
  return of.filter((one) => one.verdict === verdict).length / of.length
}

describe('verdicts on simulated rounds', () => {
  const RUNS = 300

  it('show no difference where there is none, in 98 of 100', () => {
    const runs = Array.from({ length: RUNS }, () => judged(0, 5))
    expect(
      share(
        runs.map(({ ab }) => ab),
        'no-difference-shown'
      )
    ).toBeGreaterThan(0.985)
    expect(
      share(
        runs.map(({ aa }) => aa),
        'no-difference-shown'
      )
    ).toBeGreaterThan(0.975)
  })

  it('show one of three times the spread, and who is better, in more than 19 of 20', () => {
    const runs = Array.from({ length: RUNS }, () => judged(15, 5).ab)
    expect(share(runs, 'a-better')).toBeGreaterThan(0.95)
    expect(share(runs, 'b-better')).toBe(0)
  })

  it('are not turned by one bad round in nine', () => {
    const good = Array.from({ length: 8 }, (_, round) => 100 + (round % 3))
    const a = exact('a', ...good, 900)
    const b = exact('b', ...good.map((value) => value * 1.2), 120)
    expect(compareSeries(a, b, TIME, 0.05, random).verdict).toBe('a-better')
  })
})

describe('comparison', () => {
  const slow = exact('slow', 20, 21, 20, 20.5, 20, 21, 20)
  const fast = exact('fast', 10, 10.5, 10, 10, 10.2, 10.1, 10)

  it('names the greater one first, whoever comes first', () => {
    const [one, other] = [
      compareSeries(slow, fast, TIME, 0.01, random),
      compareSeries(fast, slow, TIME, 0.01, random)
    ]
    expect(one).toMatchObject({ a: 'slow', b: 'fast', verdict: 'b-better' })
    expect(other).toMatchObject({ a: 'fast', b: 'slow', verdict: 'a-better' })
    expect(one.text).toMatch(/^slow takes 2\.0\d times as long as fast \(\d\.\d\d to \d\.\d\d\)$/)
    expect(other.text.slice(0, 30)).toBe(one.text.slice(0, 30))
  })

  it('knows that more may be better', () => {
    expect(compareSeries(slow, fast, RATE, 0.01, random).verdict).toBe('a-better')
  })

  it('pairs the rounds: what hits both in one says nothing', () => {
    const a = exact('a', 100, 200, 300, 400, 500, 600, 700)
    const b = exact('b', 110, 220, 330, 440, 550, 660, 770)
    expect(compareSeries(a, b, TIME, 0.05, random)).toMatchObject({ verdict: 'a-better' })
  })

  it('does not count what is inside the noise, however sure it is', () => {
    const a = exact('a', 100, 100, 100, 100, 100)
    const b = exact('b', 103, 103, 103, 103, 103)
    const { verdict, text } = compareSeries(a, b, TIME, 0.05, random)
    expect(verdict).toBe('no-difference-shown')
    expect(text).toBe(
      'a and b: no difference shown (ratio 0.97 to 0.97; what is within 5.0 % does not count)'
    )
  })
})

describe('null comparison', () => {
  it('finds a machine that is not the same twice', () => {
    const once = exact('x', 100, 101, 100, 99, 100, 101, 100)
    const again = exact('x again', 130, 131, 130, 129, 130, 131, 130)
    const spread = spreadOf([once, again])
    const { comparison, floor } = compareWithItself(once, again, TIME, spread, random)
    expect(comparison.verdict).toBe('a-better')
    expect(floor).toBeCloseTo(0.3, 1)
  })

  it('takes nothing smaller than a hundredth for a difference', () => {
    const same = exact('x', 100, 100, 100, 100, 100)
    expect(compareWithItself(same, same, TIME, spreadOf([same, same]), random).floor).toBe(SMALLEST_PART)
  })
})

describe('ranking', () => {
  const series = (mode: string, median: number): Series => ({ ...exact(mode, median), mode })
  const differs = (a: string, b: string): Comparison => {
    return { a, b, ratio: 2, interval: [2, 2], verdict: 'a-better', text: '' }
  }
  const [a, b, c] = [series('a', 1), series('b', 2), series('c', 3)]

  it('puts the best first, in either sense of it', () => {
    const comparisons = [differs('a', 'b'), differs('a', 'c'), differs('b', 'c')]
    expect(ranking([c, a, b], comparisons, 'lower')).toEqual([['a'], ['b'], ['c']])
    const reverse = comparisons.map((one) => ({ ...one, verdict: 'b-better' as const }))
    expect(ranking([a, b, c], reverse, 'higher')).toEqual([['c'], ['b'], ['a']])
  })

  it('keeps together who is not shown to differ', () => {
    expect(ranking([a, b, c], [differs('a', 'c'), differs('b', 'c')], 'lower')).toEqual([['a', 'b'], ['c']])
    expect(ranking([a, b, c], [], 'lower')).toEqual([['a', 'b', 'c']])
  })

  it('claims no order that is not shown: b may be like either', () => {
    expect(ranking([a, b, c], [differs('a', 'c')], 'lower')).toEqual([['a', 'b', 'c']])
  })
})
