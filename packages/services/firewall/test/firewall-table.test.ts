import { type FirewallNetwork, type FirewallWish, nftReplacementOf, nftTextOf } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { firewallTable } from '../src/index.ts'

const PODS: FirewallNetwork = {
  name: 'default',
  network: { v4: Prefix.parse('10.5.0.0/16'), v6: Prefix.parse('fd00:5::/48') },
  subnet: { v4: Prefix.parse('10.5.66.0/24'), v6: Prefix.parse('fd00:5:0:66::/64') },
  masquerade: true,
  forwardAccept: true
}

const WISH: FirewallWish = { networks: [PODS], keepSourceTo: [], fullyRandom: true }

function network(name: string, whole: string, part: string): FirewallNetwork {
  return { ...PODS, name, network: { v4: Prefix.parse(whole) }, subnet: { v4: Prefix.parse(part) } }
}

function textOf(change: Partial<FirewallWish>): string {
  const table = firewallTable({ ...WISH, ...change })
  return table === undefined ? '' : nftTextOf(table)
}

function elementsOf(change: Partial<FirewallWish>, set: string): string[] {
  const found = firewallTable({ ...WISH, ...change })?.sets.find(({ name }) => name === set)
  return (found?.elements ?? []).map((element) => element.join(' . '))
}

describe('the table', () => {
  it('is what nft prints', () => {
    expect(
      textOf({ networks: [network('default', '10.5.0.0/16', '10.5.66.0/24')] })
    ).toBe(`table inet trilane {
	set direct_ip {
		type ipv4_addr . ipv4_addr
		flags interval
		elements = { 10.5.66.0/24 . 10.5.0.0/16 }
	}

	set pods_ip {
		type ipv4_addr
		flags interval
		elements = { 10.5.66.0/24 }
	}

	set networks_ip {
		type ipv4_addr
		flags interval
		elements = { 10.5.0.0/16 }
	}

	set kept_ip {
		type ipv4_addr
		flags interval
		elements = { 224.0.0.0/4 }
	}

	set forwarded_ip {
		type ipv4_addr
		flags interval
		elements = { 10.5.0.0/16 }
	}

	chain postrouting {
		type nat hook postrouting priority srcnat + 10; policy accept;
		meta mark & 0x00004000 == 0x00004000 return comment "kube-proxy masquerades it"
		ip saddr . ip daddr @direct_ip return comment "own pod to any pod"
		ip daddr @pods_ip return comment "anybody to own pod"
		ip saddr @networks_ip ip daddr != @kept_ip masquerade fully-random comment "pod to outside"
		ip saddr != @networks_ip ip daddr @networks_ip masquerade fully-random comment "outside to remote pod"
	}

	chain forward {
		type filter hook forward priority filter; policy accept;
		ip saddr @forwarded_ip accept
		ip daddr @forwarded_ip accept
	}
}
`)
  })

  it('says the same of the other family in its words', () => {
    const of = (family: 'v4' | 'v6') =>
      firewallTable({
        ...WISH,
        networks: [
          { ...PODS, network: { [family]: PODS.network[family] }, subnet: { [family]: PODS.subnet[family] } }
        ]
      })?.chains.map(({ name, rules }) => [name, ...rules])
    const inV4 = JSON.stringify(of('v4')).replaceAll('ip ', 'ip6 ')
    expect(JSON.stringify(of('v6'))).toBe(inV4)
  })

  it('replaces in one transaction, whatever was there', () => {
    const table = firewallTable(WISH)
    if (table === undefined) throw new Error('no table')
    expect(nftReplacementOf(table)).toBe(
      `add table inet trilane\ndelete table inet trilane\n${nftTextOf(table)}`
    )
  })

  it('has as many rules for a hundred networks as for one', () => {
    const many = Array.from({ length: 100 }, (_, at) =>
      network(`n${at}`, `10.${at}.0.0/16`, `10.${at}.66.0/24`)
    )
    const rules = (networks: readonly FirewallNetwork[]) =>
      firewallTable({ ...WISH, networks })?.chains.flatMap((chain) => chain.rules)
    expect(rules(many)).toEqual(rules(many.slice(0, 1)))
    expect(elementsOf({ networks: many }, 'direct_ip')).toHaveLength(100)
  })
})

describe('switches', () => {
  it('no network wants anything: no table', () => {
    expect(textOf({ networks: [] })).toBe('')
    expect(textOf({ networks: [{ ...PODS, masquerade: false, forwardAccept: false }] })).toBe('')
  })

  it('masquerade off: no nat chain and none of its sets', () => {
    const text = textOf({ networks: [{ ...PODS, masquerade: false }] })
    expect(text).not.toMatch(/nat|masquerade|direct|kept/)
    expect(text).toContain('chain forward')
  })

  it('forward off: no forward chain and none of its sets', () => {
    const text = textOf({ networks: [{ ...PODS, forwardAccept: false }] })
    expect(text).not.toMatch(/forward/)
    expect(text).toContain('chain postrouting')
  })

  it('fully random off: ports stay where they can', () => {
    const text = textOf({ fullyRandom: false })
    expect(text).not.toContain('fully-random')
    expect(text.match(/ masquerade /g)).toHaveLength(4)
  })

  it('each network has its own switches', () => {
    const other = { ...network('underlay', '192.168.77.0/24', '192.168.77.64/28'), masquerade: false }
    const wish = { networks: [PODS, other] }
    expect(elementsOf(wish, 'networks_ip')).toEqual(['10.5.0.0/16'])
    expect(elementsOf(wish, 'forwarded_ip')).toEqual(['10.5.0.0/16', '192.168.77.0/24'])
  })

  it('destinations that keep the source stand beside multicast, each in its family', () => {
    const keepSourceTo = ['172.16.0.0/12', '172.20.0.0/16', 'fd00:9::/32', '10.9.0.1/32'].map((text) =>
      Prefix.parse(text)
    )
    expect(elementsOf({ keepSourceTo }, 'kept_ip')).toEqual(['10.9.0.1/32', '172.16.0.0/12', '224.0.0.0/4'])
    expect(elementsOf({ keepSourceTo }, 'kept_ip6')).toEqual(['fd00:9::/32', 'ff00::/8'])
    expect(textOf({ keepSourceTo })).toContain('elements = { 10.9.0.1, 172.16.0.0/12, 224.0.0.0/4 }')
  })
})

