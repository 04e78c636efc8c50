import { describe, expect, it } from 'vitest'
import { parseOptions } from '../src/index.ts'

const refusal = (raw: Readonly<Record<string, unknown>>) => () => parseOptions(raw)

describe('vxlan options', () => {
  it('have flannel’s defaults', () => {
    const defaults = { vni: 1, port: 8472, gbp: false, learning: false, directRouting: false }
    expect(parseOptions({})).toEqual(defaults)
    expect(parseOptions({ Port: 0, MTU: 0, VNI: null, GBP: null })).toEqual(defaults)
    expect(parseOptions({ MacPrefix: '0E-2A', Name: 'x' })).toEqual(defaults)
  })

  it('say what is allowed', () => {
    expect(refusal({ VNI: 16_777_216 })).toThrow(
      'Backend.VNI: 16777216 is not allowed; a VXLAN network identifier, a whole number from 0 to 16777215'
    )
    expect(refusal({ mtu: 100 })).toThrow(
      "Backend.MTU: 100 is not allowed; the MTU of the nodes' network, from 576 to 65535; 0 for the uplink's"
    )
    expect(refusal({ DirectRouting: 'true' })).toThrow(
      'Backend.DirectRouting: "true" is not allowed; true or false, without quotes'
    )
  })
})
