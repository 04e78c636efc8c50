import { commandsOf, type JsonValue, type Lease, objectsOf } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { vxlan } from '../src/index.ts'
import { factsFor, leaseOf } from './facts.ts'

const BOTH = factsFor(['v4', 'v6'])
const DEFAULTS = vxlan.parseOptions({})
const MAC = '2e:65:14:6d:83:5a'
const PEER = leaseOf(
  { v4: '10.5.72.0/24', v6: 'fd00:5:0:72::/64' },
  { v4: '198.51.100.2', v6: '2001:db8::2' },
  { v4: { VNI: 1, VtepMAC: MAC }, v6: { VNI: 1, VtepMAC: '2e:65:14:6d:83:5b' } }
)

const commands = (peer: Lease, facts = BOTH): string[] =>
  objectsOf(vxlan.peerState(facts, peer, DEFAULTS)).flatMap((object) =>
    commandsOf({ ...object, action: 'set' })
  )
const withData = (v4: JsonValue): Lease => ({ ...PEER, backendData: { ...PEER.backendData, v4 } })

describe('vxlan peerState', () => {
  it('has three entries per family: gateway, its MAC, the node behind the MAC', () => {
    expect(commands(PEER)).toEqual([
      'ip route replace 10.5.72.0/24 via 10.5.72.0 dev flannel.1 proto 133 onlink',
      'ip -6 route replace fd00:5:0:72::/64 via fd00:5:0:72:: dev flannel-v6.1 proto 133 onlink',
      `ip neigh replace 10.5.72.0 lladdr ${MAC} dev flannel.1 nud permanent`,
      'ip neigh replace fd00:5:0:72:: lladdr 2e:65:14:6d:83:5b dev flannel-v6.1 nud permanent',
      `bridge fdb replace ${MAC} dev flannel.1 dst 198.51.100.2 self permanent`,
      'bridge fdb replace 2e:65:14:6d:83:5b dev flannel-v6.1 dst 2001:db8::2 self permanent'
    ])
  })

  it('serves only the families of the network', () => {
    expect(commands(PEER, factsFor(['v6']))).toHaveLength(3)
  })

  it('reads keys without regard to case, and a lease without a VNI, as flannel does', () => {
    expect(commands(withData({ vtepMac: MAC.toUpperCase(), More: 1 }))).toEqual(commands(PEER))
  })

  it.each<[string, JsonValue, string]>([
    ['no data', null, 'its lease data is no object'],
    ['no MAC', { VNI: 1 }, 'its VtepMAC is missing'],
    ['a MAC that is none', { VNI: 1, VtepMAC: 'x' }, 'its VtepMAC "x" is not the MAC of a device'],
    ['a MAC of many', { VNI: 1, VtepMAC: 'ff:ff:ff:ff:ff:ff' }, 'is not the MAC of a device'],
    ['a MAC of nobody', { VNI: 1, VtepMAC: '00:00:00:00:00:00' }, 'is not the MAC of a device'],
    ['another VNI', { VNI: 7, VtepMAC: MAC }, "its VNI is 7, and this network's is 1"],
    ['a VNI that is none', { VNI: '1', VtepMAC: MAC }, 'its VNI "1" is no number'],
    [
      'our own MAC',
      { VNI: 1, VtepMAC: vxlan.leaseData(BOTH, DEFAULTS).v4?.VtepMAC ?? '' },
      'two machines have one machine id'
    ]
  ])('refuses a peer with %s, in both families', (_, data, problem) => {
    const ask = () => vxlan.peerState(BOTH, withData(data), DEFAULTS)
    expect(ask).toThrow(expect.objectContaining({ code: 'TRI_LEASE_INVALID' }))
    expect(ask).toThrow(problem)
  })

  it('takes a lease with another machine id at its word', () => {
    const VtepMAC = vxlan.leaseData(BOTH, DEFAULTS).v4?.VtepMAC ?? ''
    const peer = withData({ VNI: 1, VtepMAC })
    const node = { machineId: 'other', name: 'red' }
    expect(commands({ ...peer, node })).toContain(
      `bridge fdb replace ${VtepMAC} dev flannel.1 dst 198.51.100.2 self permanent`
    )
  })

  it('refuses an outer address that means another node on each link', () => {
    const publicAddresses = leaseOf({}, { v4: '198.51.100.2', v6: 'fe80::2' }, {}).publicAddresses
    expect(() => vxlan.peerState(BOTH, { ...PEER, publicAddresses }, DEFAULTS)).toThrow(
      'its address fe80::2 means another node on each link'
    )
  })
})
