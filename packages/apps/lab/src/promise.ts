import { vxlan } from '@trilane/backend-vxlan'
import type { NetworkConfig } from '@trilane/contracts'

/** What a network config promises between two nodes of one segment. */
export interface LanePromise {
  /** Backend that carries every peer. */
  readonly lane: string
  /** What the packets ride in; absent for plain ones. */
  readonly vxlan?: { readonly vni: number; readonly port: number }
}

/** On the lab's one segment every lane works, so the preferred one carries all. */
export function promiseOf({ backend }: NetworkConfig): LanePromise {
  const { type, options } = backend.lanes?.[0] ?? backend
  if (type !== vxlan.type) return { lane: type }
  const { vni, port } = vxlan.parseOptions(options)
  return { lane: type, vxlan: { vni, port } }
}
