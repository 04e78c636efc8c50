import type { Packet } from './packet.ts'
import type { FilterRow, PlaceTables } from './tables.ts'

export interface FilterPassage {
  readonly hook: FilterRow['hook']
  readonly iif?: string
  readonly oif?: string
}

/** The rule of a hook that drops the packet. */
export function droppedBy(
  { filters }: PlaceTables,
  packet: Packet,
  passage: FilterPassage
): FilterRow | undefined {
  const decided = new Set<string>()
  return filters.find((row) => {
    if (row.hook !== passage.hook || decided.has(row.chain) || !meets(row, packet, passage)) return false
    decided.add(row.chain)
    return row.verdict === 'drop'
  })
}

function meets(row: FilterRow, packet: Packet, { iif, oif }: FilterPassage): boolean {
  return (
    (row.family === undefined || row.family === packet.family) &&
    (row.from === undefined || row.from.contains(packet.source)) &&
    (row.to === undefined || row.to.contains(packet.destination)) &&
    (row.iif === undefined || row.iif === iif) &&
    (row.oif === undefined || row.oif === oif) &&
    (row.protocol === undefined || row.protocol === protocolOf(packet)) &&
    (row.destinationPort === undefined || row.destinationPort === portOf(packet))
  )
}

function protocolOf({ family, content }: Packet): string {
  if (content.kind === 'vxlan') return 'udp'
  if (content.kind === 'tcp') return 'tcp'
  return family === 'v4' ? 'icmp' : 'icmpv6'
}

function portOf({ content }: Packet): number | undefined {
  if (content.kind === 'vxlan') return content.port
  return content.kind === 'tcp' ? content.destinationPort : undefined
}
