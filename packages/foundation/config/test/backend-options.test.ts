import { describe, expect, it } from 'vitest'
import { booleanOption, integerOption } from '../src/index.ts'

const RANGE = { min: 1, max: 10, about: 'a number of things' }

describe('options of a backend', () => {
  it('are found as Go finds keys: without regard to case, the last one, nulls left out', () => {
    expect(integerOption({ count: 3 }, 'Count', RANGE)).toBe(3)
    expect(integerOption({ Count: 3, COUNT: 4 }, 'Count', RANGE)).toBe(4)
    expect(integerOption({ Count: 3, COUNT: null }, 'Count', RANGE)).toBe(3)
    expect(booleanOption({ ON: false }, 'On')).toBe(false)
  })

  it('are undefined when they are not set', () => {
    expect(integerOption({ count: null }, 'Count', RANGE)).toBeUndefined()
    expect(booleanOption({}, 'On')).toBeUndefined()
  })

  it.each([0, 11, 1.5, '3', true, [], {}, Number.NaN])('refuse %j with path, value and range', (value) => {
    const ask = () => integerOption({ Count: value }, 'Count', RANGE)
    expect(ask).toThrow(
      expect.objectContaining({
        code: 'TRI_CONFIG_INVALID',
        values: {
          path: 'Backend.Count',
          value: JSON.stringify(value),
          allowed: 'a number of things, a whole number from 1 to 10'
        }
      })
    )
    expect(ask).toThrow(String(JSON.stringify(value)))
  })

  it('refuse what only looks like true or false', () => {
    for (const value of ['true', 1, 'yes']) {
      expect(() => booleanOption({ On: value }, 'On')).toThrow('true or false, without quotes')
    }
  })
})