describe('several networks', () => {
  it('keep pairs of own subnet and network: a pod of one is outside to the other', () => {
    const networks = [network('a', '10.5.0.0/16', '10.5.66.0/24'), network('b', '10.7.0.0/16', '10.7.1.0/24')]
    expect(elementsOf({ networks }, 'direct_ip')).toEqual([
      '10.5.66.0/24 . 10.5.0.0/16',
      '10.7.1.0/24 . 10.7.0.0/16'
    ])
  })

  it('that overlap become one element, as a set takes no overlap', () => {
    const networks = [
      network('b', '10.5.0.0/16', '10.5.66.0/24'),
      network('a', '10.0.0.0/8', '10.5.66.0/25'),
      network('c', '10.5.0.0/16', '10.5.66.128/25')
    ]
    expect(elementsOf({ networks }, 'networks_ip')).toEqual(['10.0.0.0/8'])
    expect(elementsOf({ networks }, 'pods_ip')).toEqual(['10.5.66.0/24'])
    expect(elementsOf({ networks }, 'direct_ip')).toEqual(['10.5.66.0/24 . 10.0.0.0/8'])
  })

  it('a family without a subnet on this node is left out', () => {
    const { v4 } = PODS.subnet
    const text = textOf({ networks: [{ ...PODS, subnet: v4 === undefined ? {} : { v4 } }] })
    expect(text).not.toContain('ip6')
  })
})

describe('host ports', () => {
  const v4 = {
    protocol: 'tcp',
    hostPort: 8080,
    podPort: 80,
    podAddress: IpAddress.parse('10.5.66.2')
  } as const
  const v6 = { ...v4, podAddress: IpAddress.parse('fd00:5:0:66::2') }
  const rulesOf = (hostPorts: FirewallWish['hostPorts'] = []) =>
    firewallTable({ ...WISH, hostPorts })?.chains.map(({ name, rules }) => [name, rules.length])

  it('are maps with chains of their own, as nft prints them', () => {
    const udp = { ...v4, protocol: 'udp', hostAddress: IpAddress.parse('192.0.2.1') } as const
    const text = textOf({
      networks: [{ ...PODS, masquerade: false, forwardAccept: false }],
      hostPorts: [v4, udp]
    })
    expect(text).toBe(`table inet trilane {
	set hostport_sources_ip {
		type ipv4_addr
		flags interval
		elements = { 10.5.66.0/24, 127.0.0.0/8 }
	}

	map hostports_at_ip {
		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
		elements = { 192.0.2.1 . 17 . 8080 : 10.5.66.2 . 80 }
	}

	map hostports_ip {
		type inet_proto . inet_service : ipv4_addr . inet_service
		elements = { 6 . 8080 : 10.5.66.2 . 80 }
	}

	set hostport_pods_ip {
		type ipv4_addr . inet_proto . inet_service
		elements = { 10.5.66.2 . 6 . 80, 10.5.66.2 . 17 . 80 }
	}

	chain hostports {
		type nat hook prerouting priority dstnat; policy accept;
		meta nfproto ipv4 fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @hostports_at_ip
		meta nfproto ipv4 fib daddr type local dnat ip to meta l4proto . th dport map @hostports_ip
	}

	chain hostports_own {
		type nat hook output priority -100; policy accept;
		meta nfproto ipv4 fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @hostports_at_ip
		meta nfproto ipv4 fib daddr type local dnat ip to meta l4proto . th dport map @hostports_ip
	}

	chain hostports_source {
		type nat hook postrouting priority srcnat; policy accept;
		ct status dnat ip saddr @hostport_sources_ip ip daddr . meta l4proto . th dport @hostport_pods_ip masquerade
	}
}
`)
  })

  it('are elements: a thousand of them need no rule more', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => ({ ...v4, hostPort: 10_000 + index }))
    expect(rulesOf(many)).toEqual(rulesOf([v4]))
    expect(rulesOf([v4, v6])).not.toEqual(rulesOf([v4]))
  })

  it('that lead to one port of a pod are one element of the set of ends', () => {
    const ends = firewallTable({ ...WISH, hostPorts: [v4, { ...v4, hostPort: 81 }] })?.lookups?.find(
      ({ name }) => name === 'hostport_pods_ip'
    )
    expect(ends?.elements).toEqual(['10.5.66.2 . 6 . 80'])
  })
})
