import { type KernelObject, type KernelSnapshot, keyOf, objectsOf, type Route } from '@trilane/contracts'
import { atOnce, endsStep, type Steps } from './slices.ts'

/** What the kernel holds, by key: a reading, or what is known since the last one. */
export interface ActualState {
  get(key: string): KernelObject | undefined
  /**
   * IPv4 routes behind the first one of the same key (`ip route append`), which carry no packet: the first wins.
   */
  shadowed(key: string): readonly Route[]
}

/** A reading by key. */
export interface IndexedReading extends ActualState {
  /** The first of each key, in the order of the reading. */
  readonly objects: ReadonlyMap<string, KernelObject>
  /** {@link ActualState.shadowed} of every key that has some. */
  readonly allShadowed: ReadonlyMap<string, readonly Route[]>
}

const NONE: readonly Route[] = []

/** A reading by key. Routes must stand in the kernel's order. O(objects). */
export function indexSnapshot(snapshot: KernelSnapshot): IndexedReading {
  return atOnce(indexing(snapshot))
}

/** {@link indexSnapshot}, step by step. */
export function* indexing(snapshot: KernelSnapshot): Steps<IndexedReading> {
  const objects = new Map<string, KernelObject>()
  const allShadowed = new Map<string, Route[]>()
  let count = 0
  for (const object of objectsOf(snapshot)) {
    const key = keyOf(object)
    if (!objects.has(key)) {
      objects.set(key, object)
    } else if (object.kind === 'route') {
      const behind = allShadowed.get(key)
      if (behind === undefined) allShadowed.set(key, [object.value])
      else behind.push(object.value)
    }
    if (endsStep(++count)) yield
  }
  return {
    objects,
    allShadowed,
    get: (key) => objects.get(key),
    shadowed: (key) => allShadowed.get(key) ?? NONE
  }
}
