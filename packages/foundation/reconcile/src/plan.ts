import {
  type KernelChange,
  type KernelSnapshot,
  type KernelState,
  keyOf,
  objectsOf
} from '@trilane/contracts'
import { diff } from './compare.ts'
import { ROUTE_PROTOCOL, readAlias } from './marks.ts'
import { orderChanges } from './order.ts'

/**
 * What would be written to make a wish so, in order: `trilane plan`. A device of another kind that is not ours is
 * left out together with all that is wanted on it; {@link compare} names it.
 */
export function planChanges(wanted: KernelState, actual: KernelSnapshot): KernelChange[] {
  const objects = new Map(objectsOf(wanted).map((object) => [keyOf(object), object]))
  return orderChanges(diff(objects.values(), actual))
}

/**
 * Removals of everything that carries our mark, in order: devices of networks and of pods, and routes of protocol
 * 133 in every table that was read. What is on the devices goes with them. `trilane uninstall`.
 */
export function uninstallChanges(actual: KernelSnapshot): KernelChange[] {
  const links = actual.links.filter((link) => readAlias(link.alias) !== undefined)
  const routes = actual.routes.filter((route) => route.protocol === ROUTE_PROTOCOL)
  return orderChanges([
    ...links.map((value) => ({ action: 'remove', kind: 'link', value }) as const),
    ...routes.map((value) => ({ action: 'remove', kind: 'route', value }) as const)
  ])
}
