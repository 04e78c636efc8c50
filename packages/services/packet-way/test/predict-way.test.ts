import { describe, expect, it } from 'vitest'
import { type Content, type LinkRow, type PlaceTables, predictWay, type Way } from '../src/index.ts'
import { ip, link, mac, neighbour, place, route, twoNodes } from './two-nodes.ts'

const PING: Content = { kind: 'echo', payloadBytes: 56 }

function way(places: readonly PlaceTables[], destination = '10.5.2.2', content: Content = PING): Way {
  return predictWay(places, { from: 'node1/pod1', destination: ip(destination), content })
}

const stations = ({ hops }: Way): string[] =>
  hops.map(({ place, device, direction, frame }) => `${place} ${device} ${direction} ${frame.bytes}`)

/** Of the first layer of that name. */
const field = ({ hops }: Way, at: number, layer: string, name: string): string | undefined =>
  hops[at]?.frame.layers.find((one) => one.name === layer)?.fields[name]

const changeLink = (node: PlaceTables, device: string, more: Partial<LinkRow>): PlaceTables => ({
  ...node,
  links: node.links.map((one) => (one.device === device ? { ...one, ...more } : one))
})

describe('predictWay', () => {
  it.each(['10.5.2.2', 'fd00:5:2::2'])('follows a plain route to %s, device by device', (destination) => {
    const found = way(twoNodes('host-gw'), destination)
    const bytes = destination.includes(':') ? 118 : 98
    expect(stations(found)).toEqual(
      [
        'node1/pod1 eth0 out',
        'node1 veth1 in',
        'node1 cni0 in',
        'node1 eth0 out',
        'segment node1 in',
        'segment node2 out',
        'node2 eth0 in',
        'node2 cni0 out',
        'node2 veth1 out',
        'node2/pod1 eth0 in'
      ].map((station) => `${station} ${bytes}`)
    )
    expect(found.outcome).toMatchObject({ kind: 'arrived', place: 'node2/pod1' })
    const macs = [0, 3, 7].map((at) => [
      field(found, at, 'ethernet', 'source'),
      field(found, at, 'ethernet', 'destination')
    ])
    expect(macs).toEqual([
      [mac('12'), mac('11')],
      [mac('10'), mac('20')],
      [mac('21'), mac('22')]
    ])
    const [layer, ttl] = destination.includes(':') ? ['ipv6', 'hop limit'] : ['ipv4', 'ttl']
    expect([0, 3, 9].map((at) => field(found, at, layer ?? '', ttl ?? ''))).toEqual(['64', '63', '62'])
  })

  it('puts a packet into the tunnel, with all that is around it, and takes it out', () => {
    const found = way(twoNodes('vxlan'))
    expect(stations(found).slice(3, 9)).toEqual([
      'node1 flannel.1 out 98',
      'node1 eth0 out 148',
      'segment node1 in 148',
      'segment node2 out 148',
      'node2 eth0 in 148',
      'node2 flannel.1 in 98'
    ])
    expect(found.hops[4]?.frame.layers.map(({ name, fields }) => [name, fields])).toMatchObject([
      ['ethernet', { source: mac('10'), destination: mac('20') }],
      [
        'ipv4',
        { source: '192.168.77.1', destination: '192.168.77.2', ttl: '64', length: '134', flags: 'none' }
      ],
      ['udp', { destination: '8472', length: '114' }],
      ['vxlan', { vni: '1' }],
      ['ethernet', { source: mac('14'), destination: mac('24') }],
      ['ipv4', { source: '10.5.1.2', destination: '10.5.2.2', ttl: '63' }],
      ['icmp', { type: '8' }]
    ])
    const rows = found.hops.slice(3, 5).map((hop) => hop.rows.map(({ table }) => table))
    expect(rows).toEqual([
      ['route', 'sysctl', 'neighbour'],
      ['fdb', 'route', 'neighbour']
    ])
  })

  it('names what decided, and the command that shows it', () => {
    const [, , , hop] = way(twoNodes('host-gw')).hops
    expect(hop?.rows).toMatchObject([
      { text: 'route 10.5.2.0/24', command: 'ip route get 10.5.2.2 from 10.5.1.2 iif cni0 fibmatch' },
      { text: 'net.ipv4.conf.cni0.forwarding = 1', command: 'sysctl net.ipv4.conf.cni0.forwarding' },
      { command: 'ip neighbour show 192.168.77.2 dev eth0' }
    ])
  })

  it('takes the longest prefix, then the lowest metric, and passes over what is dead', () => {
    const more = [
      route('10.5.2.2/32', { device: 'nowhere0', isDead: true }),
      route('10.5.2.0/24', { device: 'nowhere1', metric: 9 }),
      route('10.5.0.0/16', { device: 'nowhere2' })
    ]
    const places = twoNodes('host-gw', { node: (node) => ({ ...node, routes: [...more, ...node.routes] }) })
    expect(way(places).outcome.kind).toBe('arrived')
  })

  it('asks the rules first, and leaves out those that it does not understand', () => {
    const rule = { family: 'v4', table: '7', isForeign: false, text: 'from 10.5.1.0/24 lookup 7' } as const
    const withRule = (isForeign: boolean) =>
      twoNodes('host-gw', {
        node: (node, number) =>
          number === 2
            ? node
            : {
                ...node,
                rules: [{ ...rule, from: route('10.5.1.0/24').prefix, isForeign }, ...node.rules],
                routes: [...node.routes, route('0.0.0.0/0', { table: '7', type: 'blackhole' })]
              }
      })
    expect(way(withRule(true)).outcome.kind).toBe('arrived')
    const { outcome } = way(withRule(false))
    expect(outcome).toMatchObject({
      kind: 'broken',
      place: 'node1',
      reason: expect.stringContaining('blackhole')
    })
    expect(outcome).toMatchObject({ rows: [{ table: 'rule' }, { table: 'route' }, { table: 'sysctl' }] })
  })

  it('goes from a child of the uplink to one on another node, past both nodes', () => {
    const parent = (number: number) => ({ place: `node${number}`, device: 'eth0' })
    const pod = (number: number): PlaceTables =>
      place(`node${number}/pod1`, 'pod', {
        links: [link('eth0', mac(`${number}2`), { kind: 'macvlan', mode: 'bridge', parent: parent(number) })],
        at: { eth0: [`192.168.77.${64 + number}`] },
        routes: [route('192.168.77.0/24', { device: 'eth0' })]
      })
    const [, , ...nodes] = twoNodes('host-gw')
    const found = way([pod(1), pod(2), ...nodes], '192.168.77.66')
    expect(stations(found)).toEqual([
      'node1/pod1 eth0 out 98',
      'node1 eth0 out 98',
      'segment node1 in 98',
      'segment node2 out 98',
      'node2 eth0 in 98',
      'node2/pod1 eth0 in 98'
    ])
    expect(field(found, 5, 'ipv4', 'ttl')).toBe('64')
    const other = way([pod(1), pod(2), ...nodes], '192.168.77.1')
    expect(other.outcome).toMatchObject({
      reason: 'nobody on the wire answers for 192.168.77.1 on eth0 of node1/pod1'
    })
  })

  it('leaves by a card for what nobody here knows', () => {
    const places = twoNodes('host-gw', {
      node: (node) => ({
        ...node,
        links: node.links.map(({ peer, ...one }) =>
          one.device === 'eth0' || peer === undefined ? one : { ...one, peer }
        )
      })
    })
    const found = way(places)
    expect(found.outcome).toEqual({ kind: 'left', place: 'node1', device: 'eth0' })
    expect(field(found, 3, 'ethernet', 'destination')).toBeUndefined()
  })
})

