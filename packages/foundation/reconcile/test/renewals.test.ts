import { commandOf, type InterfaceAddressReading, type KernelChange, objectsOf } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { renewals } from '../src/renewals.ts'
import { address, bridge, neighbour, net, state } from './things.ts'

const NEAR = neighbour('cni0', '10.5.1.7', '0e:00:00:00:00:07')
const WAY = { destination: net('10.9.0.0/16'), device: 'cni0', protocol: 133 }

function removal(text: string, temporary = false): KernelChange {
  const value: InterfaceAddressReading = {
    ...address('cni0', text),
    scope: 'global',
    permanent: true,
    tentative: false,
    deprecated: false,
    temporary
  }
  return { action: 'remove', kind: 'address', value }
}

function renewed(changes: readonly KernelChange[], ...wanted: readonly string[]): string[] {
  const addresses = wanted.map((text) => address('cni0', text))
  return renewals(changes, () => objectsOf(state({ addresses, routes: [WAY], neighbours: [NEAR] }))).map(
    commandOf
  )
}

describe('renewals', () => {
  it('an address of the network of a primary one goes with it, and may be the last', () => {
    expect(renewed([removal('10.5.1.1/24')], '10.5.1.2/24', '10.6.1.1/24')).toEqual([
      'ip address replace 10.5.1.2/24 dev cni0',
      'ip route replace 10.9.0.0/16 dev cni0 proto 133',
      'ip neigh replace 10.5.1.7 lladdr 0e:00:00:00:00:07 dev cni0 nud permanent'
    ])
  })

  it('with the last address go the routes and the neighbours', () => {
    expect(renewed([removal('10.5.1.1/24')])).toEqual([
      'ip route replace 10.9.0.0/16 dev cni0 proto 133',
      'ip neigh replace 10.5.1.7 lladdr 0e:00:00:00:00:07 dev cni0 nud permanent'
    ])
  })

  it.each<[string, readonly KernelChange[]]>([
    ['an address of another network stays', [removal('10.7.1.1/24')]],
    ['nothing goes with a secondary address', [removal('10.5.1.1/24', true)]],
    ['nothing goes with an IPv6 address', [removal('fd00:5::1/64')]],
    [
      'everything goes with the device',
      [removal('10.5.1.1/24'), { action: 'remove', kind: 'link', value: bridge('cni0') }]
    ],
    ['nothing is removed', [{ action: 'set', kind: 'address', value: address('cni0', '10.5.1.3/24') }]]
  ])('nothing when %s', (_name, changes) => {
    expect(renewed(changes, '10.5.1.2/24')).toEqual([])
  })

  it('does not write twice', () => {
    const written: KernelChange = { action: 'set', kind: 'address', value: address('cni0', '10.5.1.2/24') }
    expect(renewed([removal('10.5.1.1/24'), written], '10.5.1.2/24')).toEqual([
      'ip route replace 10.9.0.0/16 dev cni0 proto 133',
      'ip neigh replace 10.5.1.7 lladdr 0e:00:00:00:00:07 dev cni0 nud permanent'
    ])
  })
})
