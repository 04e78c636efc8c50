import {
  type KernelSnapshot,
  type LinkKind,
  type LinkReading,
  type ParentDevice,
  TrilaneError
} from '@trilane/contracts'
import { FAMILIES, type Family, type IpAddress } from '@trilane/ip'
import { networkAlias, readAlias } from '@trilane/reconcile'
import { onLinkPrefixes } from './on-link.ts'

/** Which device pods shall stand on. */
export interface ParentWish {
  /** As configured; absent: the uplink. */
  readonly name?: string
  /** What it was before: a renamed device keeps its index, and its children. */
  readonly former?: Pick<ParentDevice, 'index'>
}

/**
 * The device that pods' own devices stand on, from one reading of `FACTS_SCOPE`.
 *
 * @throws TrilaneError `TRI_PARENT_NOT_FOUND`
 */
export function parentDevice(
  snapshot: KernelSnapshot,
  wish: ParentWish,
  uplink: string,
  network: string
): ParentDevice {
  const name = wish.name ?? uplink
  const link =
    snapshot.links.find((one) => one.name === name) ??
    snapshot.links.find(({ index }) => index === wish.former?.index)
  if (link === undefined) {
    const known = snapshot.links.filter(canCarry).map((one) => one.name)
    const values = { network, parent: name, known: known.length === 0 ? 'none' : known.join(', ') }
    throw TrilaneError.of('TRI_PARENT_NOT_FOUND', values)
  }
  // What this daemon makes there follows from the facts, and is none of them.
  const own = networkAlias(network)
  const vlans = snapshot.links.filter(({ kind }) => kind.type === 'vlan' && kind.parent === link.name)
  const carriers = new Set([link.name, ...vlans.map((one) => one.name)])
  return {
    name: link.name,
    index: link.index,
    mtuBytes: link.mtuBytes,
    ...(link.mac === undefined ? {} : { mac: link.mac }),
    ...(link.up ? {} : { isDown: true }),
    isWireless: link.wireless === true,
    addresses: snapshot.addresses
      .filter(({ device, address }) => device === link.name && !address.isLinkLocal)
      .map(({ address, prefixLength }) => ({ address, prefixLength }))
      .sort((a, b) => a.address.compare(b.address)),
    onLink: onLinkPrefixes(snapshot, link.name),
    gateways: gatewaysBy(snapshot, link.name),
    children: snapshot.links
      .filter(({ kind, alias }) => carriers.has(parentOf(kind) ?? '') && alias !== own)
      .map(({ name: child, kind, alias }) => ({
        name: child,
        kind,
        ...(alias === undefined ? {} : { alias })
      }))
      .sort((a, b) => a.name.localeCompare(b.name))
  }
}

/** Devices of Ethernet that are not our own. */
function canCarry({ loopback, mac, alias }: LinkReading): boolean {
  return !loopback && mac !== undefined && readAlias(alias) === undefined
}

export function parentOf(kind: LinkKind): string | undefined {
  return kind.type === 'macvlan' || kind.type === 'ipvlan' || kind.type === 'vlan' ? kind.parent : undefined
}

/** Of several default routes that of the lowest metric. */
function gatewaysBy({ routes }: KernelSnapshot, device: string): ParentDevice['gateways'] {
  const gateways: { [F in Family]?: IpAddress } = {}
  for (const family of FAMILIES) {
    const [best] = routes
      .filter(({ destination }) => destination.family === family && destination.length === 0)
      .filter((route) => route.device === device && route.gateway !== undefined)
      .sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
    if (best?.gateway !== undefined) gateways[family] = best.gateway
  }
  return gateways
}