describe('rules of a packet filter', () => {
  const rule = { chain: 'a', hook: 'forward', verdict: 'drop', text: 'drop' } as const
  const outcome = (...filters: PlaceTables['filters'][number][]) =>
    way(twoNodes('host-gw', { node: (node) => ({ ...node, filters }) })).outcome.kind

  it('decide by the first that a packet meets in its chain, and by every chain', () => {
    expect(outcome({ ...rule, verdict: 'accept' }, rule)).toBe('arrived')
    expect(outcome({ ...rule, verdict: 'accept' }, { ...rule, chain: 'b' })).toBe('broken')
    expect(outcome({ ...rule, from: route('10.5.1.0/24').prefix })).toBe('broken')
    expect(outcome({ ...rule, from: route('10.5.2.0/24').prefix })).toBe('arrived')
    expect(outcome({ ...rule, hook: 'input' })).toBe('arrived')
    expect(outcome({ ...rule, family: 'v6' }, { ...rule, iif: 'eth9' })).toBe('arrived')
    expect(outcome({ ...rule, protocol: 'udp', destinationPort: 53 })).toBe('arrived')
  })

  it('may stand in the way of what carries a packet', () => {
    const filters = [{ ...rule, hook: 'input', protocol: 'udp', destinationPort: 8472 } as const]
    const places = twoNodes('vxlan', { node: (node, number) => (number === 2 ? { ...node, filters } : node) })
    expect(way(places).outcome).toMatchObject({ kind: 'broken', place: 'node2', device: 'eth0' })
  })
})

