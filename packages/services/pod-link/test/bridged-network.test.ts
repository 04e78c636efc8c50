import { commandsOf, objectsOf } from '@trilane/contracts'
import { Mac } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { bridgedPodLink, bridgedPodState } from '../src/index.ts'
import { factsFor, leaseOf } from './facts.ts'

const V4 = leaseOf({ v4: '10.5.71.0/24' })
const V6 = leaseOf({ v6: 'fd00:5:0:71::/64' })
const DUAL = leaseOf({ v4: '10.5.71.0/24', v6: 'fd00:5:0:71::/64' })

const commands = (lease: typeof V4): string[] =>
  objectsOf(bridgedPodState(factsFor(lease), lease, { mtuBytes: 1450 })).flatMap((object) =>
    commandsOf({ ...object, action: 'create' })
  )

const BRIDGE = [
  'ip link add name cni0 mtu 1450 address be:6e:22:e5:3a:d7 type bridge',
  'ip link set dev cni0 alias trilane:default up'
]

describe('bridgedPodState', () => {
  it('makes the bridge, a gateway per family and forwarding', () => {
    expect(commands(DUAL)).toEqual([
      ...BRIDGE,
      'ip address add 10.5.71.1/24 dev cni0',
      'ip address add fd00:5:0:71::1/64 dev cni0 nodad',
      'sysctl -w net/ipv4/ip_forward=1',
      'sysctl -w net/ipv6/conf/all/forwarding=1',
      'sysctl -w net/ipv6/conf/cni0/accept_dad=0',
      'sysctl -w net/ipv6/conf/cni0/accept_ra=0'
    ])
  })

  it('touches no family that the lease does not have', () => {
    expect(commands(V4)).toEqual([
      ...BRIDGE,
      'ip address add 10.5.71.1/24 dev cni0',
      'sysctl -w net/ipv4/ip_forward=1'
    ])
    expect(commands(V6).join('\n')).not.toContain('ipv4')
    expect(commands(V6)).toContain('ip address add fd00:5:0:71::1/64 dev cni0 nodad')
  })

  it('lets no pod become the router of a node that has IPv6, whatever the network has', () => {
    const facts = factsFor(V4, { kernelHasIpv6: true })
    expect(bridgedPodState(facts, V4, { mtuBytes: 1450 }).sysctls).toEqual([
      { key: 'net/ipv4/ip_forward', value: '1' },
      { key: 'net/ipv6/conf/cni0/accept_ra', value: '0' }
    ])
  })

  it('leaves a bridge that was there the MAC that pods send to', () => {
    const bridgeMac = Mac.parse('0a:58:0a:05:47:01')
    const [bridge] = bridgedPodState(factsFor(V4, { bridgeMac }), V4, { mtuBytes: 1450 }).links
    expect(String(bridge?.mac)).toBe('0a:58:0a:05:47:01')
  })

  it('gives each node and each network a bridge MAC of its own, which stays', () => {
    const macOf = (machineId: string, name: string): string => {
      const facts = factsFor(V4, { machineId })
      const network = { ...facts.network, name }
      const [bridge] = bridgedPodState({ ...facts, network }, V4, { mtuBytes: 1500 }).links
      return String(bridge?.mac)
    }
    const macs = [macOf('a', 'default'), macOf('b', 'default'), macOf('a', 'other'), macOf('a', 'default')]
    expect(new Set(macs).size).toBe(3)
    expect(macs[3]).toBe(macs[0])
  })
})

describe('bridgedPodLink', () => {
  it('puts pods on the node’s subnets behind their first addresses', () => {
    const spec = bridgedPodLink(factsFor(DUAL), DUAL, 1450)
    expect(JSON.parse(JSON.stringify(spec))).toEqual({
      type: 'bridge',
      bridge: 'cni0',
      mtuBytes: 1450,
      hairpin: true,
      families: {
        v4: { onLink: '10.5.71.0/24', gateway: '10.5.71.1', network: '10.5.0.0/16' },
        v6: { onLink: 'fd00:5:0:71::/64', gateway: 'fd00:5:0:71::1', network: 'fd00:5::/48' }
      }
    })
  })
})
