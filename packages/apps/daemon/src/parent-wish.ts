import type { NodeFacts } from '@trilane/contracts'
import type { NetworkLanes } from '@trilane/lanes'
import type { ParentWish } from './parent-device.ts'

/** Which device the pods of a network shall stand on; `undefined` for a network of its own. */
export function parentWish(
  { primary: { backend, options } }: NetworkLanes,
  former: NodeFacts | undefined
): ParentWish | undefined {
  if (!backend.traits.podsOnNodeNetwork) return undefined
  const name = backend.parentDevice?.(options)
  return {
    ...(name === undefined ? {} : { name }),
    ...(former?.parent === undefined ? {} : { former: former.parent })
  }
}
