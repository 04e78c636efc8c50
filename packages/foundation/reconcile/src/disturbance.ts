import { type KernelEvent, type KernelObject, keyOf, type LinkReading } from '@trilane/contracts'
import { holds } from './first-difference.ts'
import type { KnownState } from './known-state.ts'
import type { OwnWrites } from './own-writes.ts'
import { isSweepable, type SweepScope } from './sweep.ts'
import type { WishBook } from './wish-book.ts'

/** What an event is judged by, and what follows it. */
export interface Watched {
  readonly wishes: WishBook
  readonly known: KnownState
  readonly ownWrites: OwnWrites
  readonly sweep: SweepScope | undefined
  readonly nowMs: number
}

/**
 * Follows an event in the known state, and tells whether a pass is needed.
 *
 * Linux sends no event for IPv4 routes that go because their device went down, or because an address was
 * removed (of IPv6 routes it tells). So every such event of a device that wanted routes leave by is a disturbance, also its coming back.
 */
export function disturbs(event: KernelEvent, watched: Watched): boolean {
  const { wishes, known, ownWrites } = watched
  if (event.kind === 'lost') {
    ownWrites.forgetAll()
    return true
  }
  const { gone } = event
  const object = objectOf(event)
  const key = keyOf(object)
  const verdict = ownWrites.judge(key, gone ? undefined : object, watched.nowMs)
  if (verdict === 'earlier') return false
  const before = known.get(key)
  if (gone) {
    // Of two routes with one key, the one behind: the first is still there.
    if (object.kind === 'route' && before !== undefined && !holds(before, object)) return false
    known.gone(key, object)
    return verdict === 'foreign' && lossDisturbs(key, object, watched)
  }
  const renamed = event.kind === 'link' && followRename(event.value, watched)
  const isAsked = wishes.wanted(key) !== undefined || wishes.dirty.has(key) || object.kind === 'link'
  if (isAsked || known.follows(key)) known.note(key, object)
  if (verdict === 'last') return false
  if (renamed || valueDisturbs(key, object, watched)) return true
  return event.kind === 'link' && linkDisturbs(before, event.value, watched)
}

/** Not by leaving the field out of a copy, which costs more than all the rest. */
function objectOf({ kind, value }: Exclude<KernelEvent, { kind: 'lost' }>): KernelObject {
  return { kind, value } as KernelObject
}

function lossDisturbs(key: string, object: KernelObject, { wishes }: Watched): boolean {
  // A wish that has just changed is written by the coming flush.
  if (wishes.wanted(key) !== undefined && !wishes.dirty.has(key)) return true
  if (object.kind === 'address') {
    return object.value.address.family === 'v4' && wishes.routesLeaveBy(object.value.device)
  }
  return object.kind === 'link' && wishes.keysNeeding(object.value.name).size > 0
}

function valueDisturbs(key: string, object: KernelObject, { wishes, known, sweep }: Watched): boolean {
  if (wishes.dirty.has(key)) return false
  const wish = wishes.wanted(key)
  if (wish !== undefined) return !holds(wish, object)
  if (sweep === undefined) return false
  return isSweepable(
    object,
    sweep,
    (wanted) => wishes.wanted(wanted),
    (name) => {
      const link = known.get(`link ${name}`)
      return link?.kind === 'link' ? link.value : undefined
    }
  )
}

/** `before` may be what we wrote, which says nothing about the carrier. */
function linkDisturbs(
  before: KernelObject | undefined,
  after: LinkReading,
  { wishes, known }: Watched
): boolean {
  if (!after.up) known.wentDown(after.name)
  if (before === undefined) return wishes.keysNeeding(after.name).size > 0
  if (!wishes.routesLeaveBy(after.name)) return false
  const former: Partial<LinkReading> = before.kind === 'link' ? before.value : {}
  const turned = (was: boolean | undefined, is: boolean): boolean => was !== undefined && was !== is
  return !after.up || turned(former.up, after.up) || turned(former.carrier, after.carrier)
}

/** Linux reports a rename as a change of the device of that index, under the new name: the old name is gone. */
function followRename({ name, index }: LinkReading, { wishes, known }: Watched): boolean {
  const former = known.linkOfIndex(index)
  if (former === undefined || former.name === name) return false
  known.gone(`link ${former.name}`, { kind: 'link', value: former })
  return wishes.wanted(`link ${former.name}`) !== undefined || wishes.keysNeeding(former.name).size > 0
}
