import { type KernelObject, type KernelState, keyOf, objectsOf, type Route } from '@trilane/contracts'
import { neededDevicesOf } from './object-devices.ts'
import { sameWish } from './same-wish.ts'

/** A wanted object under its key, so that the key is made once. */
export interface KeyedObject {
  readonly key: string
  readonly object: KernelObject
}

/** What one slot says about one key. A slot that says two things about it has two claims. */
export interface Claim extends KeyedObject {
  readonly slot: string
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
  /** Conflicts since {@link takeNewConflicts}. */
  #newConflicts = new Set<string>()
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

  /** How many keys are wanted. */
  get size(): number {
    return this.#claims.size
  }

  /** What is wanted, of each key the claim that won. O(wanted), and quick. */
  winners(): KeyedObject[] {
    const winners: KeyedObject[] = []
    for (const [winner] of this.#claims.values()) if (winner !== undefined) winners.push(winner)
    return winners
  }

  /** {@link winners} of these keys; those that nobody wants are left out. */
  winnersOf(keys: Iterable<string>): KeyedObject[] {
    const winners: KeyedObject[] = []
    for (const key of keys) {
      const winner = this.#claims.get(key)?.[0]
      if (winner !== undefined) winners.push(winner)
    }
    return winners
  }

  /** What is wanted under this key: the claim that won. */
  wanted(key: string): KernelObject | undefined {
    return this.#claims.get(key)?.[0]?.object
  }

  /** This key as the book has it, if it is wanted. */
  keyInBook(key: string): string | undefined {
    return this.#claims.get(key)?.[0]?.key
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

  /** Keys whose claims became unequal since the last call, and still are. */
  takeNewConflicts(): Set<string> {
    const taken = this.#newConflicts
    this.#newConflicts = new Set()
    return taken
  }

  /** What a slot wants from now on; `undefined`: it is gone. O(its objects). */
  replace(name: string, state: KernelState | undefined): void {
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
    const own = objects.map((object) => ({ slot: slot.name, order: slot.order, key, object }))
    const claims = others.length === 0 ? own : [...others, ...own].sort((a, b) => a.order - b.order)
    if (claims.length === 0) this.#claims.delete(key)
    else this.#claims.set(key, claims)
    const after = claims[0]?.object
    this.#settleConflict(
      key,
      claims.some((claim) => !sameWish(claim.object, after))
    )
    if (sameWish(before, after)) return
    this.#dirty.add(key)
    if (before !== undefined) this.#unindex(key, before)
    if (after !== undefined) this.#index(key, after)
  }

  #settleConflict(key: string, isConflict: boolean): void {
    if (!isConflict) {
      this.#conflicts.delete(key)
      this.#newConflicts.delete(key)
    } else if (!this.#conflicts.has(key)) {
      this.#conflicts.add(key)
      this.#newConflicts.add(key)
    }
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
