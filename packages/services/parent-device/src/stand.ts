import { createHash } from 'node:crypto'
import { type Link, type NodeFacts, type ParentDevice, TrilaneError } from '@trilane/contracts'
import { networkAlias, readAlias } from '@trilane/reconcile'
import type { ParentOptions } from './parent-options.ts'

/** Where pods stand on this node. */
export interface Stand {
  readonly parent: ParentDevice
  /** What their devices are children of: the parent, or its VLAN. */
  readonly device: string
  /** The VLAN's device, unless it is the operator's. */
  readonly vlan?: Link
}

/** `IFNAMSIZ` less the final zero. */
const LONGEST_NAME_BYTES = 15

/**
 * The device that the options mean, as it is now.
 *
 * Linux has one device per tag and parent, so that whoever comes second uses what is there: another network of ours as
 * that one made it, the operator's without touching it.
 *
 * @throws TrilaneError `TRI_PARENT_NOT_FOUND`
 */
export function standOn(node: NodeFacts, options: Pick<ParentOptions, 'parent' | 'vlanId'>): Stand {
  const { parent, network, uplink } = node
  if (parent === undefined) {
    const values = { network: network.name, parent: options.parent ?? uplink.name, known: uplink.name }
    throw TrilaneError.of('TRI_PARENT_NOT_FOUND', values)
  }
  const { vlanId } = options
  if (vlanId === undefined) return { parent, device: parent.name }
  const known = parent.children.find(
    ({ kind }) => kind.type === 'vlan' && kind.vlanId === vlanId && kind.parent === parent.name
  )
  const alias = known === undefined ? networkAlias(network.name) : known.alias
  const device = known?.name ?? vlanDeviceName(parent.name, vlanId)
  if (alias === undefined || readAlias(alias)?.owner !== 'network') return { parent, device }
  const kind = { type: 'vlan', parent: parent.name, vlanId } as const
  // Said, because Linux lowers it with the parent's and never raises it again.
  const { mtuBytes } = parent
  return { parent, device, vlan: { name: device, kind, mtuBytes, alias, up: true } }
}

/** `eth0.100`, or where that is too long for Linux a name that follows from it. */
export function vlanDeviceName(parent: string, vlanId: number): string {
  const name = `${parent}.${vlanId}`
  if (Buffer.byteLength(name) <= LONGEST_NAME_BYTES) return name
  return `vl${createHash('sha256').update(parent).digest('hex').slice(0, 8)}.${vlanId}`
}
