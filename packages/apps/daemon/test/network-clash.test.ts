import { parseNetworkConfig } from '@trilane/config'
import { networkLanes } from '@trilane/lanes'
import { describe, expect, it } from 'vitest'
import { BACKENDS, backendNamed } from '../src/backends.ts'
import { type Configured, refuseClash } from '../src/network-clash.ts'

function configured(name: string, text: string): Configured {
  const network = parseNetworkConfig(text, { source: name, name })
  const primary = backendNamed(network.backend.type)
  return { network, lanes: networkLanes(network.backend, primary, BACKENDS) }
}

const slices = (name: string, min: string, max: string, type = 'macvlan'): Configured =>
  configured(
    name,
    `{Network: 192.168.77.0/24, SubnetLen: 28, SubnetMin: ${min}, SubnetMax: ${max}, Backend: {Type: ${type}}}`
  )

const plain = configured('default', '{Network: 10.5.0.0/16, Backend: {Type: vxlan}}')

describe('refuseClash', () => {
  it.each([
    ['other addresses and another VNI', '{Network: 10.6.0.0/16, Backend: {Type: vxlan, VNI: 2}}'],
    ['no device of their own', '{Network: 10.6.0.0/16, Backend: {Type: host-gw}}'],
    [
      'the other family',
      '{EnableIPv4: false, EnableIPv6: true, IPv6Network: "fd00::/48", Backend: {Type: host-gw}}'
    ]
  ])('lets networks be beside each other with %s', (_, text) => {
    expect(() => refuseClash(configured('blue', text), [plain])).not.toThrow()
  })

  it.each([
    [
      'the same VNI, which is the default',
      '{Network: 10.6.0.0/16, Backend: {Type: vxlan}}',
      'the device flannel.1'
    ],
    [
      'it on a lane',
      '{Network: 10.6.0.0/16, Backend: {Type: host-gw, Lanes: [host-gw, vxlan]}}',
      'the device flannel.1'
    ],
    [
      'a part of the addresses',
      '{Network: 10.5.128.0/20, Backend: {Type: host-gw}}',
      'addresses of 10.5.128.0/20 and 10.5.0.0/16'
    ]
  ])('refuses %s', (_, text, shared) => {
    expect(() => refuseClash(configured('blue', text), [plain])).toThrow(
      expect.objectContaining({
        code: 'TRI_NETWORKS_CLASH',
        message: `blue cannot be on this node beside default: both have ${shared}`
      })
    )
  })

  it('lets two networks cut the nodes’ own network into different slices, and no others', () => {
    const low = slices('low', '192.168.77.64', '192.168.77.112')
    expect(() => refuseClash(slices('high', '192.168.77.128', '192.168.77.208'), [plain, low])).not.toThrow()
    expect(() => refuseClash(slices('high', '192.168.77.112', '192.168.77.208'), [plain, low])).toThrow(
      /slices of 192\.168\.77\.112-192\.168\.77\.223 and 192\.168\.77\.64-192\.168\.77\.127/
    )
    // A routed network has all of its addresses for itself.
    const routed = slices('routed', '192.168.77.128', '192.168.77.208', 'host-gw')
    expect(() => refuseClash(routed, [low])).toThrow(/addresses of 192\.168\.77\.0\/24/)
  })
})
