import type { Lease } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'

/** For messages. Leases of flanneld name no node. */
export function peerName({ node, subnets }: Lease): string {
  return node?.name ?? `the holder of ${valuesOf(subnets).join(' & ')}`
}
