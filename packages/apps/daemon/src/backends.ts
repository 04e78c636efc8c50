import { hostGw } from '@trilane/backend-host-gw'
import { ipvlan } from '@trilane/backend-ipvlan'
import { macvlan } from '@trilane/backend-macvlan'
import { vxlan } from '@trilane/backend-vxlan'
import { nearestName } from '@trilane/config'
import { type Backend, TrilaneError } from '@trilane/contracts'

/** Every backend that this build can run, in the order in which lists and docs name them. */
export const BACKENDS: readonly Backend[] = [vxlan, hostGw, macvlan, ipvlan]

/** @throws TrilaneError `TRI_BACKEND_UNKNOWN` with the good names and the nearest */
export function backendNamed(type: string, backends: readonly Backend[] = BACKENDS): Backend {
  const found = backends.find((backend) => backend.type === type)
  if (found !== undefined) return found
  const names = backends.map((backend) => backend.type)
  const near = nearestName(type, names)
  const suggestion =
    near === undefined ? `set Backend.Type to one of ${names.join(', ')}` : `did you mean "${near}"?`
  throw TrilaneError.of('TRI_BACKEND_UNKNOWN', { type, known: names.join(', '), suggestion })
}
