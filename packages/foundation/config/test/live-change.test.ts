import { type LiveRules, liveChange, parseNetworkConfig } from '@trilane/config'
import { describe, expect, it } from 'vitest'

const parse = (text: string) => parseNetworkConfig(text, { source: 'test' })

const rules: LiveRules = {
  options: (type) => (type === 'vxlan' ? ['MTU', 'DirectRouting'] : []),
  mayGo: (type) => type === 'host-gw'
}

const BASE = 'Network: 10.5.0.0/16\nBackend: {Type: vxlan, VNI: 1}\n'

function change(wanted: string, running = BASE) {
  const { config, applied, waiting } = liveChange(parse(running), parse(wanted), rules)
  return { config, applied, waiting }
}

describe('liveChange', () => {
  it('finds nothing between two spellings of one config', () => {
    const { applied, waiting } = change('{"network": "10.5.0.0/16", "Backend": {"type": "VXLAN", "vni": 1}}')
    expect({ applied, waiting }).toEqual({ applied: [], waiting: [] })
  })

  it.each([
    ['SubnetMin', `SubnetMin: 10.5.7.0\n${BASE}`, ['SubnetMin']],
    ['SubnetMax', `SubnetMax: 10.5.7.0\n${BASE}`, ['SubnetMax']],
    ['Exclude', `Exclude: [10.5.7.9]\n${BASE}`, ['Exclude']],
    ['an MTU', 'Network: 10.5.0.0/16\nBackend: {Type: vxlan, VNI: 1, mtu: 1400}', ['Backend.mtu']],
    [
      'direct routing',
      'Network: 10.5.0.0/16\nBackend: {Type: vxlan, VNI: 1, DirectRouting: true}',
      ['Backend.DirectRouting', 'Backend.Lanes']
    ],
    [
      'lanes',
      'Network: 10.5.0.0/16\nBackend: {Type: vxlan, VNI: 1, Lanes: [host-gw, vxlan]}',
      ['Backend.Lanes']
    ]
  ])('takes %s, and takes it back', (_, wanted, keys) => {
    const there = change(wanted)
    expect({ applied: there.applied, waiting: there.waiting }).toEqual({ applied: keys, waiting: [] })
    expect(there.config).toEqual(parse(wanted))
    const back = change(BASE, wanted)
    expect({ applied: back.applied, waiting: back.waiting }).toEqual({ applied: keys, waiting: [] })
    expect(back.config).toEqual(parse(BASE))
  })

  it.each([
    ['another network', BASE.replace('10.5.', '10.6.'), ['Network']],
    ['another length', `SubnetLen: 25\n${BASE}`, ['SubnetLen']],
    ['a second family', `EnableIPv6: true\nIPv6Network: fd00:5::/48\n${BASE}`, ['EnableIPv6']],
    ['another type', BASE.replace('vxlan, VNI: 1', 'host-gw'), ['Backend.Type']],
    ['another VNI', BASE.replace('VNI: 1', 'VNI: 2'), ['Backend.VNI']],
    ['a VNI that is left out', BASE.replace(', VNI: 1', ''), ['Backend.VNI']]
  ])('leaves %s to the next start', (_, wanted, keys) => {
    const { config, applied, waiting } = change(wanted)
    expect({ applied, waiting }).toEqual({ applied: [], waiting: keys })
    expect(config).toEqual(parse(BASE))
  })

  it('takes what it can of a config that also needs a restart', () => {
    const { config, applied, waiting } = change(
      'Network: 10.5.0.0/16\nSubnetMin: 10.5.9.0\nBackend: {Type: vxlan, VNI: 2, MTU: 1400}'
    )
    expect({ applied, waiting }).toEqual({ applied: ['SubnetMin', 'Backend.MTU'], waiting: ['Backend.VNI'] })
    expect(config).toEqual(
      parse('Network: 10.5.0.0/16\nSubnetMin: 10.5.9.0\nBackend: {Type: vxlan, VNI: 1, MTU: 1400}')
    )
  })

  it('keeps a lane that peers may still send by, and the options with which it was made', () => {
    const running = 'Network: 10.5.0.0/16\nBackend: {Type: host-gw, Lanes: [host-gw, {Type: vxlan, VNI: 7}]}'
    const without = change('Network: 10.5.0.0/16\nBackend: {Type: host-gw}', running)
    expect(without).toMatchObject({ applied: [], waiting: ['Backend.Lanes'], config: parse(running) })
    const other = change(running.replace('VNI: 7', 'VNI: 8, MTU: 1400'), running)
    expect(other).toMatchObject({
      applied: ['Backend.Lanes.vxlan.MTU'],
      waiting: ['Backend.Lanes.vxlan.VNI'],
      config: parse(running.replace('VNI: 7', 'VNI: 7, MTU: 1400'))
    })
  })
})
