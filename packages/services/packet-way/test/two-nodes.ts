import { IpAddress, Prefix } from '@trilane/ip'
import type {
  FdbRow,
  FilterRow,
  LinkRow,
  NeighbourRow,
  PlaceTables,
  RouteRow,
  RuleRow
} from '../src/index.ts'

export const ip = (text: string): IpAddress => IpAddress.parse(text)

/** Fields that nobody changes have values that let packets pass. */
export function link(device: string, mac: string, more: Partial<LinkRow> = {}): LinkRow {
  return { device, kind: 'veth', isUp: true, hasCarrier: true, mac, mtuBytes: 1500, noArp: false, ...more }
}

export function route(prefix: string, more: Partial<RouteRow> = {}): RouteRow {
  return {
    ...{ table: 'main', type: 'unicast', prefix: Prefix.parse(prefix), metric: 0, isDead: false },
    ...{ text: `route ${prefix}`, ...more }
  }
}

const local = (address: string, device: string): RouteRow =>
  route(`${address}/${address.includes(':') ? 128 : 32}`, { table: 'local', type: 'local', device })

export function neighbour(device: string, address: string, mac: string, state = 'REACHABLE'): NeighbourRow {
  return { device, address: ip(address), mac, state, text: `${address} dev ${device} lladdr ${mac} ${state}` }
}

const RULES: readonly RuleRow[] = (['v4', 'v6'] as const).flatMap((family) =>
  ['local', 'main'].map((table) => ({ family, table, isForeign: false, text: `from all lookup ${table}` }))
)

const FORWARDING = new Map(
  ['eth0', 'cni0', 'flannel/1'].map((device) => [`net.ipv4.conf.${device}.forwarding`, '1'])
).set('net.ipv6.conf.all.forwarding', '1')

export function place(
  name: string,
  kind: PlaceTables['kind'],
  tables: Partial<Omit<PlaceTables, 'name' | 'kind' | 'addresses'>> & {
    readonly at?: Record<string, string[]>
  }
): PlaceTables {
  const { at = {}, routes = [], ...more } = tables
  const own = Object.entries(at).flatMap(([device, addresses]) =>
    addresses.map((address) => ({ device, address }))
  )
  return {
    ...{ name, kind, links: [], rules: RULES, neighbours: [], fdb: [], filters: [] as FilterRow[] },
    sysctls: FORWARDING,
    ...more,
    addresses: own.map(({ device, address }) => ({ device, address: ip(address) })),
    routes: [...own.map(({ device, address }) => local(address, device)), ...routes]
  }
}

/** MACs by the end of their text. */
export const mac = (end: string): string => `02:00:00:00:00:${end}`

const fdb = (device: string, end: string, more: Partial<FdbRow>): FdbRow => ({
  ...{ device, mac: mac(end), isLocal: false, text: `${mac(end)} dev ${device}` },
  ...more
})

interface NodeChange {
  readonly node?: (node: PlaceTables, number: 1 | 2) => PlaceTables
}

/** Two nodes on one switch, with a pod each behind a bridge: 10.5.1.2 and 10.5.2.2, fd00:5:1::2 and fd00:5:2::2. */
export function twoNodes(
  backend: 'host-gw' | 'vxlan',
  { node = (one) => one }: NodeChange = {}
): PlaceTables[] {
  const podOf = (number: 1 | 2): PlaceTables =>
    place(`node${number}/pod1`, 'pod', {
      links: [link('eth0', mac(`${number}2`), { peer: { place: `node${number}`, device: 'veth1' } })],
      at: { eth0: [`10.5.${number}.2`, `fd00:5:${number}::2`] },
      routes: [
        route('0.0.0.0/0', { device: 'eth0', gateway: ip(`10.5.${number}.1`) }),
        route('::/0', { device: 'eth0', gateway: ip(`fd00:5:${number}::1`) })
      ]
    })
  const nodeOf = (number: 1 | 2): PlaceTables => {
    const other = number === 1 ? 2 : 1
    const isTunnel = backend === 'vxlan'
    const lanes = isTunnel
      ? [
          route(`10.5.${other}.0/24`, { device: 'flannel.1', gateway: ip(`10.5.${other}.0`) }),
          route(`fd00:5:${other}::/64`, { device: 'flannel.1', gateway: ip(`fd00:5:${other}::`) })
        ]
      : [
          route(`10.5.${other}.0/24`, { device: 'eth0', gateway: ip(`192.168.77.${other}`) }),
          route(`fd00:5:${other}::/64`, { device: 'eth0', gateway: ip(`fd77::${other}`) })
        ]
    return place(`node${number}`, 'node', {
      links: [
        link('eth0', mac(`${number}0`), { peer: { place: 'segment', device: `node${number}` } }),
        link('cni0', mac(`${number}1`), { kind: 'bridge' }),
        link('veth1', mac(`${number}3`), {
          peer: { place: `node${number}/pod1`, device: 'eth0' },
          master: 'cni0',
          hairpin: true
        }),
        ...(isTunnel
          ? [
              link('flannel.1', mac(`${number}4`), {
                kind: 'vxlan',
                mtuBytes: 1450,
                vxlan: { vni: 1, port: 8472, local: ip(`192.168.77.${number}`), parent: 'eth0', ttl: 0 }
              })
            ]
          : [])
      ],
      at: {
        eth0: [`192.168.77.${number}`, `fd77::${number}`],
        cni0: [`10.5.${number}.1`, `fd00:5:${number}::1`]
      },
      routes: [
        route('192.168.77.0/24', { device: 'eth0', source: ip(`192.168.77.${number}`) }),
        route('fd77::/64', { device: 'eth0' }),
        route(`10.5.${number}.0/24`, { device: 'cni0' }),
        route(`fd00:5:${number}::/64`, { device: 'cni0' }),
        ...lanes
      ],
      neighbours: isTunnel
        ? [
            neighbour('flannel.1', `10.5.${other}.0`, mac(`${other}4`), 'PERMANENT'),
            neighbour('flannel.1', `fd00:5:${other}::`, mac(`${other}4`), 'PERMANENT')
          ]
        : [],
      fdb: isTunnel ? [fdb('flannel.1', `${other}4`, { remote: ip(`192.168.77.${other}`) })] : []
    })
  }
  const segment = place('segment', 'switch', {
    links: [
      link('br0', mac('50'), { kind: 'bridge' }),
      link('node1', mac('51'), { master: 'br0', peer: { place: 'node1', device: 'eth0' } }),
      link('node2', mac('52'), { master: 'br0', peer: { place: 'node2', device: 'eth0' } })
    ]
  })
  return [podOf(1), podOf(2), node(nodeOf(1), 1), node(nodeOf(2), 2), segment]
}
