import type { IpAddress } from '@trilane/ip'
import type { TableRow } from './frame.ts'
import { linkRow, neighbourRow } from './rows.ts'
import type { Places } from './segment.ts'
import type { DeviceAt, LinkRow } from './tables.ts'

/** The MAC of a next hop, and why it is that; without one when nobody can know it beforehand. */
export interface Resolved {
  readonly mac?: string
  readonly rows: readonly TableRow[]
}

export interface Unresolved {
  /** Where it ends. */
  readonly at: DeviceAt
  readonly reason: string
  readonly rows: readonly TableRow[]
}

/** States in which Linux sends to the MAC that it has. */
const IS_KNOWN: ReadonlySet<string> = new Set(['REACHABLE', 'STALE', 'DELAY', 'PROBE', 'PERMANENT', 'NOARP'])

/** As the kernel finds it: in its table, else by asking on the wire. */
export function resolve(
  places: Places,
  at: DeviceAt,
  link: LinkRow,
  address: IpAddress
): Resolved | Unresolved {
  // Nobody reads it: an ipvlan that routes takes its frames apart, and a capture may see what it put there instead.
  if (link.noArp) return { rows: [] }
  const { place, device } = at
  const entry = places
    .place(place)
    .neighbours.find((one) => one.device === device && one.address.equals(address))
  if (entry?.mac !== undefined && IS_KNOWN.has(entry.state)) {
    return { mac: entry.mac, rows: [neighbourRow(device, address, entry)] }
  }
  const none = neighbourRow(device, address, entry ?? `${address} dev ${device}: no entry`)
  if (link.vxlan !== undefined) {
    const reason = `there is no neighbour entry for ${address} on ${device} of ${place}`
    return { at, reason, rows: [none] }
  }
  const wire = places.onWire(at)
  const owner = places.ownerOf(address, wire)
  if (owner !== undefined) {
    const mac = places.link(owner)?.mac ?? ''
    const text = `${address} dev ${device}: asked for; ${owner.device} of ${owner.place} answers, ${mac}`
    return { mac, rows: [neighbourRow(device, address, text)] }
  }
  if (wire.leadsElsewhere && entry?.state !== 'FAILED') return { rows: [none] }
  const [down] = wire.down
  const downLink = down === undefined ? undefined : places.link(down)
  if (down === undefined || downLink === undefined) {
    return { at, reason: `nobody on the wire answers for ${address} on ${device} of ${place}`, rows: [none] }
  }
  const reason = `${down.device} of ${down.place} is down, and nobody else on the wire answers for ${address}`
  return { at: down, reason, rows: [none, linkRow(downLink)] }
}
