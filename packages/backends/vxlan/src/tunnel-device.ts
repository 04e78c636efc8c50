import type { NodeFacts } from '@trilane/contracts'
import type { Family } from '@trilane/ip'
import type { VxlanOptions } from './options.ts'

/** What a packet grows by on the wire: 14 inner Ethernet + 8 VXLAN + 8 UDP + 20 IPv4 or 40 IPv6. */
export const OVERHEAD_BYTES: Readonly<Record<Family, number>> = { v4: 50, v6: 70 }

/** Linux takes names of 15 bytes. */
const LONGEST_NAME = 15

/**
 * The device that carries pod packets of one family, over the nodes' network of that family: flannel's names,
 * `flannel.1` and `flannel-v6.1`. Where one would be too long for Linux (so that flannel has none), `fl` stands for
 * `flannel`.
 */
export function deviceName(family: Family, vni: number): string {
  const suffix = family === 'v4' ? `.${vni}` : `-v6.${vni}`
  const name = `flannel${suffix}`
  return name.length <= LONGEST_NAME ? name : `fl${suffix}`
}

/** MTU of the device of a family. An MTU above the uplink's would only be cut down to it by Linux. */
export function deviceMtuBytes({ uplink }: NodeFacts, family: Family, options: VxlanOptions): number {
  return Math.min(options.underlayMtuBytes ?? uplink.mtuBytes, uplink.mtuBytes) - OVERHEAD_BYTES[family]
}
