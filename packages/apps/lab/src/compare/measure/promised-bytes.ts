import { hostGw } from '@trilane/backend-host-gw'
import { ipvlan } from '@trilane/backend-ipvlan'
import { macvlan } from '@trilane/backend-macvlan'
import { vxlan } from '@trilane/backend-vxlan'
import { type NetworkConfig, TrilaneError } from '@trilane/contracts'
import type { Family } from '@trilane/ip'
import { promiseOf } from '../../promise.ts'

/** What the traits of the backend that carries every peer on one segment promise: bytes added, by the family of the nodes. */
export function promisedBytes(network: NetworkConfig): Readonly<Record<Family, number>> {
  const { lane } = promiseOf(network)
  const backend = [hostGw, vxlan, macvlan, ipvlan].find(({ type }) => type === lane)
  if (backend === undefined) throw TrilaneError.of('TRI_INTERNAL', { text: `no traits of backend ${lane}` })
  return backend.traits.overheadBytes
}
