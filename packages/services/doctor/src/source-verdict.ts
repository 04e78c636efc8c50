import { isNotTried, type NotTried, type UnknownSource } from './evidence.ts'

/**
 * What became of packets with an address that the network does not know.
 *
 * `arp-dropped`: nobody is told the MAC of others (ARP inspection). `packets-dropped`: packets of the node's own address
 * arrive, and such do not (source guard).
 */
export type SourceVerdict = 'passes' | 'arp-dropped' | 'packets-dropped' | 'unknown'

export function sourceVerdict(found: UnknownSource | NotTried | undefined): SourceVerdict {
  if (found === undefined || isNotTried(found)) return 'unknown'
  const { unknown, own } = found
  if (own?.resolved === true && !unknown.resolved) return 'arp-dropped'
  if (unknown.pinged) return 'passes'
  return own?.pinged === true ? 'packets-dropped' : 'unknown'
}
