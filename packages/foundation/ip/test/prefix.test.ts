import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ADDRESS_BITS, IpAddress, IpSyntaxError, Prefix } from '../src/index.ts'
import { anyAddress, anyPrefix } from './arbitraries.ts'

describe('Prefix', () => {
  it('masks host bits on input', () => {
    expect(Prefix.parse('10.5.3.7/16').toString()).toBe('10.5.0.0/16')
    expect(Prefix.parse('fd00:5::1/48').toString()).toBe('fd00:5::/48')
    expect(Prefix.of(IpAddress.parse('10.5.3.7'), 32).toString()).toBe('10.5.3.7/32')
  })

  it.each([
    '10.5.0.0',
    '10.5.0.0/33',
    '10.5.0.0/-1',
    '10.5.0.0/08',
    'fd00::/129',
    '/16',
    '10.5.0.0/16/8',
    ''
  ])('refuses %j', (text) => {
    expect(() => Prefix.parse(text)).toThrow(IpSyntaxError)
  })

  it('is the same after text', () => {
    fc.assert(
      fc.property(anyPrefix, (prefix) => {
        expect(Prefix.parse(prefix.toString()).equals(prefix)).toBe(true)
      })
    )
  })

  it('contains exactly the addresses from its first to its last', () => {
    fc.assert(
      fc.property(anyPrefix, anyAddress, (prefix, address) => {
        const between =
          address.family === prefix.family &&
          address.compare(prefix.address) >= 0 &&
          address.compare(prefix.last) <= 0
        expect(prefix.contains(address)).toBe(between)
        expect(prefix.range.contains(address)).toBe(between)
      })
    )
  })

  it('overlaps another exactly when one contains the other, as their ranges do', () => {
    fc.assert(
      fc.property(anyPrefix, anyPrefix, (a, b) => {
        expect(a.overlaps(b)).toBe(a.range.overlaps(b.range))
        expect(a.overlaps(b)).toBe(b.overlaps(a))
        if (a.contains(b) && b.contains(a)) expect(a.equals(b)).toBe(true)
      })
    )
  })

  it('is cut into subnets that tile it', () => {
    fc.assert(
      fc.property(
        anyPrefix,
        fc.nat({ max: 12 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (prefix, more, at) => {
          const length = Math.min(prefix.length + more, ADDRESS_BITS[prefix.family])
          const count = prefix.subnetCount(length)
          const index = BigInt(Math.floor(at * Number(count - 1n)))
          const subnet = prefix.subnet(length, index)
          expect(prefix.contains(subnet)).toBe(true)
          expect(subnet.size * count).toBe(prefix.size)
          if (index > 0n) {
            expect(
              prefix
                .subnet(length, index - 1n)
                .last.plus(1)
                ?.equals(subnet.address)
            ).toBe(true)
          }
        }
      )
    )
  })

  it('knows its ends', () => {
    const prefix = Prefix.parse('10.5.7.0/24')
    expect(prefix.nth(1).toString()).toBe('10.5.7.1')
    expect(prefix.last.toString()).toBe('10.5.7.255')
    expect(() => prefix.nth(256)).toThrow(RangeError)
    expect(() => prefix.subnet(23, 0)).toThrow(RangeError)
    expect(() => prefix.subnet(25, 2)).toThrow(RangeError)
    expect(Prefix.parse('::/0').size).toBe(1n << 128n)
  })

  it('sorts by address, the shorter first', () => {
    const texts = ['10.5.0.0/24', '10.5.0.0/16', '10.4.0.0/16', 'fd00::/8', '9.0.0.0/8']
    const sorted = texts.map(Prefix.parse).sort((a, b) => a.compare(b))
    expect(sorted.map(String)).toEqual(['9.0.0.0/8', '10.4.0.0/16', '10.5.0.0/16', '10.5.0.0/24', 'fd00::/8'])
  })
})
