import { commandsOf, type PodLinkRequest, TrilaneError } from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'
import { readAlias } from '@trilane/reconcile'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bridgedPodLink, hostDeviceName, podLinkStates } from '../src/index.ts'
import { factsFor, leaseOf } from './facts.ts'

const LEASE = leaseOf({ v4: '10.5.71.0/24', v6: 'fd00:5:0:71::/64' })
const SPEC = bridgedPodLink(factsFor(LEASE), LEASE, 1450)

const REQUEST: PodLinkRequest = {
  key: { containerId: 'c0ffee', ifname: 'eth0' },
  namespace: '/run/netns/pod',
  addresses: { v4: IpAddress.parse('10.5.71.9'), v6: IpAddress.parse('fd00:5:0:71::9') }
}

describe('podLinkStates', () => {
  it('says what `ip` would be told, in an order in which every command works', () => {
    const { node, pod, link } = podLinkStates('default', SPEC, REQUEST)
    const { hostDevice, hostMac, podMac } = link
    expect(node.flatMap(commandsOf)).toEqual([
      `ip link add name ${hostDevice} mtu 1450 address ${hostMac} type veth peer name eth0 netns /run/netns/pod mtu 1450 address ${podMac}`,
      `ip link set dev ${hostDevice} alias trilane:default:c0ffee:eth0 master cni0 up`,
      `bridge link set dev ${hostDevice} hairpin on`
    ])
    expect(pod.flatMap(commandsOf)).toEqual([
      'ip link set dev lo up',
      'sysctl -w net/ipv4/conf/eth0/arp_ignore=1',
      'sysctl -w net/ipv6/conf/lo/disable_ipv6=0',
      'sysctl -w net/ipv6/conf/eth0/disable_ipv6=0',
      'sysctl -w net/ipv6/conf/eth0/accept_dad=0',
      'sysctl -w net/ipv6/conf/eth0/accept_ra=0',
      'ip address add 10.5.71.9/24 dev eth0',
      'ip address add fd00:5:0:71::9/64 dev eth0 nodad',
      'ip link set dev eth0 up',
      'ip route add default via 10.5.71.1 dev eth0',
      'ip -6 route add default via fd00:5:0:71::1 dev eth0',
      'ip route add 10.5.0.0/16 via 10.5.71.1 dev eth0',
      'ip -6 route add fd00:5::/48 via fd00:5:0:71::1 dev eth0'
    ])
  })

  it('announces every address with the pod’s MAC', () => {
    const { announcements, link } = podLinkStates('default', SPEC, REQUEST)
    expect(JSON.parse(JSON.stringify(announcements))).toEqual([
      { device: 'eth0', address: '10.5.71.9', mac: String(link.podMac) },
      { device: 'eth0', address: 'fd00:5:0:71::9', mac: String(link.podMac) }
    ])
  })

  it('writes nothing of IPv6 for a pod without', () => {
    const { pod } = podLinkStates('default', SPEC, {
      ...REQUEST,
      addresses: { v4: IpAddress.parse('10.5.71.9') }
    })
    expect(pod.flatMap(commandsOf).join('\n')).not.toMatch(/ipv6|-6|::/)
  })

  it('takes the MAC that was asked for', () => {
    const mac = Mac.parse('0e:2a:00:00:00:01')
    const { link, node, announcements } = podLinkStates('default', SPEC, { ...REQUEST, mac })
    expect(link.podMac).toBe(mac)
    expect(node.flatMap(commandsOf)[0]).toContain(`netns /run/netns/pod mtu 1450 address ${mac}`)
    expect(announcements.map((announcement) => String(announcement.mac))).toEqual([String(mac), String(mac)])
  })

  it('limits the end that sends: the node’s for what the pod receives, the pod’s for what it sends', () => {
    const bandwidth = {
      ingress: { bytesPerSecond: 1_000_000, burstBytes: 50_000 },
      egress: { bytesPerSecond: 2_000, burstBytes: 10 }
    }
    const { limit, pod, link } = podLinkStates('default', SPEC, { ...REQUEST, bandwidth })
    expect(limit.flatMap(commandsOf)).toEqual([
      `tc qdisc replace dev ${link.hostDevice} root handle 1: tbf rate 1000000bps burst 50000 latency 25ms`
    ])
    // A frame that is longer than the bucket would never pass.
    const inside = 'tc qdisc replace dev eth0 root handle 1: tbf rate 2000bps burst 1464 latency 25ms'
    const commands = pod.flatMap(commandsOf)
    expect(commands).toContain(inside)
    expect(commands.indexOf(inside)).toBeLessThan(commands.indexOf('ip link set dev eth0 up'))
    expect(link.bandwidth?.egress?.burstBytes).toBe(1464)
  })

  it.each(['10.5.72.9', 'fd00:5:0:72::9'])('refuses %s, which is outside the node’s subnets', (text) => {
    const address = IpAddress.parse(text)
    const plan = () =>
      podLinkStates('default', SPEC, { ...REQUEST, addresses: { [address.family]: address } })
    expect(plan).toThrow(expect.objectContaining({ code: 'TRI_ADDRESS_NOT_ALLOWED' }))
    expect(plan).toThrow(TrilaneError)
    expect(plan).toThrow(text)
  })
})

describe('names of pod links', () => {
  const key = fc.record({
    containerId: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,70}$/),
    ifname: fc.stringMatching(/^[a-z0-9.]{1,15}$/)
  })
  const network = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)

  it('fit the kernel, are stable, and carry a mark that reads back', () => {
    fc.assert(
      fc.property(network, key, (name, podKey) => {
        const request = { ...REQUEST, key: podKey }
        const { link, node } = podLinkStates(name, SPEC, request)
        expect(link.hostDevice).toMatch(/^veth[0-9a-f]{11}$/)
        expect(JSON.stringify(link)).toBe(JSON.stringify(podLinkStates(name, SPEC, request).link))
        const [create] = node
        const alias = create?.kind === 'link' ? create.value.alias : undefined
        expect(readAlias(alias)).toEqual({ owner: 'pod', network: name, key: podKey })
      })
    )
  })

  it('differ for different networks, containers and interfaces', () => {
    const names = [
      hostDeviceName('a', { containerId: 'b', ifname: 'eth0' }),
      hostDeviceName('b', { containerId: 'b', ifname: 'eth0' }),
      hostDeviceName('a', { containerId: 'beth', ifname: '0' }),
      hostDeviceName('a', { containerId: 'b', ifname: 'eth1' }),
      hostDeviceName('ab', { containerId: '', ifname: 'eth0' })
    ]
    expect(new Set(names).size).toBe(names.length)
  })
})
