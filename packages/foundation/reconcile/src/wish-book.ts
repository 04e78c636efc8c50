import { type KernelObject, type KernelState, keyOf, objectsOf, type Route } from '@trilane/contracts'
import { neededDevicesOf } from './object-devices.ts'
import { sameWish } from './same-wish.ts'

/** What one slot says about one key. A slot that says two things about it has two claims. */
export interface Claim {
  readonly slot: string
  readonly object: KernelObject
}

interface Slot {
  readonly name: string
  /** Slots that came earlier win. */
  readonly order: number
  objects: ReadonlyMap<string, readonly KernelObject[]>
}

interface OrderedClaim extends Claim {
  readonly order: number
}

/**
 * Who wants what. Of several unequal claims to a key the first slot's wins; a slot that is replaced keeps its place.
 *
 * Replacing a slot costs its own objects, whatever there is besides.
 */
export class WishBook {
  readonly #slots = new Map<string, Slot>()
  /** Sorted by slot; never empty. */
  readonly #claims = new Map<string, readonly OrderedClaim[]>()
  readonly #keysByDevice = new Map<string, Set<string>>()
  /** How many wanted routes leave by a device; `''`: they name none. */
  readonly #routesByDevice = new Map<string, number>()
  readonly #conflicts = new Set<string>()
  #dirty = new Set<string>()
  #nextOrder = 0

  /** Keys whose wish changed since {@link takeDirty}, wanted now or no longer. */
  get dirty(): ReadonlySet<string> {
    return this.#dirty
  }

  /** Keys with unequal claims. */
  get conflicts(): ReadonlySet<string> {
    return this.#conflicts
  }

  /** Every wanted key. */
  keys(): IterableIterator<string> {
    return this.#claims.keys()
  }

  /** What is wanted under this key: the claim that won. */
  wanted(key: string): KernelObject | undefined {
    return this.#claims.get(key)?.[0]?.object
  }

  /** All claims to a key, the winner first. */
  claims(key: string): readonly Claim[] {
    return this.#claims.get(key) ?? []
  }

  slotNames(): IterableIterator<string> {
    return this.#slots.keys()
  }

  /** What a slot claims, by key. */
  claimsOf(slot: string): ReadonlyMap<string, readonly KernelObject[]> {
    return this.#slots.get(slot)?.objects ?? new Map()
  }

  /** Keys of wanted objects that need this device: on it, leaving by it, its children, its ports. */
  keysNeeding(device: string): ReadonlySet<string> {
    return this.#keysByDevice.get(device) ?? new Set()
  }

  /** May a wanted route leave by this device? */
  routesLeaveBy(device: string): boolean {
    return this.#routesByDevice.has(device) || this.#routesByDevice.has('')
  }

  /** The dirty keys, which are clean from now on. */
  takeDirty(): Set<string> {
    const taken = this.#dirty
    this.#dirty = new Set()
    return taken
  }

  /** Makes keys dirty again, after what was to clean them failed. */
  returnDirty(keys: Iterable<string>): void {
    for (const key of keys) this.#dirty.add(key)
  }

  /** @returns keys whose claims became unequal by this */
  replace(slots: ReadonlyMap<string, KernelState | undefined>): string[] {
    const before = new Set(this.#conflicts)
    for (const [name, state] of slots) this.#replaceSlot(name, state)
    return this.#conflicts.size === 0 ? [] : [...this.#conflicts].filter((key) => !before.has(key))
  }

  #replaceSlot(name: string, state: KernelState | undefined): void {
    const known = this.#slots.get(name)
    if (known === undefined && state === undefined) return
    const slot = known ?? { name, order: this.#nextOrder++, objects: new Map() }
    const next = state === undefined ? new Map<string, KernelObject[]>() : objectsByKey(state)
    for (const key of slot.objects.keys()) if (!next.has(key)) this.#claim(slot, key, [])
    for (const [key, objects] of next) {
      if (!sameWish(slot.objects.get(key), objects)) this.#claim(slot, key, objects)
    }
    slot.objects = next
    if (state === undefined) this.#slots.delete(name)
    else this.#slots.set(name, slot)
  }

  #claim(slot: Slot, key: string, objects: readonly KernelObject[]): void {
    const before = this.wanted(key)
    const others = this.#claims.get(key)?.filter((claim) => claim.slot !== slot.name) ?? []
    const own = objects.map((object) => ({ slot: slot.name, order: slot.order, object }))
    const claims = others.length === 0 ? own : [...others, ...own].sort((a, b) => a.order - b.order)
    if (claims.length === 0) this.#claims.delete(key)
    else this.#claims.set(key, claims)
    const after = claims[0]?.object
    if (claims.some((claim) => !sameWish(claim.object, after))) this.#conflicts.add(key)
    else this.#conflicts.delete(key)
    if (sameWish(before, after)) return
    this.#dirty.add(key)
    if (before !== undefined) this.#unindex(key, before)
    if (after !== undefined) this.#index(key, after)
  }

  #index(key: string, object: KernelObject): void {
    for (const device of neededDevicesOf(object)) {
      const keys = this.#keysByDevice.get(device)
      if (keys === undefined) this.#keysByDevice.set(device, new Set([key]))
      else keys.add(key)
    }
    if (object.kind === 'route') this.#countRoute(object.value, 1)
  }

  #unindex(key: string, object: KernelObject): void {
    for (const device of neededDevicesOf(object)) {
      const keys = this.#keysByDevice.get(device)
      keys?.delete(key)
      if (keys?.size === 0) this.#keysByDevice.delete(device)
    }
    if (object.kind === 'route') this.#countRoute(object.value, -1)
  }

  #countRoute({ device = '', gateway }: Route, step: 1 | -1): void {
    // A route without a next hop (blackhole) leaves by no device.
    if (device === '' && gateway === undefined) return
    const count = (this.#routesByDevice.get(device) ?? 0) + step
    if (count === 0) this.#routesByDevice.delete(device)
    else this.#routesByDevice.set(device, count)
  }
}

/** Equal objects once. */
function objectsByKey(state: KernelState): Map<string, KernelObject[]> {
  const byKey = new Map<string, KernelObject[]>()
  for (const object of objectsOf(state)) {
    const key = keyOf(object)
    const former = byKey.get(key)
    if (former === undefined) byKey.set(key, [object])
    else if (!former.some((one) => sameWish(one, object))) former.push(object)
  }
  return byKey
}
