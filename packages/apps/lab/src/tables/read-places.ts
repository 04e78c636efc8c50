import { type Family, IpAddress } from '@trilane/ip'
import type { DeviceAt, LinkRow, PlaceTables } from '@trilane/packet-way'
import type { LinkJson } from './iproute.ts'
import { filterRows } from './nft-rows.ts'
import { type RawTables, type Readable, readRaw } from './read-raw.ts'
import { fdbRow, neighbourRow, routeRow, ruleRow } from './rows.ts'

/**
 * The tables of several namespaces and how their devices hang together, read with iproute2 and not with Trilane's own
 * driver.
 *
 * @throws TrilaneError `TRI_COMMAND_FAILED`
 */
export async function readPlaces(readables: readonly Readable[]): Promise<PlaceTables[]> {
  const read = await Promise.all(
    readables.map(async (readable) => ({ readable, raw: await readRaw(readable) }))
  )
  return read.map(({ readable, raw }) => tablesOf(readable, raw, read))
}

interface Reading {
  readonly readable: Readable
  readonly raw: RawTables
}

function tablesOf({ name, kind }: Readable, raw: RawTables, all: readonly Reading[]): PlaceTables {
  const own = all.find(({ readable }) => readable.name === name)
  return {
    name,
    kind,
    links: raw.links.map((link) =>
      linkRow(link, (json) => (own === undefined ? undefined : otherEnd(own, json, all)))
    ),
    addresses: raw.addresses.flatMap(({ ifname, addr_info }) =>
      addr_info.flatMap(({ local }) =>
        local === undefined ? [] : [{ device: ifname, address: IpAddress.parse(local) }]
      )
    ),
    routes: FAMILIES.flatMap((family) => raw.routes[family].map((route) => routeRow(route, family))),
    rules: FAMILIES.flatMap((family) => raw.rules[family].map((rule) => ruleRow(rule, family))),
    neighbours: raw.neighbours.map(neighbourRow),
    fdb: raw.fdb.flatMap((row) => fdbRow(row) ?? []),
    sysctls: raw.sysctls,
    filters: filterRows(raw.ruleset)
  }
}

const FAMILIES: readonly Family[] = ['v4', 'v6']

function linkRow(link: LinkJson, otherEndOf: (link: LinkJson) => DeviceAt | undefined): LinkRow {
  const { ifname, flags, mtu, address = '', master, linkinfo } = link
  const kind = flags.includes('LOOPBACK') ? 'loopback' : (linkinfo?.info_kind ?? '')
  const data = linkinfo?.info_data ?? {}
  const other = otherEndOf(link)
  const stands = kind === 'macvlan' || kind === 'ipvlan' || kind === 'vlan'
  const local = data.local ?? data.local6
  return {
    device: ifname,
    kind,
    isUp: flags.includes('UP'),
    hasCarrier: flags.includes('LOWER_UP'),
    mac: address,
    mtuBytes: mtu,
    noArp: flags.includes('NOARP'),
    ...(master === undefined ? {} : { master }),
    hairpin: linkinfo?.info_slave_data?.hairpin === true,
    ...(other === undefined ? {} : stands ? { parent: other } : kind === 'veth' ? { peer: other } : {}),
    ...(stands && data.mode !== undefined ? { mode: data.mode } : {}),
    ...(kind === 'vlan' && data.id !== undefined ? { vlanId: data.id } : {}),
    ...(kind === 'vxlan' && data.id !== undefined
      ? {
          vxlan: {
            vni: data.id,
            port: data.port ?? 8472,
            ...(local === undefined ? {} : { local: IpAddress.parse(local) }),
            ...(data.link === undefined ? {} : { parent: data.link }),
            ttl: data.ttl ?? 0
          }
        }
      : {})
  }
}

/** The other end of a pair, or the device that it stands on. */
function otherEnd({ readable, raw }: Reading, link: LinkJson, all: readonly Reading[]): DeviceAt | undefined {
  const { link: name, link_index: index, link_netnsid: id } = link
  if (name !== undefined && id === undefined) return { place: readable.name, device: name }
  if (index === undefined) return undefined
  const namespace = raw.namespaceIds.find(({ nsid }) => nsid === id)?.name
  // A namespace without a name is that of whoever asks, such as a node's own.
  const candidates = all.filter((one) => one.readable.namespace === namespace && one.readable !== readable)
  const isPair = link.linkinfo?.info_kind === 'veth'
  const fits = ({ ifindex, link_index }: LinkJson): boolean =>
    ifindex === index && (!isPair || link_index === link.ifindex)
  const found = candidates.flatMap((one) =>
    one.raw.links.filter(fits).map(({ ifname }) => ({ place: one.readable.name, device: ifname }))
  )
  // Several may fit where namespaces have no names: then nobody can tell.
  return found.length === 1 ? found[0] : undefined
}
