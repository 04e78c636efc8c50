import { IpAddress } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { hostGw } from '../src/index.ts'
import { factsFor, peerOf } from './facts.ts'

const DUAL = factsFor('v4', 'v6')
const LEASE = peerOf({ v4: '10.5.71.0/24', v6: 'fd00:5:0:71::/64' }, { v4: '192.168.7.1', v6: 'fd00:7::1' })

describe('host-gw', () => {
  it('gives pods the whole MTU of the uplink', () => {
    const link = hostGw.podLink(DUAL, LEASE, {})
    expect(link.mtuBytes).toBe(9000)
    expect(hostGw.podState(DUAL, LEASE, link).links).toMatchObject([{ name: 'cni0', mtuBytes: 9000 }])
  })

  it('ignores unknown options as flannel does', () => {
    expect(hostGw.parseOptions({ Port: 8472, MTU: 'x' })).toEqual({})
  })

  it('publishes no data of its own', () => {
    expect(hostGw.leaseData(DUAL, {})).toEqual({})
  })

  it('refuses to publish an address that is not the uplink’s', () => {
    const publicAddresses = { ...DUAL.publicAddresses, v6: IpAddress.parse('2001:db8::1') }
    expect(() => hostGw.leaseData({ ...DUAL, publicAddresses }, {})).toThrow(
      expect.objectContaining({
        code: 'TRI_CONFIG_INVALID',
        values: expect.objectContaining({ path: '--public-ipv6', value: publicAddresses.v6 })
      })
    )
  })

  it('refuses an uplink without an address of a family of the network', () => {
    const uplink = { ...DUAL.uplink, addresses: factsFor('v4').uplink.addresses }
    expect(() => hostGw.leaseData({ ...DUAL, uplink }, {})).toThrow(
      'uplink0 has no IPv6 address, and network "default" has IPv6'
    )
  })
})
