import type { ChildPodLink, FamilyConfig } from '@trilane/contracts'
import { IpAddress, Prefix, Range } from '@trilane/ip'
import { candidateAddresses, hostAddressOf, podRanges, sliceRangeOf } from '@trilane/ipam'
import { describe, expect, it } from 'vitest'

const ip = (text: string): IpAddress => IpAddress.parse(text)
const range = (first: string, last = first): Range => Range.of(ip(first), ip(last))

function config(network: string, length: number, excluded: readonly Range[] = []): FamilyConfig {
  const whole = Prefix.parse(network)
  return {
    network: whole,
    subnetLength: length,
    subnetMin: whole.address,
    subnetMax: whole.address,
    excluded
  }
}

const given = (...args: Parameters<typeof sliceRangeOf>): string[] =>
  [...candidateAddresses(sliceRangeOf(...args), undefined)].map(String)

describe('sliceRangeOf', () => {
  it('gives all addresses of a slice in the middle of its network', () => {
    const addresses = given(Prefix.parse('192.168.77.64/28'), config('192.168.77.0/24', 28), [])
    expect(addresses).toHaveLength(16)
    expect(addresses.at(0)).toBe('192.168.77.64')
    expect(addresses.at(-1)).toBe('192.168.77.79')
  })

  it('gives neither the address of the network nor its broadcast address', () => {
    const family = config('192.168.77.0/24', 28)
    expect(given(Prefix.parse('192.168.77.0/28'), family, [])[0]).toBe('192.168.77.1')
    expect(given(Prefix.parse('192.168.77.240/28'), family, []).at(-1)).toBe('192.168.77.254')
    const sixth = given(Prefix.parse('fd00:77::/125'), config('fd00:77::/64', 125), [])
    expect([sixth.at(0), sixth.at(-1)]).toEqual(['fd00:77::1', 'fd00:77::7'])
  })

  it('gives nothing that is excluded or kept by the node', () => {
    const family = config('192.168.77.0/24', 29, [range('192.168.77.66', '192.168.77.68')])
    const reserved = [ip('192.168.77.64'), ip('192.168.77.71')]
    expect(given(Prefix.parse('192.168.77.64/29'), family, reserved)).toEqual([
      '192.168.77.65',
      '192.168.77.69',
      '192.168.77.70'
    ])
  })
})

describe('hostAddressOf', () => {
  it.each([
    ['192.168.77.64/28', [], '192.168.77.64'],
    ['192.168.77.0/28', [], '192.168.77.1'],
    ['192.168.77.64/28', [range('192.168.77.60', '192.168.77.66'), range('192.168.77.67')], '192.168.77.68'],
    ['192.168.77.64/30', [range('192.168.77.0', '192.168.77.255')], 'undefined'],
    ['192.168.77.252/30', [range('192.168.77.252', '192.168.77.254')], 'undefined']
  ] as const)('of %s without %s is %s', (slice, excluded, expected) => {
    expect(String(hostAddressOf(Prefix.parse(slice), config('192.168.77.0/24', 28, excluded)))).toBe(expected)
  })
})

describe('podRanges', () => {
  const lease = { subnets: { v4: Prefix.parse('192.168.77.64/28') } }
  const families = { v4: config('192.168.77.0/24', 28, [range('192.168.77.70')]) }

  it('of a bridge leaves out the gateway and what is excluded', () => {
    const spec = { type: 'bridge', bridge: 'cni0', mtuBytes: 1500, hairpin: true, families: {} } as const
    const { v4 } = podRanges(spec, lease, families)
    const addresses = v4 === undefined ? [] : [...candidateAddresses(v4, undefined)].map(String)
    expect(addresses).toHaveLength(12)
    expect(addresses[0]).toBe('192.168.77.66')
    expect(addresses).not.toContain('192.168.77.70')
  })

  it('of children is the slice without what the link reserves', () => {
    const spec: ChildPodLink = {
      type: 'child',
      kind: { type: 'macvlan', parent: 'eth0', mode: 'bridge' },
      mtuBytes: 1500,
      probeMs: 0,
      families: {
        v4: { onLink: Prefix.parse('192.168.77.0/24'), reserved: [ip('192.168.77.64')], routes: [] }
      }
    }
    const { v4 } = podRanges(spec, lease, families)
    expect(v4 === undefined ? [] : [...candidateAddresses(v4, undefined)]).toHaveLength(14)
  })
})
