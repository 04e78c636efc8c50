import { describe, expect, it } from 'vitest'
import { addressOption, booleanOption, choiceOption, integerOption, textOption } from '../src/index.ts'

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

  it('are one of a few words, or what holds without', () => {
    const colour = (raw: Record<string, unknown>) => choiceOption(raw, 'Colour', ['red', 'blue'], 'red')
    expect([colour({}), colour({ colour: 'blue' }), colour({ Colour: null })]).toEqual(['red', 'blue', 'red'])
    for (const Colour of ['Blue', '', 1, true]) expect(() => colour({ Colour })).toThrow('one of red, blue')
  })

  it('are texts and addresses', () => {
    expect(textOption({ name: 'x' }, 'Name', 'a name')).toBe('x')
    expect(() => textOption({ Name: 1 }, 'Name', 'a name')).toThrow('a name')
    expect(String(addressOption({ via: '192.0.2.1' }, 'Via', 'v4'))).toBe('192.0.2.1')
    expect(addressOption({ Via: '0.0.0.0' }, 'Via', 'v4')).toBeUndefined()
    for (const Via of ['::1', '192.0.2.1/24', 1]) {
      expect(() => addressOption({ Via }, 'Via', 'v4')).toThrow('an IPv4 address')
    }
    expect(() => addressOption({ Via: '192.0.2.1' }, 'Via', 'v6')).toThrow('an IPv6 address')
  })
})
