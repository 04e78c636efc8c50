import { type JsonValue, type Lease, type NodeFacts, TrilaneError } from '@trilane/contracts'
import { familiesOf, Mac, mapFamilies, type PerFamily } from '@trilane/ip'
import { uplinkAddress } from '@trilane/node-addresses'
import type { VxlanOptions } from './options.ts'
import { deviceMtuBytes, OVERHEAD_BYTES, vtepMac } from './vtep.ts'

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
    VtepMAC: String(vtepMac(node, family, options, former))
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

/** What a node published, checked; `vni` is absent where an old flanneld wrote none. */
export interface Vtep {
  readonly vni?: number
  readonly mac: Mac
}

/**
 * Reads lease data that anybody may have written. Keys match without regard to case, as Go's do; unknown ones are
 * ignored.
 *
 * @returns what is wrong with it, as a text to go after "its"
 */
export function readLeaseData(data: JsonValue | undefined): Vtep | string {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return 'lease data is no object'
  const fields = new Map(Object.entries(data).map(([name, value]) => [name.toLowerCase(), value]))
  const text = fields.get('vtepmac')
  const mac = typeof text === 'string' ? Mac.tryParse(text) : undefined
  if (mac === undefined || !mac.isUnicast || String(mac) === '00:00:00:00:00:00') {
    return `VtepMAC ${JSON.stringify(text) ?? 'is missing, which'} is not the MAC of a device`
  }
  const vni = fields.get('vni') ?? undefined
  if (vni === undefined) return { mac }
  if (typeof vni !== 'number' || !Number.isInteger(vni)) return `VNI ${JSON.stringify(vni)} is no number`
  return { vni, mac }
}
