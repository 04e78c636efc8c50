import { encodeLease } from '@trilane/config'
import type { JsonValue } from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { vxlan } from '../src/index.ts'
import { factsFor, leaseOf } from './facts.ts'

const DEFAULTS = vxlan.parseOptions({})
const V4 = factsFor(['v4'])
const FLANNELS = { VNI: 1, VtepMAC: '2e:65:14:6d:83:5a' }
const formerly = (backendData: JsonValue) =>
  leaseOf({ v4: '10.5.71.0/24' }, { v4: '192.168.7.1' }, { v4: backendData })
const macOf = (facts = V4, options = DEFAULTS, former?: Parameters<typeof vxlan.leaseData>[2]) =>
  vxlan.leaseData(facts, options, former).v4?.VtepMAC ?? ''

describe('what vxlan publishes', () => {
  it('is flannel’s object, byte for byte', () => {
    const former = formerly(FLANNELS)
    const lease = { ...former, backendData: vxlan.leaseData(V4, DEFAULTS, former) }
    expect(encodeLease(lease)).toBe(
      '{"PublicIP":"192.168.7.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"2e:65:14:6d:83:5a"}}'
    )
  })

  it('has a MAC per family, VNI, network and machine, which stays', () => {
    const both = vxlan.leaseData(factsFor(['v4', 'v6']), DEFAULTS)
    const macs = [
      both.v4?.VtepMAC,
      both.v6?.VtepMAC,
      macOf(V4, vxlan.parseOptions({ VNI: 2 })),
      macOf({ ...V4, machineId: 'other' }),
      macOf({ ...V4, network: { ...V4.network, name: 'other' } })
    ]
    expect(new Set(macs).size).toBe(5)
    expect(macOf()).toBe(both.v4?.VtepMAC)
    for (const text of macs) {
      // Locally administered, unicast.
      expect((Mac.parse(text ?? '').toBytes()[0] ?? 0) & 3).toBe(2)
    }
  })

  it('keeps the MAC that the former lease tells, in whatever spelling', () => {
    expect(macOf(V4, DEFAULTS, formerly({ vtepmac: '2E:65:14:6D:83:5A', vni: 1, more: [] }))).toBe(
      '2e:65:14:6d:83:5a'
    )
  })

  it('keeps it from its own lane of a lease of another type', () => {
    const node = { machineId: V4.machineId, name: 'blue', lanes: { vxlan: { v4: FLANNELS } } }
    const former = { ...formerly({}), backendType: 'host-gw', node }
    expect(macOf(V4, DEFAULTS, former)).toBe('2e:65:14:6d:83:5a')
    expect(macOf(V4, DEFAULTS, { ...former, node: { ...node, lanes: {} } })).toBe(macOf())
  })

  it.each<[string, JsonValue]>([
    ['of another VNI', { ...FLANNELS, VNI: 2 }],
    ['without a VNI', { VtepMAC: FLANNELS.VtepMAC }],
    ['of many', { VNI: 1, VtepMAC: '01:00:5e:00:00:01' }],
    ['of nobody', { VNI: 1, VtepMAC: '00:00:00:00:00:00' }]
  ])('does not keep a MAC %s', (_, data) => {
    expect(macOf(V4, DEFAULTS, formerly(data))).toBe(macOf())
  })
})

describe('a node that vxlan cannot serve', () => {
  it('has no address of a family', () => {
    const facts = factsFor(['v4', 'v6'])
    const uplink = { ...facts.uplink, addresses: V4.uplink.addresses }
    expect(() => vxlan.leaseData({ ...facts, uplink }, DEFAULTS)).toThrow(
      'uplink0 has no IPv6 address, and network "default" has IPv6'
    )
  })

  it('has an uplink, or an MTU, too small for IPv6', () => {
    const small = factsFor(['v6'], 1349)
    expect(() => vxlan.leaseData(small, DEFAULTS)).toThrow(
      expect.objectContaining({ code: 'TRI_UPLINK_NOT_FOUND', retryable: true })
    )
    expect(() => vxlan.leaseData(small, DEFAULTS)).toThrow(
      'uplink0 has an MTU of 1349; IPv6 over vxlan needs 1350'
    )
    const options = vxlan.parseOptions({ MTU: 1349 })
    expect(() => vxlan.leaseData(factsFor(['v6']), options)).toThrow(
      expect.objectContaining({
        code: 'TRI_CONFIG_INVALID',
        values: expect.objectContaining({ path: 'Backend.MTU', value: 1349 })
      })
    )
    expect(vxlan.leaseData(factsFor(['v6'], 1350), DEFAULTS).v6).toBeDefined()
    expect(vxlan.leaseData(factsFor(['v4'], 600), DEFAULTS).v4).toBeDefined()
  })

  it('may have another public address than its uplink’s: UDP goes through a NAT', () => {
    const publicAddresses = { v4: IpAddress.parse('203.0.113.9') }
    expect(macOf({ ...V4, publicAddresses })).toBe(macOf())
  })
})
