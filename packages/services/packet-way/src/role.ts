import type { LinkRow, PlaceTables } from './tables.ts'
import type { HopRole } from './way.ts'

/** What a device is for whoever follows a packet. */
export function roleOf({ kind }: PlaceTables, link: LinkRow): HopRole {
  if (kind === 'pod' || kind === 'switch' || kind === 'router') return kind
  if (link.kind === 'bridge') return 'bridge'
  if (link.vxlan !== undefined) return 'tunnel'
  const isBesidePods = link.master !== undefined || link.kind === 'macvlan' || link.kind === 'ipvlan'
  return isBesidePods ? 'host end' : 'uplink'
}
