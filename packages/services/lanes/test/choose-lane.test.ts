import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  chooseLane,
  FIRST_HOLD_MS,
  type LaneChoice,
  type LaneStanding,
  LONGEST_HOLD_MS,
  PEACE_MS
} from '../src/index.ts'

const TYPES = ['first', 'second', 'third']

function candidates(...standings: readonly LaneStanding[]) {
  return standings.map((standing, index) => ({
    type: TYPES[index] ?? 'more',
    standing,
    reason: standing === 'works' ? '' : `it is ${standing}`
  }))
}

/** Plays a story: at each time, what is known of each lane. @returns the lane after each step */
function story(...steps: readonly (readonly [atMs: number, ...LaneStanding[]])[]): (string | undefined)[] {
  let choice: LaneChoice | undefined
  return steps.map(([atMs, ...standings]) => {
    choice = chooseLane(choice, candidates(...standings), atMs)
    return choice.type
  })
}

describe('chooseLane', () => {
  it('takes the first that works, and says why not those before it', () => {
    const choice = chooseLane(undefined, candidates('refused', 'silent', 'works'), 0)
    expect(choice).toEqual({
      type: 'third',
      standing: 'works',
      passedOver: [
        { type: 'first', reason: 'it is refused' },
        { type: 'second', reason: 'it is silent' }
      ],
      troubles: []
    })
  })

  it('finds none among lanes that are refused', () => {
    const choice = chooseLane(undefined, candidates('refused', 'refused'), 0)
    expect(choice).not.toHaveProperty('type')
    expect(choice.passedOver).toHaveLength(2)
    expect(chooseLane(undefined, [], 0)).not.toHaveProperty('type')
  })

  it('takes the next lane until the better one has answered for the first time, and then that one at once', () => {
    expect(story([0, 'unknown', 'works'], [1, 'works', 'works'])).toEqual(['second', 'first'])
    expect(story([0, 'silent', 'works'], [1, 'works', 'works'])).toEqual(['second', 'first'])
  })

  it.each([
    [['silent'], 'first'],
    [['unknown'], 'first'],
    [['silent', 'refused'], 'first'],
    [['silent', 'unknown'], 'second'],
    [['unknown', 'silent'], 'first']
  ] as const)('uses the best hope where nothing works: %j', (standings, type) => {
    expect(chooseLane(undefined, candidates(...standings), 0).type).toBe(type)
  })

  it('keeps a lane in use while nothing is known against it', () => {
    expect(story([0, 'works', 'works'], [1, 'unknown', 'works'])).toEqual(['first', 'first'])
  })

  it.each(['silent', 'refused'] as const)('leaves a lane at once that is %s', (standing) => {
    expect(story([0, 'works', 'works'], [1, standing, 'works'])).toEqual(['first', 'second'])
  })

  it('goes back only when the lane has worked for a while, and says when to look again', () => {
    const left = chooseLane(
      chooseLane(undefined, candidates('works', 'works'), 0),
      candidates('silent', 'works'),
      1
    )
    expect(left).not.toHaveProperty('lookAgainAtMs')
    const held = chooseLane(left, candidates('works', 'works'), 1_000)
    expect(held).toMatchObject({ type: 'second', lookAgainAtMs: 1_000 + FIRST_HOLD_MS })
    expect(held.passedOver).toEqual([
      { type: 'first', reason: 'it works again, but failed once and must work for 5 s first' }
    ])
    expect(chooseLane(held, candidates('works', 'works'), 1_000 + FIRST_HOLD_MS - 1).type).toBe('second')
    expect(chooseLane(held, candidates('works', 'works'), 1_000 + FIRST_HOLD_MS).type).toBe('first')
  })

  it('begins to wait anew when the lane fails while it is waited for', () => {
    expect(
      story(
        [0, 'works', 'works'],
        [1, 'silent', 'works'],
        [1_000, 'works', 'works'],
        [4_000, 'silent', 'works'],
        [5_000, 'works', 'works'],
        [9_999, 'works', 'works'],
        [10_000, 'works', 'works']
      )
    ).toEqual(['first', 'second', 'second', 'second', 'second', 'second', 'first'])
  })

  it('waits for nobody when there is nothing else', () => {
    expect(story([0, 'works', 'works'], [1, 'silent', 'works'], [2, 'works', 'refused'])).toEqual([
      'first',
      'second',
      'first'
    ])
  })

  it('doubles the time with each failure, up to the longest, and forgets it after a time of peace', () => {
    let nowMs = 0
    let choice = chooseLane(undefined, candidates('works', 'works'), nowMs)
    const holds = Array.from({ length: 8 }, () => {
      choice = chooseLane(choice, candidates('silent', 'works'), ++nowMs)
      choice = chooseLane(choice, candidates('works', 'works'), ++nowMs)
      const { lookAgainAtMs = nowMs } = choice
      const hold = lookAgainAtMs - nowMs
      nowMs = lookAgainAtMs
      choice = chooseLane(choice, candidates('works', 'works'), nowMs)
      expect(choice.type).toBe('first')
      return hold
    })
    expect(holds).toEqual([5, 10, 20, 40, 80, 160, 300, 300].map((seconds) => seconds * 1_000))
    choice = chooseLane(choice, candidates('works', 'works'), nowMs + PEACE_MS)
    expect(choice.troubles).toEqual([])
  })

  const standing = fc.constantFrom<LaneStanding>('works', 'works', 'unknown', 'silent', 'refused')

  it('does not flap, however the evidence does', () => {
    const step = fc.record({ first: standing, afterMs: fc.integer({ min: 1, max: 20_000 }) })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 400 }), (steps) => {
        let nowMs = 0
        let choice: LaneChoice | undefined
        let returns = 0
        for (const { first, afterMs } of steps) {
          nowMs += afterMs
          const next = chooseLane(choice, candidates(first, 'works'), nowMs)
          if (choice?.type === 'second' && next.type === 'first') returns++
          choice = next
        }
        // Each return but the first is preceded by a hold, and holds double until a time of peace ends a series.
        const series = 1 + nowMs / PEACE_MS
        const doublings = Math.ceil(Math.log2(LONGEST_HOLD_MS / FIRST_HOLD_MS)) + 1
        expect(returns).toBeLessThanOrEqual(1 + series * doublings + nowMs / LONGEST_HOLD_MS)
        expect(returns - 1).toBeLessThanOrEqual(nowMs / FIRST_HOLD_MS)
      })
    )
  })

  it('never uses a refused lane, nor a silent one while another works, and names every lane before the chosen one', () => {
    const round = fc.record({
      standings: fc.array(standing, { minLength: 1, maxLength: 3 }),
      afterMs: fc.integer({ min: 0, max: 400_000 })
    })
    fc.assert(
      fc.property(fc.array(round, { maxLength: 30 }), (rounds) => {
        let nowMs = 0
        let choice: LaneChoice | undefined
        for (const { standings, afterMs } of rounds) {
          nowMs += afterMs
          const lanes = candidates(...standings)
          choice = chooseLane(choice, lanes, nowMs)
          const chosen = lanes.find(({ type }) => type === choice?.type)
          expect(choice.standing).toBe(chosen?.standing ?? 'refused')
          if (chosen === undefined) expect(standings.every((one) => one === 'refused')).toBe(true)
          if (chosen?.standing === 'silent') expect(standings).not.toContain('works')
          expect(chosen?.standing).not.toBe('refused')
          const before = chosen === undefined ? lanes : lanes.slice(0, lanes.indexOf(chosen))
          expect(choice.passedOver.map(({ type }) => type)).toEqual(before.map(({ type }) => type))
          expect(choice.passedOver.every(({ reason }) => reason !== '')).toBe(true)
          // Nothing that happened is needed to come to rest: the same again changes nothing.
          expect(chooseLane(choice, lanes, nowMs).type).toBe(choice.type)
        }
      })
    )
  })

  it('is back on the best lane when that has worked long enough', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(standing, standing), { maxLength: 50 }), (history) => {
        let choice: LaneChoice | undefined
        for (const [index, standings] of history.entries())
          choice = chooseLane(choice, candidates(...standings), index)
        choice = chooseLane(choice, candidates('works', 'works'), history.length)
        const later = choice.lookAgainAtMs ?? history.length
        expect(later - history.length).toBeLessThanOrEqual(LONGEST_HOLD_MS)
        expect(chooseLane(choice, candidates('works', 'works'), later).type).toBe('first')
      })
    )
  })
})
