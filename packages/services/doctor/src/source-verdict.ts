import { isNotTried, type NotTried, type UnknownSource } from './evidence.ts'

/**
 * What became of packets with an address that the network does not know.
 *
 * `arp-dropped`: nobody is told the MAC of others (ARP inspection). `packets-dropped`: packets of the node's own address
 * arrive, and such do not (source guard). `all-dropped`: both, as IPv6 has it wherever packets are dropped.
 */
export type SourceVerdict = 'passes' | 'arp-dropped' | 'packets-dropped' | 'all-dropped' | 'unknown'

/** Where packets that a node forwards for its pods do not arrive, whoever asks for MACs. */
export const PACKETS_DROPPED: readonly SourceVerdict[] = ['packets-dropped', 'all-dropped']

export function sourceVerdict(found: UnknownSource | NotTried | undefined): SourceVerdict {
  if (found === undefined || isNotTried(found)) return 'unknown'
  const { unknown, own } = found
  const isArpDropped = own?.resolved === true && !unknown.resolved
  const isPacketDropped = own?.pinged === true && !unknown.pinged
  if (isArpDropped) return isPacketDropped ? 'all-dropped' : 'arp-dropped'
  if (unknown.pinged) return 'passes'
  return isPacketDropped ? 'packets-dropped' : 'unknown'
}
