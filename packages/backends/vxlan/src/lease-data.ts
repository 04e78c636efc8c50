import { type Lease, type NodeFacts, TrilaneError } from '@trilane/contracts'
import { familiesOf, mapFamilies, type PerFamily } from '@trilane/ip'
import { uplinkAddress } from '@trilane/node-addresses'
import type { VxlanOptions } from './options.ts'
import { deviceMtuBytes, OVERHEAD_BYTES } from './tunnel-device.ts'
import { ownMac } from './vtep.ts'

/** flannel's fields in flannel's order; the MAC in lower case. A type, as an interface would be no `JsonValue`. */
export type VxlanLeaseData = {
  readonly VNI: number
  readonly VtepMAC: string
}

/** RFC 8200: Linux takes no IPv6 address on a device with less. */
const SMALLEST_IPV6_MTU_BYTES = 1280

/**
 * What peers need to send to this node: `{"VNI":1,"VtepMAC":"0e:2a:00:00:00:01"}` per family.
 *
 * @throws TrilaneError `TRI_UPLINK_NOT_FOUND` when the uplink lacks a family of the network, or is too small for it;
 *   `TRI_CONFIG_INVALID` when `MTU` is
 */
export function leaseData(node: NodeFacts, options: VxlanOptions, former?: Lease): PerFamily<VxlanLeaseData> {
  for (const family of familiesOf(node.network.families)) uplinkAddress(node, family)
  checkIpv6Mtu(node, options)
  return mapFamilies(node.network.families, (_, family) => ({
    VNI: options.vni,
    VtepMAC: String(ownMac(node, family, options, former))
  }))
}

function checkIpv6Mtu(node: NodeFacts, options: VxlanOptions): void {
  const { network, uplink } = node
  if (network.families.v6 === undefined) return
  if (deviceMtuBytes(node, 'v6', options) >= SMALLEST_IPV6_MTU_BYTES) return
  const needed = SMALLEST_IPV6_MTU_BYTES + OVERHEAD_BYTES.v6
  const { underlayMtuBytes } = options
  if (underlayMtuBytes !== undefined && underlayMtuBytes < needed) {
    const allowed = `at least ${needed}: IPv6 needs ${SMALLEST_IPV6_MTU_BYTES}, vxlan takes ${OVERHEAD_BYTES.v6}`
    throw TrilaneError.of('TRI_CONFIG_INVALID', { path: 'Backend.MTU', value: underlayMtuBytes, allowed })
  }
  const reason = `${uplink.name} has an MTU of ${uplink.mtuBytes}; IPv6 over vxlan needs ${needed}`
  throw TrilaneError.of('TRI_UPLINK_NOT_FOUND', { reason })
}
