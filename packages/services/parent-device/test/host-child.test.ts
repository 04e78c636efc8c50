import { UNDERLAY_LEASE, underlayFacts } from '@trilane/compliance'
import { commandsOf, objectsOf } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { hostChildName, hostChildState } from '../src/index.ts'
import { HOST_ADDRESSES } from './given.ts'

const DEVICE = 'host-37a8eec1'

const commands = (wish: Parameters<typeof hostChildState>[2]): string[] =>
  objectsOf(hostChildState(underlayFacts(), UNDERLAY_LEASE, wish)).flatMap((object) =>
    commandsOf({ ...object, action: object.kind === 'link' ? 'create' : 'set' })
  )

describe('the node’s own child', () => {
  it('has a name that follows from the network', () => {
    expect(hostChildName('default')).toBe(DEVICE)
    expect(hostChildName('storage')).not.toBe(DEVICE)
  })

  it('has the node’s address among its pods, and the whole slice behind it', () => {
    const kind = { type: 'macvlan', parent: 'eth0', mode: 'bridge' } as const
    expect(commands({ kind, mtuBytes: 1400, addresses: HOST_ADDRESSES })).toEqual([
      expect.stringMatching(
        /^ip link add link eth0 name host-37a8eec1 mtu 1400 address .* type macvlan mode bridge$/
      ),
      `ip link set dev ${DEVICE} alias trilane:default up`,
      `ip address replace 192.168.77.64/32 dev ${DEVICE}`,
      `ip address replace fd00:77::1:0/128 dev ${DEVICE} nodad`,
      `ip route replace 192.168.77.64/28 dev ${DEVICE} proto 133 src 192.168.77.64`,
      `ip -6 route replace fd00:77::1:0/112 dev ${DEVICE} proto 133 src fd00:77::1:0`,
      `sysctl -w net/ipv4/conf/${DEVICE}/arp_filter=1`,
      `sysctl -w net/ipv4/conf/${DEVICE}/rp_filter=2`
    ])
  })

  it('is there without an address too, and then nothing leads to it', () => {
    const kind = { type: 'ipvlan', parent: 'eth0', mode: 'l3', flag: 'bridge' } as const
    const state = hostChildState(underlayFacts(), UNDERLAY_LEASE, { kind, mtuBytes: 1500, addresses: {} })
    expect(objectsOf(state)).toEqual([
      {
        kind: 'link',
        value: { name: DEVICE, kind, mtuBytes: 1500, alias: 'trilane:default', up: true }
      }
    ])
  })

  it('has a MAC of its own that lasts, as macvlan; as ipvlan the parent’s', () => {
    const macOf = (machineId: string, type: 'macvlan' | 'ipvlan') =>
      hostChildState({ ...underlayFacts(), machineId }, UNDERLAY_LEASE, {
        kind: { type, parent: 'eth0' },
        mtuBytes: 1500,
        addresses: {}
      }).links.map(({ mac }) => String(mac))
    expect(macOf('a', 'macvlan')).toEqual(macOf('a', 'macvlan'))
    expect(macOf('a', 'macvlan')).not.toEqual(macOf('b', 'macvlan'))
    expect(macOf('a', 'ipvlan')).toEqual(['undefined'])
  })
})
