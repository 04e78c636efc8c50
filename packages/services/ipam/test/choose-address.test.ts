import { IpAddress, Prefix, Range } from '@trilane/ip'
import { candidateAddresses, notAllowed, rangeOf } from '@trilane/ipam'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const subnet = (text: string) => rangeOf(Prefix.parse(text))
const order = (text: string, last?: string) =>
  [...candidateAddresses(subnet(text), last === undefined ? undefined : IpAddress.parse(last))].map(String)

describe('rangeOf', () => {
  it.each([
    ['10.5.71.0/24', '10.5.71.1-10.5.71.254', '10.5.71.1'],
    ['10.7.0.0/29', '10.7.0.1-10.7.0.6', '10.7.0.1'],
    ['10.7.0.4/30', '10.7.0.5-10.7.0.6', '10.7.0.5'],
    ['fd00:5:0:15::/64', 'fd00:5:0:15::1-fd00:5:0:15:ffff:ffff:ffff:ffff', 'fd00:5:0:15::1'],
    ['fd00::/126', 'fd00::1-fd00::3', 'fd00::1']
  ])('of %s is %s without the gateway %s', (text, range, gateway) => {
    const pool = subnet(text)
    expect(`${pool.range}`).toBe(range)
    expect(pool.excluded.map(({ first }) => String(first))).toEqual([gateway])
  })

  it.each(['10.7.0.0/31', '10.7.0.0/32', 'fd00::/127', 'fd00::/128'])(
    'refuses %s, too small for a pod',
    (text) => {
      expect(() => subnet(text)).toThrow(expect.objectContaining({ code: 'TRI_CONFIG_INVALID' }))
    }
  )
})

describe('candidateAddresses', () => {
  it('begins with .2 in a /24, as host-local does', () => {
    expect(order('10.5.71.0/24')[0]).toBe('10.5.71.2')
    expect(order('10.5.71.0/24')).toHaveLength(253)
  })

  it('goes on after the last reserved one, wraps, and ends with it', () => {
    expect(order('10.7.0.0/29', '10.7.0.4')).toEqual([
      '10.7.0.5',
      '10.7.0.6',
      '10.7.0.2',
      '10.7.0.3',
      '10.7.0.4'
    ])
    expect(order('10.7.0.0/29', '10.7.0.6')).toEqual(order('10.7.0.0/29'))
    expect(order('fd00::/126', 'fd00::2')).toEqual(['fd00::3', 'fd00::2'])
  })

  it('begins anew when the pointer is of a former lease or of the other family', () => {
    expect(order('10.7.0.0/29', '10.8.0.4')).toEqual(order('10.7.0.0/29'))
    expect(order('10.7.0.0/29', 'fd00::4')).toEqual(order('10.7.0.0/29'))
    expect(order('10.7.0.0/29', '255.255.255.255')).toEqual(order('10.7.0.0/29'))
  })

  it('goes through parts of the pool one after the other, from wherever it stopped', () => {
    const pool = subnet('10.7.0.0/28')
    const range = (first: number, last: number) =>
      Range.of(IpAddress.parse(`10.7.0.${first}`), IpAddress.parse(`10.7.0.${last}`))
    const after = (last?: number) =>
      [
        ...candidateAddresses(pool, last === undefined ? undefined : IpAddress.parse(`10.7.0.${last}`), [
          range(8, 10),
          range(1, 3)
        ])
      ].map((address) => String(address).split('.').at(-1))
    expect(after()).toEqual(['8', '9', '10', '2', '3'])
    expect(after(8)).toEqual(['9', '10', '2', '3', '8'])
    expect(after(2)).toEqual(['3', '8', '9', '10', '2'])
    expect(after(10)).toEqual(['2', '3', '8', '9', '10'])
    expect(after(3)).toEqual(after())
    expect(after(5)).toEqual(after())
  })

  it('skips what the operator excludes', () => {
    const pool = subnet('10.7.0.0/29')
    const single = (text: string) => Range.of(IpAddress.parse(text), IpAddress.parse(text))
    const excluded = [...pool.excluded, single('10.7.0.3'), single('10.7.0.6')]
    const given = [...candidateAddresses({ ...pool, excluded }, undefined)].map(String)
    expect(given).toEqual(['10.7.0.2', '10.7.0.4', '10.7.0.5'])
  })

  it('is the same set from every pointer, without doubles', () => {
    const all = order('10.7.0.0/26').sort()
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 63 }), (offset) => {
        const from = order('10.7.0.0/26', Prefix.parse('10.7.0.0/26').nth(offset).toString())
        return from.length === all.length && from.sort().every((text, i) => text === all[i])
      })
    )
  })

  it('passes over a large exclusion in one step, and may find nothing left', () => {
    const pool = subnet('fd00:5:0:15::/64')
    const range = (first: string, last: string) => Range.of(IpAddress.parse(first), IpAddress.parse(last))
    const excluded = [...pool.excluded, range('fd00:5:0:15::2', 'fd00:5:0:15:7fff:ffff:ffff:ffff')]
    const [first] = candidateAddresses({ ...pool, excluded }, undefined)
    expect(`${first}`).toBe('fd00:5:0:15:8000::')
    expect([...candidateAddresses({ ...pool, excluded: [pool.range] }, undefined)]).toEqual([])
  })

  it('gives each address that is not excluded once, wherever it begins and whatever overlaps', () => {
    const whole = Prefix.parse('10.7.0.0/27')
    const offset = fc.integer({ min: -4, max: 36 })
    const spans = fc.array(fc.tuple(offset, fc.integer({ min: 0, max: 9 })), { maxLength: 5 })
    fc.assert(
      fc.property(spans, offset, (list, last) => {
        const base = whole.nth(0)
        const at = (n: number): IpAddress => base.plus(n) ?? base
        const excluded = list.map(([from, length]) => Range.of(at(from), at(from + length)))
        const given = [...candidateAddresses({ range: whole.range, excluded }, at(last))].map(String)
        const left = [...whole.range.addresses()].filter(
          (one) => !excluded.some((span) => span.contains(one))
        )
        return given.length === left.length && new Set(given).size === left.length
      })
    )
  })

  it('costs nothing for a /64: it is walked only as far as asked', () => {
    const [first] = candidateAddresses(subnet('fd00:5:0:15::/64'), undefined)
    expect(`${first}`).toBe('fd00:5:0:15::2')
  })
})

describe('notAllowed', () => {
  it.each([
    ['10.7.0.0', 'it is outside the range of this node'],
    ['10.7.0.7', 'it is outside the range of this node'],
    ['fd00::2', 'it is outside the range of this node'],
    ['10.7.0.1', 'it is the gateway, or excluded'],
    ['10.7.0.2', undefined]
  ])('says of %s: %s', (text, reason) => {
    expect(notAllowed(subnet('10.7.0.0/29'), IpAddress.parse(text))).toBe(reason)
  })
})
