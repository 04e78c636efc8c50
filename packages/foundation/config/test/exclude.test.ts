import { parseNetworkConfig } from '@trilane/config'
import { describe, expect, it } from 'vitest'

const V4 = 'Network: 192.168.77.0/24\nSubnetLen: 28\nBackend: {Type: macvlan}\n'
const DUAL = `EnableIPv6: true\nIPv6Network: fd00:77::/56\n${V4}`
const parse = (text: string) => parseNetworkConfig(text, { source: 'test' })

describe('Exclude', () => {
  it('is nothing by default', () => {
    expect(parse(V4).families.v4).not.toHaveProperty('excluded')
  })

  it('takes addresses, ranges and prefixes of both families, sorted and joined', () => {
    const { families } = parse(
      `exclude: [192.168.77.100 - 192.168.77.120, 192.168.77.64/28, "fd00:77::5", 192.168.77.80, 192.168.77.9]\n${DUAL}`
    )
    expect(families.v4?.excluded?.map(String)).toEqual([
      '192.168.77.9-192.168.77.9',
      '192.168.77.64-192.168.77.80',
      '192.168.77.100-192.168.77.120'
    ])
    expect(families.v6?.excluded?.map(String)).toEqual(['fd00:77::5-fd00:77::5'])
  })

  it.each([
    ['no list', 'Exclude: 192.168.77.9', 'Exclude'],
    ['a number', 'Exclude: [7]', 'Exclude[0]'],
    ['nonsense', 'Exclude: [192.168.77.9, somewhere]', 'Exclude[1]'],
    ['a range that goes down', 'Exclude: [192.168.77.9-192.168.77.8]', 'Exclude[0]'],
    ['a range over both families', 'Exclude: ["192.168.77.9-fd00::1"]', 'Exclude[0]'],
    ['another network', 'Exclude: [192.168.78.9]', 'Exclude'],
    ['half another network', 'Exclude: [192.168.77.250-192.168.78.9]', 'Exclude'],
    ['a family that the network lacks', 'Exclude: ["fd00:77::9"]', 'Exclude']
  ])('refuses %s', (_, line, path) => {
    expect(() => parse(`${line}\n${V4}`)).toThrow(
      expect.objectContaining({ code: 'TRI_CONFIG_INVALID', values: expect.objectContaining({ path }) })
    )
  })
})
