import { type KernelObject, type KernelSnapshot, keyOf, objectsOf, type Route } from '@trilane/contracts'

/** What the kernel holds, by key: a reading, or what is known since the last one. */
export interface ActualState {
  get(key: string): KernelObject | undefined
  /**
   * IPv4 routes behind the first one of the same key (`ip route append`), which carry no packet: the first wins.
   */
  shadowed(key: string): readonly Route[]
}

const NONE: readonly Route[] = []

/** A reading by key. Routes must stand in the kernel's order. O(objects). */
export function indexSnapshot(snapshot: KernelSnapshot): ActualState {
  const objects = new Map<string, KernelObject>()
  const shadowed = new Map<string, Route[]>()
  for (const object of objectsOf(snapshot)) {
    const key = keyOf(object)
    if (!objects.has(key)) {
      objects.set(key, object)
    } else if (object.kind === 'route') {
      const behind = shadowed.get(key)
      if (behind === undefined) shadowed.set(key, [object.value])
      else behind.push(object.value)
    }
  }
  return { get: (key) => objects.get(key), shadowed: (key) => shadowed.get(key) ?? NONE }
}
