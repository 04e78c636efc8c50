import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkNetworkConfig, nearestName } from '../src/index.ts'
import { refusal } from './errors.ts'

const optionNames = (type: string) => (type === 'vxlan' ? ['VNI', 'Port', 'MTU', 'DirectRouting'] : undefined)
const check = (text: string) => checkNetworkConfig(text, { source: 'net.yaml', optionNames })

describe('checkNetworkConfig', () => {
  it('is silent about a good config', () => {
    const { config, warnings } = check('network: 10.5.0.0/16\nBackend: {type: vxlan, vni: 3}')
    expect(config.backend).toEqual({ type: 'vxlan', options: { vni: 3 } })
    expect(warnings).toEqual([])
  })

  it('names unknown keys, where they are and what was meant', () => {
    const { warnings } = check(
      'Network: 10.5.0.0/16\nSubnetLenn: 25\nColour: blue\nBackend:\n  Type: vxlan\n  DirectRoutng: true\n'
    )
    expect(warnings).toEqual([
      {
        path: 'SubnetLenn',
        place: 'net.yaml:2',
        suggestion: 'SubnetLen',
        text: 'SubnetLenn is not known and has no effect; did you mean SubnetLen?'
      },
      { path: 'Colour', place: 'net.yaml:3', text: 'Colour is not known and has no effect' },
      {
        path: 'Backend.DirectRoutng',
        place: 'net.yaml:6',
        suggestion: 'Backend.DirectRouting',
        text: 'Backend.DirectRoutng is not known and has no effect; did you mean Backend.DirectRouting?'
      }
    ])
  })

  it('names a key that a later one overrides', () => {
    const { warnings } = check('Network: 10.5.0.0/16\nnetwork: 10.6.0.0/16')
    expect(warnings.map(({ path, place }) => [path, place])).toEqual([['Network', 'net.yaml:1']])
  })

  it('knows Lanes, and names unknown options of each lane', () => {
    const { warnings } = check(
      'Network: 10.5.0.0/16\nBackend:\n  Type: host-gw\n  lanes:\n    - host-gw\n    - Type: vxlan\n      Prot: 4789\n'
    )
    expect(warnings).toEqual([
      {
        path: 'Backend.Lanes[1].Prot',
        place: 'net.yaml:7',
        suggestion: 'Backend.Lanes[1].Port',
        text: 'Backend.Lanes[1].Prot is not known and has no effect; did you mean Backend.Lanes[1].Port?'
      }
    ])
    const mixed = check('Network: 10.5.0.0/16\nBackend: {Type: vxlan, Lanes: [host-gw, vxlan], Prot: 1}')
    expect(mixed.warnings.map(({ path }) => path)).toEqual(['Backend.Prot'])
  })

  it('says nothing about the options of a backend that it does not know', () => {
    expect(check('Network: 10.5.0.0/16\nBackend: {Type: alien, Foo: 1}').warnings).toEqual([])
  })

  it('refuses what parseNetworkConfig refuses', () => {
    expect(refusal(() => check('Netwrok: 10.5.0.0/16'))).toMatchObject({
      code: 'TRI_CONFIG_INVALID',
      path: 'Network'
    })
  })
})

describe('nearestName', () => {
  const names = [
    'Network',
    'SubnetLen',
    'SubnetMin',
    'SubnetMax',
    'VNI',
    'host-gw',
    'vxlan',
    'macvlan',
    'ipvlan'
  ]

  it.each([
    ['Netwrok', 'Network'],
    ['newtork', 'Network'],
    ['SubnetMi', 'SubnetMin'],
    ['vni2', 'VNI'],
    ['hostgw', 'host-gw'],
    ['vxlna', 'vxlan'],
    ['MACVLAN', 'macvlan'],
    ['wireguard', undefined],
    ['', undefined]
  ])('%j', (name, expected) => {
    expect(nearestName(name, names)).toBe(expected)
  })

  it('does not compare a text that is far too long', () => {
    expect(nearestName('x'.repeat(1_000_000), names)).toBeUndefined()
  })

  it('finds each name after one slip', () => {
    fc.assert(
      fc.property(fc.constantFrom('SubnetLen', 'host-gw', 'DirectRouting'), fc.nat(), (name, at) => {
        const cut = at % name.length
        expect(nearestName(name.slice(0, cut) + name.slice(cut + 1), [name, 'other'])).toBe(name)
      })
    )
  })
})
