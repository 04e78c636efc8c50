import { UNDERLAY_PARENT, underlayFacts } from '@trilane/compliance'
import type { LinkKind } from '@trilane/contracts'
import { networkAlias } from '@trilane/reconcile'
import { describe, expect, it } from 'vitest'
import { standOn, vlanDeviceName } from '../src/index.ts'

const VLAN: LinkKind = { type: 'vlan', parent: 'eth0', vlanId: 100 }

const standOnVlan = (name: string, alias?: string, kind = VLAN) => {
  const child = { name, kind, ...(alias === undefined ? {} : { alias }) }
  return standOn(underlayFacts(['v4'], { ...UNDERLAY_PARENT, children: [child] }), { vlanId: 100 })
}

describe('where pods stand', () => {
  it('is the parent itself', () => {
    expect(standOn(underlayFacts(), {})).toEqual({ parent: UNDERLAY_PARENT, device: 'eth0' })
  })

  it('is the VLAN that is made for them', () => {
    expect(standOn(underlayFacts(), { vlanId: 100 })).toEqual({
      parent: UNDERLAY_PARENT,
      device: 'eth0.100',
      vlan: { name: 'eth0.100', kind: VLAN, mtuBytes: 1500, alias: 'trilane:default', up: true }
    })
  })

  it('is the VLAN that this network made, or another of ours, as that one made it', () => {
    for (const network of ['default', 'other']) {
      expect(standOnVlan('eth0.100', networkAlias(network)).vlan).toMatchObject({
        name: 'eth0.100',
        alias: networkAlias(network)
      })
    }
  })

  it('is the operator’s VLAN under whatever name, which is left as it is', () => {
    for (const alias of [undefined, 'something', 'trilane:default:a-pod:eth0']) {
      expect(standOnVlan('storage', alias)).toEqual({ parent: expect.anything(), device: 'storage' })
    }
  })

  it('is not a VLAN of another tag or of another device', () => {
    expect(standOnVlan('eth0.7', undefined, { ...VLAN, vlanId: 7 }).device).toBe('eth0.100')
    expect(standOnVlan('eth9.100', undefined, { ...VLAN, parent: 'eth9' }).device).toBe('eth0.100')
  })

  it('has a name that Linux takes', () => {
    expect(vlanDeviceName('enp0s31f6', 4094)).toBe('enp0s31f6.4094')
    const names = ['enx001122334455', 'enx001122334456'].map((parent) => vlanDeviceName(parent, 4094))
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(name).toMatch(/^vl[0-9a-f]{8}\.4094$/)
  })
})
