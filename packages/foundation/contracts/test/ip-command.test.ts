import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { commandsOf, type KernelChange, keyOf } from '../src/index.ts'

const ip = IpAddress.parse
const mac = Mac.parse('02:00:00:00:00:01')

const cases: readonly [KernelChange, readonly string[]][] = [
  [
    {
      action: 'create',
      kind: 'link',
      value: {
        name: 'cni0',
        kind: { type: 'bridge' },
        mtuBytes: 1500,
        mac,
        up: true,
        alias: 'trilane:default'
      }
    },
    [
      'ip link add name cni0 mtu 1500 address 02:00:00:00:00:01 type bridge',
      'ip link set dev cni0 alias trilane:default up'
    ]
  ],
  [
    {
      action: 'create',
      kind: 'link',
      value: {
        name: 'veth1',
        kind: { type: 'veth', peer: { name: 'eth0', namespace: '/run/netns/blue', mtuBytes: 1450 } },
        master: 'cni0',
        hairpin: true
      }
    },
    [
      'ip link add name veth1 type veth peer name eth0 netns /run/netns/blue mtu 1450',
      'ip link set dev veth1 master cni0',
      'bridge link set dev veth1 hairpin on'
    ]
  ],
  [
    {
      action: 'create',
      kind: 'link',
      value: {
        name: 'flannel.1',
        kind: {
          type: 'vxlan',
          vni: 1,
          local: ip('192.0.2.1'),
          parent: 'eth0',
          port: 8472,
          learning: false,
          gbp: true
        }
      }
    },
    ['ip link add name flannel.1 type vxlan id 1 local 192.0.2.1 dev eth0 dstport 8472 nolearning gbp']
  ],
  [
    {
      action: 'create',
      kind: 'link',
      value: { name: 'm', kind: { type: 'macvlan', parent: 'eth0', mode: 'vepa' } }
    },
    ['ip link add link eth0 name m type macvlan mode vepa']
  ],
  [
    {
      action: 'create',
      kind: 'link',
      value: { name: 'i', kind: { type: 'ipvlan', parent: 'eth0', mode: 'l3s', flag: 'private' } }
    },
    ['ip link add link eth0 name i type ipvlan mode l3s private']
  ],
  [
    {
      action: 'create',
      kind: 'link',
      value: { name: 'eth0.5', kind: { type: 'vlan', parent: 'eth0', vlanId: 5 } }
    },
    ['ip link add link eth0 name eth0.5 type vlan id 5']
  ],
  [
    {
      action: 'set',
      kind: 'link',
      value: { name: 'cni0', kind: { type: 'bridge' }, up: false, master: null }
    },
    ['ip link set dev cni0 nomaster down']
  ],
  [
    {
      action: 'set',
      kind: 'link',
      value: { name: 'flannel.1', kind: { type: 'vxlan', vni: 1, learning: false }, mtuBytes: 1450 }
    },
    ['ip link set dev flannel.1 mtu 1450', 'ip link set dev flannel.1 type vxlan nolearning']
  ],
  [
    {
      action: 'set',
      kind: 'link',
      value: {
        name: 'flannel.1',
        kind: { type: 'vxlan', vni: 1, port: 8472, parent: 'eth0', local: ip('192.0.2.9'), learning: true }
      }
    },
    ['ip link set dev flannel.1 type vxlan local 192.0.2.9 dev eth0 learning']
  ],
  [
    {
      action: 'set',
      kind: 'link',
      value: { name: 'm', kind: { type: 'macvlan', parent: 'eth0', mode: 'private' } }
    },
    ['ip link set dev m type macvlan mode private']
  ],
  [
    {
      action: 'set',
      kind: 'link',
      value: { name: 'i', kind: { type: 'ipvlan', parent: 'eth0', mode: 'l3', flag: 'vepa' } }
    },
    ['ip link set dev i type ipvlan mode l3 vepa']
  ],
  [
    { action: 'set', kind: 'link', value: { name: 'cni0', kind: { type: 'bridge' }, alias: "it's mine" } },
    [`ip link set dev cni0 alias 'it'\\''s mine'`]
  ],
  [
    { action: 'remove', kind: 'link', value: { name: 'cni0', kind: { type: 'bridge' } } },
    ['ip link del dev cni0']
  ],
  [
    {
      action: 'set',
      kind: 'address',
      value: { device: 'cni0', address: ip('fd00::1'), prefixLength: 64, skipDad: true }
    },
    ['ip address replace fd00::1/64 dev cni0 nodad']
  ],
  [
    {
      action: 'set',
      kind: 'route',
      value: {
        destination: Prefix.parse('10.5.2.0/24'),
        gateway: ip('192.0.2.2'),
        device: 'eth0',
        protocol: 133,
        onlink: true
      }
    },
    ['ip route replace 10.5.2.0/24 via 192.0.2.2 dev eth0 proto 133 onlink']
  ],
  [
    {
      action: 'remove',
      kind: 'route',
      value: { destination: Prefix.parse('::/0'), type: 'blackhole', metric: 5, table: 100 }
    },
    ['ip -6 route del blackhole default metric 5 table 100']
  ],
  [
    { action: 'create', kind: 'neighbour', value: { device: 'flannel.1', address: ip('10.5.2.0'), mac } },
    ['ip neigh add 10.5.2.0 lladdr 02:00:00:00:00:01 dev flannel.1 nud permanent']
  ],
  [
    { action: 'set', kind: 'fdb', value: { device: 'flannel.1', mac, destination: ip('192.0.2.2') } },
    ['bridge fdb replace 02:00:00:00:00:01 dev flannel.1 dst 192.0.2.2 self permanent']
  ],
  [
    { action: 'set', kind: 'sysctl', value: { key: 'net/ipv4/ip_forward', value: '1' } },
    ['sysctl -w net/ipv4/ip_forward=1']
  ]
]

describe('commandsOf', () => {
  it.each(cases)('%# says what ip would be told', (change, commands) => {
    expect(commandsOf(change)).toEqual(commands)
  })
})

describe('keyOf', () => {
  const route = (text: string, more: { metric?: number; table?: number } = {}): string =>
    keyOf({ kind: 'route', value: { destination: Prefix.parse(text), ...more } })

  it('gives a written default the key of an unwritten one', () => {
    expect(route('10.0.0.0/8', { metric: 0, table: 254 })).toBe(route('10.0.0.0/8'))
    expect(route('fd00::/8', { metric: 1024 })).toBe(route('fd00::/8'))
  })

  it('tells metrics and tables apart', () => {
    expect(
      new Set([route('10.0.0.0/8'), route('10.0.0.0/8', { metric: 1 }), route('10.0.0.0/8', { table: 1 })])
        .size
    ).toBe(3)
  })

  it('takes a MAC for one entry, except where Linux has several of it', () => {
    const entry = (text: string, destination: string): string =>
      keyOf({
        kind: 'fdb',
        value: { device: 'flannel.1', mac: Mac.parse(text), destination: ip(destination) }
      })
    const keys = (text: string): number => new Set([entry(text, '192.0.2.2'), entry(text, '192.0.2.3')]).size
    expect(keys('02:00:00:00:00:01')).toBe(1)
    expect(keys('01:00:5e:00:00:01')).toBe(2)
    expect(keys('00:00:00:00:00:00')).toBe(2)
  })

  it('does not mistake one kind for another', () => {
    const kinds = cases.map(([change]) => keyOf(change).split(' ')[0])
    expect(new Set(kinds)).toEqual(new Set(['link', 'address', 'route', 'neighbour', 'fdb', 'sysctl']))
  })
})
