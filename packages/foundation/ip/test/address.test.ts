import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IpAddress, IpSyntaxError } from '../src/index.ts'
import { anyAddress } from './arbitraries.ts'

describe('IpAddress', () => {
  it.each([
    ['10.5.0.1', '10.5.0.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['fd00:5:0:15::', 'fd00:5:0:15::'],
    ['FD00:0005:0000:0015:0000:0000:0000:0000', 'fd00:5:0:15::'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    // RFC 5952 would allow a dotted tail here; flannel's key parser does not.
    ['::ffff:10.5.0.1', '::ffff:a05:1']
  ])('reads %s and writes %s', (text, canonical) => {
    expect(IpAddress.parse(text).toString()).toBe(canonical)
  })

  it.each([
    '',
    '10.5.0',
    '10.5.0.256',
    '10.5.0.01',
    '10.5.0.1 ',
    '0x0a.5.0.1',
    '168099841',
    '10.5.0.1/24',
    'fd00::1::2',
    'fd00::g',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7:8:9',
    ':'
  ])('refuses %j', (text) => {
    expect(IpAddress.tryParse(text)).toBeUndefined()
    expect(() => IpAddress.parse(text)).toThrow(IpSyntaxError)
  })

  it('is the same after text and after bytes', () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        expect(IpAddress.parse(address.toString()).equals(address)).toBe(true)
        expect(IpAddress.fromBytes(address.toBytes()).equals(address)).toBe(true)
      })
    )
  })

  it('orders as its bytes do within a family, v4 first', () => {
    fc.assert(
      fc.property(anyAddress, anyAddress, (a, b) => {
        const expected =
          a.family === b.family ? Buffer.compare(a.toBytes(), b.toBytes()) : a.family === 'v4' ? -1 : 1
        expect(Math.sign(a.compare(b))).toBe(expected)
        expect(a.equals(b)).toBe(expected === 0)
      })
    )
  })

  it('adds within the family and has nothing beyond it', () => {
    expect(IpAddress.parse('10.5.0.255').plus(1)?.toString()).toBe('10.5.1.0')
    expect(IpAddress.parse('255.255.255.255').plus(1)).toBeUndefined()
    expect(IpAddress.parse('0.0.0.0').plus(-1)).toBeUndefined()
    expect(IpAddress.parse('ffff::').plus(1n << 127n)).toBeUndefined()
    expect(() => IpAddress.fromBits('v4', 1n << 32n)).toThrow(RangeError)
    expect(() => IpAddress.fromBytes(new Uint8Array(5))).toThrow(RangeError)
  })

  it.each([
    ['127.0.0.1', 'isLoopback'],
    ['::1', 'isLoopback'],
    ['224.0.0.1', 'isMulticast'],
    ['ff02::1', 'isMulticast'],
    ['169.254.1.1', 'isLinkLocal'],
    ['fe80::1', 'isLinkLocal'],
    ['febf::1', 'isLinkLocal'],
    ['0.0.0.0', 'isUnspecified'],
    ['::', 'isUnspecified']
  ] as const)('%s %s, and no other kind', (text, kind) => {
    const address = IpAddress.parse(text)
    const kinds = ['isLoopback', 'isMulticast', 'isLinkLocal', 'isUnspecified'] as const
    expect(kinds.filter((name) => address[name])).toEqual([kind])
  })

  it.each(['128.0.0.1', '239.255.255.255.', '::2', 'fec0::1', '10.0.0.1'])('%s is no loopback', (text) => {
    expect(IpAddress.tryParse(text)?.isLoopback ?? false).toBe(false)
  })
})
