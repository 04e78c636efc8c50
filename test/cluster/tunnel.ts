import type { ClusterNode } from './cluster-node.ts'

/** Names of the tunnel devices of VNI 1, by family. */
export const TUNNELS = { v4: 'flannel.1', v6: 'flannel-v6.1' } as const

interface LinkJson {
  readonly ifname: string
  readonly mtu: number
  readonly address: string
  readonly flags: readonly string[]
  readonly ifalias?: string
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: Readonly<Record<string, unknown>> }
  readonly addr_info?: readonly {
    readonly scope: string
    readonly local: string
    readonly prefixlen: number
  }[]
}

/** One peer's share in this kernel, in one family. */
export interface PeerEntry {
  readonly device: string
  /** `10.5.95.0/24` */
  readonly subnet: string
  /** The gateway of the route: the peer's address on the tunnel. */
  readonly gateway: string
  /** Of the peer's tunnel device. */
  readonly mac: string
  /** Of the peer's uplink. */
  readonly destination: string
}

/** Everything about vxlan that a daemon keeps in a kernel, as `ip` and `bridge` see it. */
export class TunnelView {
  /** Each object a line, sorted: equal texts are equal states. */
  readonly text: string
  readonly peers: readonly PeerEntry[]

  private constructor(lines: readonly string[], peers: readonly PeerEntry[]) {
    this.text = [...lines].sort().join('\n')
    this.peers = peers
  }

  /** One process for all of it: it is asked for again and again while something heals. */
  static async of(node: ClusterNode): Promise<TunnelView> {
    const devices = Object.values(TUNNELS)
    const script = [
      'ip -j -d address show type vxlan',
      'ip -j -4 route show proto 133',
      'ip -j -6 route show proto 133',
      ...devices.flatMap((device) => [
        `ip -j -4 neigh show dev ${device} nud permanent 2>&1 || echo "[]"`,
        `ip -j -6 neigh show dev ${device} nud permanent 2>&1 || echo "[]"`,
        `bridge -j fdb show dev ${device} 2>/dev/null || echo "[]"`
      ])
    ]
    const { stdout } = await node.place.run([
      'sh',
      '-c',
      script.map((line) => `${line}; echo ---`).join('\n')
    ])
    const [links, ...tables] = stdout.split('---\n').map(parse)
    const routes = [...(tables[0] ?? []), ...(tables[1] ?? [])] as RouteJson[]
    const of = (index: number) => (tables[2 + index] ?? []) as unknown[]
    const neighbours = devices.map((_, at) => [...of(at * 3), ...of(at * 3 + 1)] as NeighbourJson[])
    const fdbs = devices.map((_, at) => of(at * 3 + 2) as FdbJson[])
    const entries = devices.flatMap((device, at) => [
      ...(neighbours[at] ?? []).map(({ dst, lladdr }) => `neighbour ${dst} ${lladdr} ${device}`),
      ...(fdbs[at] ?? []).map(({ mac, dst, ifname }) => `fdb ${mac} ${dst} ${ifname ?? device}`)
    ])
    const peers = routes.flatMap(({ dst, gateway, dev }) => {
      const at = devices.indexOf(dev as (typeof devices)[number])
      const mac = neighbours[at]?.find((neighbour) => neighbour.dst === gateway)?.lladdr ?? ''
      const destination = fdbs[at]?.find((entry) => entry.mac === mac)?.dst ?? ''
      return at < 0 || gateway === undefined ? [] : [{ device: dev, subnet: dst, gateway, mac, destination }]
    })
    const routeLines = routes.map(
      ({ dst, gateway, dev, flags }) =>
        `route ${dst} ${gateway} ${dev} ${flags.filter((f) => f !== 'linkdown')}`
    )
    return new TunnelView([...(links as LinkJson[]).map(linkLine), ...routeLines, ...entries], peers)
  }

  /** Of one family's device. @throws Error when there is none */
  peer(device: string): PeerEntry {
    const found = this.peers.find((peer) => peer.device === device)
    if (found === undefined) throw new Error(`${device} leads to nobody:\n${this.text}`)
    return found
  }
}

interface RouteJson {
  readonly dst: string
  readonly gateway?: string
  readonly dev: string
  readonly flags: readonly string[]
}

interface NeighbourJson {
  readonly dst: string
  readonly lladdr: string
}

interface FdbJson {
  readonly mac: string
  readonly dst?: string
  readonly ifname?: string
}

function parse(text: string): unknown[] {
  // A device that is not there has nothing, and `ip` says so in words.
  return text.trim().startsWith('[') ? ((JSON.parse(text) as unknown[]) ?? []) : []
}

function linkLine({ ifname, mtu, address, flags, ifalias, linkinfo, addr_info = [] }: LinkJson): string {
  const { id, link, local, local6, port, learning, gbp } = linkinfo?.info_data ?? {}
  const addresses = addr_info
    .filter(({ scope, local }) => scope === 'global' || !local.startsWith('fe80:'))
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  return JSON.stringify({
    ...{ ifname, mtu, address, up: flags.includes('UP'), ifalias, addresses },
    ...{ id, link, local: local ?? local6, port, learning, gbp }
  })
}
