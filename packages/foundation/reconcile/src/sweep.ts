import type { KernelChange, KernelObject, KernelSnapshot, Link, Route } from '@trilane/contracts'
import type { Prefix } from '@trilane/ip'
import { type IndexedReading, indexSnapshot } from './actual-state.ts'
import { holds, kindDifference } from './first-difference.ts'
import { ROUTE_PROTOCOL, readAlias } from './marks.ts'
import { atOnce, endsStep, type Steps } from './slices.ts'

/**
 * Allows a sweep. Given only when the wishes of all networks are complete (a lease, and a first full list of
 * peers): before that, what nobody wants yet may be what a pod is talking over.
 */
export interface SweepScope {
  /** Networks that this daemon serves, with their prefixes. */
  readonly networks: ReadonlyMap<string, readonly Prefix[]>
  /** Names of devices that nobody wants and that stay all the same. @default none */
  readonly kept?: ReadonlySet<string>
}

/** What is wanted under this key. */
export type WantedByKey = (key: string) => KernelObject | undefined

/** The device of this name as it is now. */
export type LinkByName = (name: string) => Link | undefined

/**
 * Removals of our marked leftovers that nobody wants. Never of anything without a mark, of pods' links, of what
 * the kernel learnt by itself.
 *
 * @param released keys that were wanted until now, which their former wish decides about
 */
export function sweepChanges(
  wanted: WantedByKey,
  actual: KernelSnapshot,
  scope: SweepScope,
  released: ReadonlySet<string> = new Set()
): KernelChange[] {
  return atOnce(sweeping(wanted, indexSnapshot(actual), scope, (key) => released.has(key)))
}

/**
 * {@link sweepChanges}, step by step. What is wanted may change in between.
 *
 * @param isOthers keys that somebody else decides about
 */
export function* sweeping(
  wanted: WantedByKey,
  actual: IndexedReading,
  scope: SweepScope,
  isOthers: (key: string) => boolean
): Steps<KernelChange[]> {
  const linkNamed: LinkByName = (name) => {
    const object = actual.get(`link ${name}`)
    return object?.kind === 'link' ? object.value : undefined
  }
  const changes: KernelChange[] = []
  let count = 0
  for (const [key, object] of actual.objects) {
    if (endsStep(++count)) yield
    if (wanted(key) !== undefined || isOthers(key)) continue
    if (isSweepable(object, scope, wanted, linkNamed)) changes.push({ ...object, action: 'remove' })
  }
  for (const [key, routes] of actual.allShadowed) {
    const wish = wanted(key)
    for (const value of routes) {
      const object = { kind: 'route', value } as const
      if (wish !== undefined && !isStrayDuplicate(object, wish)) continue
      if (isSweepable(object, scope, wanted, linkNamed)) changes.push({ ...object, action: 'remove' })
    }
  }
  return changes
}

/**
 * Would a sweep remove this object, given that nobody wants it?
 *
 * | object | if |
 * |---|---|
 * | link | its alias names a network, and it is not kept |
 * | route | protocol 133 |
 * | address | on a device of ours, permanent, inside a prefix of the scope |
 * | neighbour | on a tunnel of ours, permanent |
 * | forwarding entry | on a tunnel of ours that does not learn |
 *
 * Devices of ours are here those that are wanted: an unwanted one goes as a whole.
 */
export function isSweepable(
  object: KernelObject,
  scope: SweepScope,
  wanted: WantedByKey,
  linkNamed: LinkByName
): boolean {
  switch (object.kind) {
    case 'link':
      if (scope.kept?.has(object.value.name) === true) return false
      return readAlias(object.value.alias)?.owner === 'network'
    case 'route':
      return object.value.protocol === ROUTE_PROTOCOL
    case 'address': {
      const { device, address } = object.value
      // Only a reading says so; addresses of routers' advertisements and of DHCP are the segment's business.
      if (!('permanent' in object.value) || object.value.permanent !== true) return false
      if (ownDevice(device, wanted, linkNamed) === undefined) return false
      return [...scope.networks.values()].some((prefixes) =>
        prefixes.some((prefix) => prefix.contains(address))
      )
    }
    case 'neighbour': {
      const { device, state } = object.value
      if ((state ?? 'permanent') !== 'permanent') return false
      return ownDevice(device, wanted, linkNamed)?.kind.type === 'vxlan'
    }
    case 'fdb': {
      const kind = ownDevice(object.value.device, wanted, linkNamed)?.kind
      return kind?.type === 'vxlan' && kind.learning !== true
    }
    case 'sysctl':
      return false
  }
}

/** A wanted device that is there, is of the wanted kind, and has a network's mark or gets it now. */
function ownDevice(name: string, wanted: WantedByKey, linkNamed: LinkByName): Link | undefined {
  const wish = wanted(`link ${name}`)
  const actual = linkNamed(name)
  if (wish?.kind !== 'link' || actual === undefined) return undefined
  if (kindDifference(wish.value, actual) !== undefined) return undefined
  const mark = readAlias(wish.value.alias ?? actual.alias)
  return mark?.owner === 'network' ? actual : undefined
}

/**
 * An IPv4 route behind the wanted one of the same key. One that a removal could not tell from the wanted
 * one (see {@link KernelChange}) stays: it carries nothing.
 */
function isStrayDuplicate(object: KernelObject, wish: KernelObject): boolean {
  if (object.kind !== 'route' || wish.kind !== 'route' || holds(wish, object)) return false
  return !sameForRemoval(object.value, wish.value)
}

function sameForRemoval(a: Route, b: Route): boolean {
  return (
    String(a.gateway) === String(b.gateway) &&
    (a.device === b.device || b.device === undefined) &&
    (a.protocol === b.protocol || b.protocol === undefined)
  )
}
