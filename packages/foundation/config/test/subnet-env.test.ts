import { type PerFamily, Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { formatSubnetEnv, parseSubnetEnv } from '../src/index.ts'

const prefixes = (...texts: string[]): PerFamily<Prefix> =>
  Object.fromEntries(texts.map((text) => [Prefix.parse(text).family, Prefix.parse(text)]))

const DUAL = {
  networks: prefixes('10.5.0.0/16', 'fd00:5::/48'),
  subnets: prefixes('10.5.71.0/24', 'fd00:5:0:15::/64'),
  mtuBytes: 1450,
  ipMasq: true
}

describe('subnet.env', () => {
  it("has flannel's lines in flannel's order", () => {
    expect(formatSubnetEnv(DUAL)).toBe(`FLANNEL_NETWORK=10.5.0.0/16
FLANNEL_SUBNET=10.5.71.1/24
FLANNEL_IPV6_NETWORK=fd00:5::/48
FLANNEL_IPV6_SUBNET=fd00:5:0:15::1/64
FLANNEL_MTU=1450
FLANNEL_IPMASQ=true
`)
  })

  it('has no line for a family that is off', () => {
    const env = {
      networks: prefixes('fd00:5::/48'),
      subnets: prefixes('fd00:5:0:15::/64'),
      mtuBytes: 1500,
      ipMasq: false
    }
    expect(formatSubnetEnv(env)).toBe(
      'FLANNEL_IPV6_NETWORK=fd00:5::/48\nFLANNEL_IPV6_SUBNET=fd00:5:0:15::1/64\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n'
    )
  })

  it('comes back', () => {
    expect(parseSubnetEnv(formatSubnetEnv(DUAL))).toEqual(DUAL)
  })

  it('is read by dotenv rules', () => {
    const text = `# written by hand
export FLANNEL_NETWORK="10.5.0.0/16"
 FLANNEL_SUBNET = '10.5.9.1/24'   # old
FLANNEL_SUBNET=10.5.71.1/24 # new\r
FLANNEL_MTU: 1450
not a line
=
`
    expect(parseSubnetEnv(text)).toEqual({
      networks: prefixes('10.5.0.0/16'),
      subnets: prefixes('10.5.71.0/24'),
      mtuBytes: 1450
    })
  })

  it.each([
    ['empty', ''],
    ['several networks', 'FLANNEL_SUBNET=10.5.1.1/24,10.6.1.1/24'],
    ['rubbish', 'FLANNEL_SUBNET=nonsense\nFLANNEL_MTU=big\nFLANNEL_IPMASQ=perhaps'],
    ['the other family', 'FLANNEL_SUBNET=fd00::1/64\nFLANNEL_IPV6_SUBNET=10.5.1.1/24'],
    ['binary', '\u0000\u0001FLANNEL_SUBNET'],
    ['an open quote', 'FLANNEL_SUBNET="10.5.1.1/24'],
    ['very long', `FLANNEL_SUBNET=${' '.repeat(200_000)}x`]
  ])('gives nothing for %s', (_, text) => {
    expect(parseSubnetEnv(text)).toEqual({ networks: {}, subnets: {} })
  })

  it('skips bad entries of a list', () => {
    expect(parseSubnetEnv('FLANNEL_SUBNET=10.5.1.1/24,rubbish').subnets).toEqual(prefixes('10.5.1.0/24'))
  })
})
