import { describe, expect, it } from 'vitest'
import { parseNetworkConfig } from '../src/index.ts'
import { refusal } from './errors.ts'

const backendOf = (backend: string) =>
  parseNetworkConfig(`Network: 10.5.0.0/16\nBackend: ${backend}`, { source: 'net.yaml' }).backend

describe('Backend.Lanes', () => {
  it('is absent unless the config asks for more than one way', () => {
    expect(backendOf('{Type: host-gw}')).toEqual({ type: 'host-gw', options: {} })
    expect(backendOf('{Type: vxlan, DirectRouting: false}')).not.toHaveProperty('lanes')
  })

  it('is a list in order of preference; what it does not say of Backend.Type stands beside it', () => {
    expect(backendOf('{type: vxlan, VNI: 3, LANES: [Host-GW, VXLAN]}')).toEqual({
      type: 'vxlan',
      options: { VNI: 3 },
      lanes: [
        { type: 'host-gw', options: {} },
        { type: 'vxlan', options: { VNI: 3 } }
      ]
    })
  })

  it('gives a lane options of its own', () => {
    expect(backendOf('{Type: host-gw, Lanes: [host-gw, {TYPE: Vxlan, VNI: 7, port: 4789}]}').lanes).toEqual([
      { type: 'host-gw', options: {} },
      { type: 'vxlan', options: { VNI: 7, port: 4789 } }
    ])
  })

  it("is flannel's DirectRouting when that is all that is said", () => {
    const options = { VNI: 3, directrouting: true }
    expect(backendOf('{Type: vxlan, VNI: 3, directrouting: true}').lanes).toEqual([
      { type: 'host-gw', options: {} },
      { type: 'vxlan', options }
    ])
    expect(backendOf('{Type: vxlan, DirectRouting: true, Lanes: [vxlan]}').lanes).toHaveLength(1)
    expect(backendOf('{Type: host-gw, DirectRouting: true}')).not.toHaveProperty('lanes')
  })

  it.each([
    ['{Type: vxlan, Lanes: vxlan}', 'Backend.Lanes', 'a list of backends'],
    ['{Type: vxlan, Lanes: []}', 'Backend.Lanes', 'a list of backends'],
    ['{Type: vxlan, Lanes: {Type: vxlan}}', 'Backend.Lanes', 'a list of backends'],
    ['{Type: vxlan, Lanes: [host-gw]}', 'Backend.Lanes', 'Backend.Type "vxlan" must be one of them'],
    ['{Type: vxlan, Lanes: [vxlan, host-gw, VXLAN]}', 'Backend.Lanes[2]', 'each backend once'],
    ['{Type: vxlan, Lanes: [vxlan, 7]}', 'Backend.Lanes[1]', 'the name of a backend'],
    ['{Type: vxlan, Lanes: [vxlan, {VNI: 7}]}', 'Backend.Lanes[1]', 'the name of a backend'],
    ['{Type: vxlan, Lanes: [vxlan, [host-gw]]}', 'Backend.Lanes[1]', 'the name of a backend'],
    ['{Type: vxlan, Lanes: [{Type: vxlan, VNI: 7}]}', 'Backend.Lanes[0].VNI', 'stand beside it']
  ])('refuses %s', (backend, path, allowed) => {
    expect(refusal(() => backendOf(backend))).toMatchObject({
      code: 'TRI_CONFIG_INVALID',
      path,
      allowed: expect.stringContaining(allowed)
    })
  })
})
