import { type FamilyConfig, TrilaneError } from '@trilane/contracts'
import { IpAddress, Prefix, Range, valuesOf } from '@trilane/ip'
import { chooseSubnets, type SubnetQuestion } from '@trilane/subnet-manager'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { excludedCount } from '../src/choose-subnet.ts'
import { family, V4, V6 } from './fixtures.ts'

const taken = (...subnets: string[]): SubnetQuestion['taken'] =>
  subnets.map((text) => {
    const prefix = Prefix.parse(text)
    return { subnets: { [prefix.family]: prefix } }
  })

function choose(question: Partial<SubnetQuestion>): string {
  const choice = chooseSubnets({ families: { v4: V4 }, taken: [], seed: 'node', ...question })
  return 'exhausted' in choice ? `exhausted ${choice.exhausted}` : valuesOf(choice.subnets).join(' ')
}

describe('chooseSubnets', () => {
  it('gives one seed the same subnet every time, and different seeds different ones', () => {
    expect(choose({})).toBe(choose({}))
    const chosen = new Set(Array.from({ length: 100 }, (_, i) => choose({ seed: `node ${i}` })))
    // 100 draws from 255: by chance 83 on average.
    expect(chosen.size).toBeGreaterThan(60)
  })

  it('uses the whole range from SubnetMin to SubnetMax, both included', () => {
    const config = family('10.5.0.0/16', 24, '10.5.10.0', '10.5.13.0')
    const chosen = new Set(
      Array.from({ length: 200 }, (_, i) => choose({ families: { v4: config }, seed: `${i}` }))
    )
    expect([...chosen].sort()).toEqual(['10.5.10.0/24', '10.5.11.0/24', '10.5.12.0/24', '10.5.13.0/24'])
  })

  it('skips leases of any length and wraps', () => {
    const config = family('10.5.0.0/16', 24, '10.5.8.0', '10.5.15.0')
    for (let seed = 0; seed < 20; seed++) {
      const question = { families: { v4: config }, seed: `${seed}` }
      expect(choose({ ...question, taken: taken('10.5.8.0/22', '10.5.12.0/23', '10.5.15.7/32') })).toBe(
        '10.5.14.0/24'
      )
      expect(choose({ ...question, taken: taken('10.5.9.0/24', '10.5.10.0/23', '10.5.12.0/22') })).toBe(
        '10.5.8.0/24'
      )
    }
  })

  it('counts a lease that begins before SubnetMin or ends after SubnetMax', () => {
    const config = family('10.5.0.0/16', 24, '10.5.6.0', '10.5.9.0')
    expect(choose({ families: { v4: config }, taken: taken('10.5.4.0/22', '10.5.9.0/24') })).toBe(
      '10.5.8.0/24'
    )
    expect(choose({ families: { v4: config }, taken: taken('10.5.6.0/24', '10.5.8.0/21') })).toBe(
      '10.5.7.0/24'
    )
  })

  it('passes over subnets that are excluded as a whole, and over no others', () => {
    const range = (first: string, last: string) => Range.of(IpAddress.parse(first), IpAddress.parse(last))
    const config = {
      ...family('192.168.77.0/24', 28, '192.168.77.16', '192.168.77.96'),
      excluded: [
        range('192.168.77.0', '192.168.77.31'),
        range('192.168.77.33', '192.168.77.63'),
        range('192.168.77.80', '192.168.77.255')
      ]
    }
    const chosen = new Set(
      Array.from({ length: 50 }, (_, i) => choose({ families: { v4: config }, seed: `${i}` }))
    )
    expect([...chosen].sort()).toEqual(['192.168.77.32/28', '192.168.77.64/28'])
    expect(choose({ families: { v4: config }, taken: taken('192.168.77.32/28', '192.168.77.64/28') })).toBe(
      'exhausted v4'
    )
    expect(excludedCount(config)).toBe(4n)
  })

  it('is exhausted by a lease as large as the network', () => {
    expect(choose({ taken: taken('10.5.0.0/16') })).toBe('exhausted v4')
    expect(choose({ taken: taken('0.0.0.0/0') })).toBe('exhausted v4')
  })

  it('chooses the families independently and names the one that is exhausted', () => {
    const families = { v4: V4, v6: V6 }
    expect(choose({ families })).toMatch(/^10\.5\.\d+\.0\/24 fd00:5:0:[0-9a-f]+::\/64$/)
    expect(choose({ families, taken: taken('fd00:5::/48') })).toBe('exhausted v6')
    const v4Only = choose({ families: { v4: V4 } })
    expect(choose({ families }).startsWith(v4Only)).toBe(true)
  })

  it('works without IPv4', () => {
    expect(choose({ families: { v6: V6 } })).toMatch(/^fd00:5:0:[0-9a-f]+::\/64$/)
  })

  it('prefers the former subnet, unless it is taken in part, of another length or outside', () => {
    const previous = (text: string) => ({ previous: { v4: Prefix.parse(text) } })
    expect(choose(previous('10.5.71.0/24'))).toBe('10.5.71.0/24')
    const other = choose({})
    expect(choose({ ...previous('10.5.71.0/24'), taken: taken('10.5.71.128/25') })).toBe(other)
    expect(choose(previous('10.5.71.0/25'))).toBe(other)
    expect(choose(previous('10.5.0.0/24'))).toBe(other)
    expect(choose(previous('10.6.71.0/24'))).toBe(other)
  })

  it('finds the last free one among 5,000 leases without walking the range', () => {
    const config: FamilyConfig = family('10.0.0.0/8', 24)
    const all = Array.from({ length: 65_535 }, (_, i) => `10.${(i + 1) >> 8}.${(i + 1) & 255}.0/24`)
    const free = '10.77.3.0/24'
    const question = {
      families: { v4: config },
      taken: taken(...all.filter((text) => text !== free)),
      seed: 'node'
    }
    expect(choose(question)).toBe(free)
    const huge = family('fd00::/16', 112)
    const v6 = choose({ families: { v6: huge }, taken: taken('fd00::/17', 'fd00:8000::/18') })
    expect(Prefix.parse('fd00:c000::/18').contains(Prefix.parse(v6))).toBe(true)
  })

  it('always gives a free subnet of the range when there is one, and only then', () => {
    const config = family('10.5.0.0/20', 24, '10.5.2.0', '10.5.13.0')
    const anyTaken = fc.array(
      fc.record({ bits: fc.integer({ min: 0, max: 0xfff }), length: fc.integer({ min: 21, max: 32 }) }),
      { maxLength: 14 }
    )
    fc.assert(
      fc.property(anyTaken, fc.string(), (drawn, seed) => {
        const blocks = drawn.map(({ bits, length }) =>
          Prefix.of(IpAddress.parse('10.5.0.0').plus(bits) ?? IpAddress.parse('10.5.0.0'), length)
        )
        const leases = blocks.map((prefix) => ({ subnets: { v4: prefix } }))
        const free = Array.from({ length: 12 }, (_, i) => config.network.subnet(24, i + 2)).filter(
          (subnet) => !blocks.some((block) => block.overlaps(subnet))
        )
        const choice = chooseSubnets({ families: { v4: config }, taken: leases, seed })
        if ('exhausted' in choice) return free.length === 0
        return free.some((subnet) => choice.subnets.v4?.equals(subnet))
      })
    )
  })

  it('throws nothing of ours: exhaustion is an answer', () => {
    expect(() => chooseSubnets({ families: { v4: V4 }, taken: taken('10.5.0.0/16'), seed: '' })).not.toThrow(
      TrilaneError
    )
  })
})
