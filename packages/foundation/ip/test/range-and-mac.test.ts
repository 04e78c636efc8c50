import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  familiesOf,
  IpAddress,
  IpSyntaxError,
  Mac,
  mapFamilies,
  Prefix,
  Range,
  valuesOf
} from '../src/index.ts'

const range = (first: string, last: string): Range => Range.of(IpAddress.parse(first), IpAddress.parse(last))

describe('Range', () => {
  it('walks every address once from any start, and wraps', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat({ max: 39 }), (size, start) => {
        const first = IpAddress.parse('10.5.0.250')
        const tested = Range.of(first, first.plus(size - 1) ?? first)
        const from = first.plus(start % size) ?? first
        const walked = [...tested.addresses(from)].map(String)
        expect(new Set(walked).size).toBe(size)
        expect(walked).toHaveLength(size)
        expect(walked[0]).toBe(from.toString())
      })
    )
  })

  it('walks lazily through what nobody could hold in memory', () => {
    const [first, second] = Prefix.parse('fd00::/64').range.addresses()
    expect([first, second].map(String)).toEqual(['fd00::', 'fd00::1'])
  })

  it('refuses what is no range', () => {
    expect(() => range('10.0.0.2', '10.0.0.1')).toThrow(RangeError)
    expect(() => range('10.0.0.1', '::1')).toThrow(RangeError)
    expect(() => [...range('10.0.0.1', '10.0.0.2').addresses(IpAddress.parse('10.0.0.3'))]).toThrow(
      RangeError
    )
  })

  it('overlaps at a shared end, and not across families', () => {
    expect(range('10.0.0.1', '10.0.0.5').overlaps(range('10.0.0.5', '10.0.0.9'))).toBe(true)
    expect(range('10.0.0.1', '10.0.0.4').overlaps(range('10.0.0.5', '10.0.0.9'))).toBe(false)
    expect(range('0.0.0.0', '255.255.255.255').overlaps(range('::', '::ffff'))).toBe(false)
  })
})

describe('Mac', () => {
  it('reads either case and writes lower case', () => {
    expect(Mac.parse('0E:2A:00:FF:00:01').toString()).toBe('0e:2a:00:ff:00:01')
    expect(Mac.fromBytes(Mac.parse('0e:2a:00:ff:00:01').toBytes()).toString()).toBe('0e:2a:00:ff:00:01')
  })

  it('reads six of more bytes, from a place on', () => {
    const bytes = Uint8Array.of(1, 2, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 3)
    expect(`${Mac.fromBytes(bytes, 2)}`).toBe('fe:dc:ba:98:76:54')
    expect(() => Mac.fromBytes(bytes)).toThrow(RangeError)
    expect(() => Mac.fromBytes(bytes, 4)).toThrow(RangeError)
  })

  it.each(['', '0e:2a:00:ff:00', '0e-2a-00-ff-00-01', '0e:2a:00:ff:00:0g', '0e2a00ff0001'])(
    'refuses %j',
    (text) => {
      expect(() => Mac.parse(text)).toThrow(IpSyntaxError)
    }
  )

  it('derives the same unicast, locally administered address from the same seed', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const mac = Mac.derive(a)
        expect((mac.toBytes()[0] ?? 0) & 3).toBe(2)
        expect(mac.isUnicast).toBe(true)
        expect(mac.equals(Mac.derive(a))).toBe(true)
        if (a !== b) expect(mac.equals(Mac.derive(b))).toBe(false)
      })
    )
    // Fixed for ever: devices keep their address across releases.
    expect(Mac.derive('trilane').toString()).toBe('46:0f:1f:71:24:9f')
  })
})

describe('per family', () => {
  it('keeps the order of families and leaves absent ones out', () => {
    expect(familiesOf({ v6: 1, v4: 2 })).toEqual(['v4', 'v6'])
    expect(valuesOf({ v6: 1, v4: 2 })).toEqual([2, 1])
    expect(mapFamilies({ v4: 1, v6: 2 }, (value) => (value > 1 ? value * 10 : undefined))).toEqual({ v6: 20 })
  })
})