describe('a broken way', () => {
  type Change = (node: PlaceTables, number: 1 | 2) => PlaceTables
  const only =
    (which: 1 | 2, change: (node: PlaceTables) => PlaceTables): Change =>
    (node, number) =>
      number === which ? change(node) : node
  const LARGE: Content = { kind: 'echo', payloadBytes: 1_400 }

  it.each<[string, 'host-gw' | 'vxlan', Change, object, Content?]>([
    [
      'no route',
      'host-gw',
      only(1, (node) => ({ ...node, routes: node.routes.filter(({ text }) => !text.includes('10.5.2.0')) })),
      { place: 'node1', device: 'cni0', reason: 'node1 has no route to 10.5.2.2' }
    ],
    [
      'no forwarding entry',
      'vxlan',
      only(1, (node) => ({ ...node, fdb: [] })),
      {
        place: 'node1',
        device: 'flannel.1',
        reason: `the tunnel flannel.1 of node1 has no forwarding entry for ${mac('24')}`
      }
    ],
    [
      'no neighbour in the tunnel',
      'vxlan',
      only(1, (node) => ({ ...node, neighbours: [] })),
      {
        place: 'node1',
        device: 'flannel.1',
        reason: expect.stringContaining('no neighbour entry for 10.5.2.0')
      }
    ],
    [
      'a neighbour whose MAC nobody has any more',
      'host-gw',
      only(1, (node) => ({ ...node, neighbours: [neighbour('eth0', '192.168.77.2', mac('99'))] })),
      { place: 'segment', device: 'br0', reason: `no port of br0 in segment leads to ${mac('99')}` }
    ],
    [
      'no forwarding',
      'host-gw',
      only(2, (node) => ({ ...node, sysctls: new Map([['net.ipv4.conf.eth0.forwarding', '0']]) })),
      {
        place: 'node2',
        device: 'eth0',
        reason: 'node2 does not forward: net.ipv4.conf.eth0.forwarding is 0'
      }
    ],
    [
      'a device that is down',
      'host-gw',
      only(2, (node) => changeLink(node, 'veth1', { isUp: false })),
      {
        place: 'node2',
        device: 'veth1',
        reason: 'veth1 of node2 is down, and nobody else on the wire answers for 10.5.2.2'
      }
    ],
    [
      'no carrier',
      'host-gw',
      only(1, (node) => changeLink(node, 'eth0', { hasCarrier: false })),
      { place: 'node1', device: 'eth0', reason: 'eth0 of node1 has no carrier' }
    ],
    [
      'a bridge that drops',
      'host-gw',
      only(2, (node) => ({
        ...node,
        filters: [
          { chain: 'a', hook: 'forward', verdict: 'accept', text: 'accept' },
          { chain: 'b', hook: 'forward', protocol: 'tcp', verdict: 'drop', text: 'not this' },
          { chain: 'b', hook: 'forward', protocol: 'icmp', oif: 'cni0', verdict: 'drop', text: 'icmp drop' }
        ]
      })),
      { place: 'node2', device: 'cni0', rows: [{}, {}, { table: 'filter', text: 'icmp drop' }] }
    ],
    [
      'a strict reverse path filter',
      'host-gw',
      only(2, (node) => ({
        ...node,
        sysctls: new Map([...node.sysctls, ['net.ipv4.conf.all.rp_filter', '1']]),
        routes: node.routes.map((one) =>
          one.text.includes('10.5.1.0') ? { ...one, device: 'flannel.1' } : one
        )
      })),
      { place: 'node2', device: 'eth0', reason: expect.stringContaining('expects 10.5.1.2 by flannel.1') }
    ],
    [
      'routes that lead to each other',
      'host-gw',
      (node, number) =>
        number === 1
          ? node
          : {
              ...node,
              routes: [...node.routes, route('10.5.2.2/32', { device: 'eth0', gateway: ip('192.168.77.1') })]
            },
      { reason: expect.stringMatching(/circle/) }
    ],
    [
      'a packet that the next device is too small for',
      'host-gw',
      only(2, (node) => changeLink(node, 'cni0', { mtuBytes: 1_400 })),
      {
        place: 'node2',
        device: 'cni0',
        reason: 'the packet has 1428 bytes, and cni0 of node2 takes 1400',
        isTold: true
      },
      LARGE
    ],
    [
      'a tunnel that the uplink is too small for',
      'vxlan',
      only(1, (node) => changeLink(node, 'eth0', { mtuBytes: 1_470 })),
      {
        place: 'node1',
        device: 'eth0',
        reason: "with the tunnel's headers the packet has 1478 bytes, and eth0 of node1 takes 1470"
      },
      LARGE
    ],
    [
      'a port of a bridge that is too small, which nobody is told of',
      'host-gw',
      only(2, (node) => changeLink(node, 'veth1', { mtuBytes: 1_300 })),
      { place: 'node2', device: 'veth1', rows: [{}, { text: expect.stringContaining('mtu 1300') }] },
      LARGE
    ],
    [
      'another VNI at the other end',
      'vxlan',
      only(2, (node) => changeLink(node, 'flannel.1', { vxlan: { vni: 2, port: 8472, ttl: 0 } })),
      { place: 'node2', device: 'eth0', reason: 'node2 has no tunnel with VNI 1 on port 8472' }
    ]
  ])('is named with its place: %s', (_, backend, node, broken, content = PING) => {
    expect(way(twoNodes(backend), '10.5.2.2', content).outcome.kind).toBe('arrived')
    const { outcome } = way(twoNodes(backend, { node }), '10.5.2.2', content)
    expect(outcome).toMatchObject({ kind: 'broken', ...broken })
    expect('isTold' in outcome).toBe('isTold' in broken)
  })
})
