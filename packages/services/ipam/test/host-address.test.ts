import type { FamilyConfig } from '@trilane/contracts'
import { IpAddress, Prefix, Range } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { hostAddressesOf, hostAddressOf } from '../src/index.ts'

function familyOf(network: string, ...excluded: readonly string[]): FamilyConfig {
  const whole = Prefix.parse(network)
  return {
    network: whole,
    subnetLength: whole.length + 4,
    subnetMin: whole.address,
    subnetMax: whole.last,
    excluded: excluded.map((text) => {
      const [first = '', last = first] = text.split('-')
      return Range.of(IpAddress.parse(first), IpAddress.parse(last))
    })
  }
}

const hostOf = (slice: string, ...config: Parameters<typeof familyOf>): string | undefined =>
  hostAddressOf(Prefix.parse(slice), familyOf(...config))?.toString()

describe('the node’s own address of a slice', () => {
  it('is its first', () => {
    expect(hostOf('192.168.77.64/28', '192.168.77.0/24')).toBe('192.168.77.64')
    expect(hostOf('fd00:77::1:0/112', 'fd00:77::/64')).toBe('fd00:77::1:0')
  })

  it('is not the address of the network', () => {
    expect(hostOf('192.168.77.0/28', '192.168.77.0/24')).toBe('192.168.77.1')
    expect(hostOf('fd00:77::/112', 'fd00:77::/64')).toBe('fd00:77::1')
  })

  it('is not excluded, whatever else is', () => {
    const before = '192.168.77.1-192.168.77.63'
    expect(hostOf('192.168.77.64/28', '192.168.77.0/24', before)).toBe('192.168.77.64')
    expect(hostOf('192.168.77.64/28', '192.168.77.0/24', before, '192.168.77.64')).toBe('192.168.77.65')
    expect(
      hostOf(
        '192.168.77.64/28',
        '192.168.77.0/24',
        '192.168.77.60-192.168.77.66',
        '192.168.77.67',
        '192.168.77.70'
      )
    ).toBe('192.168.77.68')
    expect(hostOf('fd00:77::1:0/112', 'fd00:77::/64', 'fd00:77::-fd00:77::1:fffe')).toBe('fd00:77::1:ffff')
  })

  it('is none where all are excluded, or where the broadcast address alone is left', () => {
    expect(hostOf('192.168.77.64/28', '192.168.77.0/24', '192.168.77.0-192.168.77.100')).toBeUndefined()
    expect(hostOf('192.168.77.240/28', '192.168.77.0/24', '192.168.77.240-192.168.77.254')).toBeUndefined()
    expect(hostOf('255.255.255.240/28', '255.255.255.0/24', '255.255.255.0-255.255.255.255')).toBeUndefined()
  })

  const amongPods = (pods: readonly string[], own: readonly string[], ...excluded: readonly string[]) => {
    const parse = (texts: readonly string[]) => texts.map((text) => IpAddress.parse(text))
    const holders = { addresses: parse(pods), nodeAddresses: parse(own) }
    const config = familyOf('192.168.77.0/24', ...excluded)
    return hostAddressOf(Prefix.parse('192.168.77.64/28'), config, holders)?.toString()
  }

  it.each<[string, string, readonly string[], readonly string[], readonly string[]]>([
    ['the first that no pod has', '192.168.77.66', ['.64', '.65', '.67'], [], []],
    ['the first that is neither a pod’s nor excluded', '192.168.77.67', ['.65'], ['.64'], ['.64', '.66']],
    ['the one that it has, though others are free', '192.168.77.70', ['.65'], ['.70'], []],
    ['the first of those that it has', '192.168.77.64', ['.65'], ['.70', '.64'], []],
    ['the one that it has of this slice', '192.168.77.70', [], ['.33', '.70'], []],
    ['not one of its own that a pod has', '192.168.77.64', ['.70'], ['.70'], []],
    [
      'the excluded one that it has, where nothing is free',
      '192.168.77.64',
      ['.65'],
      ['.64'],
      ['.64', '.66-.79']
    ]
  ])('is %s', (_, expected, pods, own, excluded) => {
    const whole = (texts: readonly string[]) => texts.map((text) => text.replaceAll('.', '192.168.77.'))
    expect(amongPods(whole(pods), whole(own), ...whole(excluded))).toBe(expected)
  })

  it('is there for each family that slice and network have', () => {
    const slices = { v4: Prefix.parse('192.168.77.64/28'), v6: Prefix.parse('fd00:77::1:0/112') }
    expect(hostAddressesOf(slices, { v4: familyOf('192.168.77.0/24') })).toEqual({
      v4: IpAddress.parse('192.168.77.64')
    })
  })
})
