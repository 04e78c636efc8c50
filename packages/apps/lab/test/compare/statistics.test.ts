import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Random, seededRandom } from '../../src/compare/measure/random.ts'
import { median, medianDeviation, medianInterval } from '../../src/compare/measure/statistics.ts'

const values = fc.array(fc.double({ min: 0.001, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 20 })

describe('median', () => {
  it.each([
    [[3], 3],
    [[5, 1, 3], 3],
    [[4, 1, 3, 2], 2.5]
  ])('of %j is %d', (list, expected) => expect(median(list)).toBe(expected))

  it('has as many values on either side, and changes nothing', () =>
    fc.assert(
      fc.property(values, (list) => {
        const before = [...list]
        const middle = median(list)
        expect(list).toEqual(before)
        expect(list.filter((value) => value < middle).length).toBeLessThanOrEqual(list.length / 2)
        expect(list.filter((value) => value > middle).length).toBeLessThanOrEqual(list.length / 2)
      })
    ))

  it('has no value of nothing', () => expect(() => median([])).toThrow(RangeError))
})

describe('median deviation', () => {
  it('does not mind one that is far away', () => {
    expect(medianDeviation([10, 11, 9, 10, 12])).toBe(1)
    expect(medianDeviation([10, 11, 9, 10, 1e9])).toBe(1)
  })
})

describe('interval of the median', () => {
  it('holds the median, and lies in the range', () =>
    fc.assert(
      fc.property(values, fc.integer(), (list, seed) => {
        const [low, high] = medianInterval(list, seededRandom(seed))
        const middle = median(list)
        expect(low).toBeLessThanOrEqual(middle)
        expect(high).toBeGreaterThanOrEqual(middle)
        expect(low).toBeGreaterThanOrEqual(Math.min(...list))
        expect(high).toBeLessThanOrEqual(Math.max(...list))
      }),
      { numRuns: 50 }
    ))

  it('has no width when there is no spread', () => {
    expect(medianInterval([7, 7, 7], seededRandom(1))).toEqual([7, 7])
  })

  it('holds the true median in nine of ten samples at least', () => {
    const random = seededRandom(5)
    const hits = Array.from({ length: 300 }, () => {
      const [low, high] = medianInterval(
        Array.from({ length: 15 }, () => normal(random)),
        random
      )
      return low <= 0 && high >= 0
    }).filter(Boolean)
    expect(hits.length).toBeGreaterThanOrEqual(270)
    // One that held it always would be too wide to say anything.
    expect(hits.length).toBeLessThan(300)
  })

  it('is the same for the same seed', () => {
    const list = [1, 2, 3, 5, 8, 13]
    expect(medianInterval(list, seededRandom(3))).toEqual(medianInterval(list, seededRandom(3)))
    expect(seededRandom(3)()).not.toBe(seededRandom(4)())
  })
})

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
