import { type JsonValue, type Lease, leaseOnLane, type NodeFacts } from '@trilane/contracts'
import { type Family, Mac } from '@trilane/ip'
import type { VxlanOptions } from './options.ts'

/** As in `Backend.Type` and in leases. */
export const TYPE = 'vxlan'

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
export function readVtep(data: JsonValue | undefined): Vtep | string {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return 'lease data is no object'
  const fields = new Map(Object.entries(data).map(([name, value]) => [name.toLowerCase(), value]))
  const text = fields.get('vtepmac')
  if (text === undefined) return 'VtepMAC is missing'
  const mac = typeof text === 'string' ? Mac.tryParse(text) : undefined
  if (mac === undefined || !mac.isUnicast || String(mac) === '00:00:00:00:00:00') {
    return `VtepMAC ${JSON.stringify(text)} is not the MAC of a device`
  }
  const vni = fields.get('vni') ?? undefined
  if (vni === undefined) return { mac }
  if (typeof vni !== 'number' || !Number.isInteger(vni)) return `VNI ${JSON.stringify(vni)} is no number`
  return { vni, mac }
}

/**
 * MAC of this node's end of the tunnels. The one that its lease tells the peers already, while it does: they send
 * to it, and it may be flanneld's. Else one that is the same after every reboot.
 *
 * @param lease this node's own
 */
export function ownMac(
  node: NodeFacts,
  family: Family,
  { vni }: VxlanOptions,
  lease: Lease | undefined
): Mac {
  const data = lease === undefined ? undefined : leaseOnLane(lease, TYPE)?.backendData[family]
  const known = data === undefined ? undefined : readVtep(data)
  if (typeof known === 'object' && known.vni === vni) return known.mac
  return derivedMac(node, family, vni)
}

export function derivedMac({ machineId, network }: NodeFacts, family: Family, vni: number): Mac {
  return Mac.derive(`${machineId}\0${network.name}\0vxlan ${vni} ${family}`)
}
