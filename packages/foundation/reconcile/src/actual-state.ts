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

/** `known`: it need not be looked at again. `again`: of this key another one came first, and was known. */
export type Recognized = 'news' | 'known' | 'again'

/** Who knows most of a reading beforehand: of what is no news, nothing is kept. */
export interface Expected {
  /** The same key as the wish has it: what is looked up by the very same text is found sooner. */
  keyOfWish(key: string): string | undefined
  /** @param key of a wish */
  recognize(key: string, object: KernelObject): Recognized
}

const NOTHING_EXPECTED: Expected = { keyOfWish: () => undefined, recognize: () => 'news' }

const NONE: readonly Route[] = []

/** A reading by key. Routes must stand in the kernel's order. O(objects). */
export function indexSnapshot(snapshot: KernelSnapshot): IndexedReading {
  return atOnce(indexing(snapshot, NOTHING_EXPECTED))
}

/** What is news in a reading, step by step. */
export function* indexing(snapshot: KernelSnapshot, expected: Expected): Steps<IndexedReading> {
  const objects = new Map<string, KernelObject>()
  const allShadowed = new Map<string, Route[]>()
  let count = 0
  for (const object of objectsOf(snapshot)) {
    if (endsStep(++count)) yield
    const made = keyOf(object)
    const keyOfWish = expected.keyOfWish(made)
    // What nobody wants is always news: it may have to be swept.
    const recognized = keyOfWish === undefined ? 'news' : expected.recognize(keyOfWish, object)
    const key = keyOfWish ?? made
    if (recognized === 'known') continue
    if (recognized === 'news' && !objects.has(key)) {
      objects.set(key, object)
    } else if (object.kind === 'route') {
      const behind = allShadowed.get(key)
      if (behind === undefined) allShadowed.set(key, [object.value])
      else behind.push(object.value)
    }
  }
  return {
    objects,
    allShadowed,
    get: (key) => objects.get(key),
    shadowed: (key) => allShadowed.get(key) ?? NONE
  }
}
