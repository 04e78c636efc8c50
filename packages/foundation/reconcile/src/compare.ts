import {
  type ChangeOutcome,
  commandOf,
  type KernelChange,
  type KernelObject,
  type KernelSnapshot,
  keyOf,
  type Link,
  TrilaneError
} from '@trilane/contracts'
import { type ActualState, indexSnapshot } from './actual-state.ts'
import {
  attributeDiffers,
  changeableKindDiffers,
  fixedKind,
  holds,
  kindDifference,
  LINK_ATTRIBUTES,
  standsElsewhere
} from './first-difference.ts'
import { readAlias } from './marks.ts'
import { hostDeviceOf, neededDevicesOf, parentOf, parentsFirst } from './object-devices.ts'
import { atOnce, endsStep, type Steps } from './slices.ts'
import type { KeyedObject } from './wish-book.ts'

/** May this device, which is of another kind than wanted, be removed and made again? */
export type Ownership = (wanted: Link, actual: Link) => boolean

/** By the mark: a device of one of our networks, or of the very pod that the wish names. */
export const ownedByMark: Ownership = (wanted, actual) => {
  const mark = readAlias(actual.alias)
  if (mark === undefined) return false
  return mark.owner === 'network' || actual.alias === wanted.alias
}

/** What must be written so that `actual` holds a wish, and what cannot be. */
export interface Comparison {
  /** In no order: see {@link orderChanges}. */
  readonly changes: readonly KernelChange[]
  /**
   * Devices of another kind than wanted that are not ours: `TRI_KERNEL_EXISTS`. Nothing is written on them. And
   * `TRI_KERNEL_NOT_FOUND`: ours that stand on another device than wanted, which is not there. They stay.
   */
  readonly refused: readonly ChangeOutcome[]
  /** Devices that are removed and made again, with the reason as a sentence. */
  readonly recreated: ReadonlyMap<string, string>
  /** Devices on which nothing may be written. */
  readonly blocked: ReadonlySet<string>
}

/** The changes of {@link compare}, for a reading. */
export function diff(
  wanted: Iterable<KernelObject>,
  actual: KernelSnapshot,
  owned: Ownership = ownedByMark
): readonly KernelChange[] {
  return compare(wanted, indexSnapshot(actual), owned).changes
}

/**
 * Compares what the wish gives and nothing else; removes nothing but devices that must be made again.
 *
 * With a device that is made again goes all that is on it or leaves by it: those objects count as absent, so that
 * one application of the changes is enough.
 *
 * @param wanted each key once
 * @param blocked devices known to be refused: nothing on them is written
 */
export function compare(
  wanted: Iterable<KernelObject>,
  actual: ActualState,
  owned: Ownership = ownedByMark,
  blocked: ReadonlySet<string> = new Set()
): Comparison {
  const keyed = [...wanted].map((object) => ({ key: keyOf(object), object }))
  return atOnce(comparing(keyed, actual, owned, blocked))
}

/** {@link compare}, step by step. What `actual` holds may change in between: each object is compared with what is then. */
export function* comparing(
  wanted: readonly KeyedObject[],
  actual: ActualState,
  owned: Ownership = ownedByMark,
  blocked: ReadonlySet<string> = new Set()
): Steps<Comparison> {
  const links: (KernelObject & { kind: 'link' })[] = []
  for (const { object } of wanted) if (object.kind === 'link') links.push(object)
  const result = new Comparing(actual, owned, blocked)
  for (const link of parentsFirst(links)) result.link(link.value)
  let count = 0
  for (const { key, object } of wanted) {
    if (object.kind !== 'link') result.other(key, object)
    if (endsStep(++count)) yield
  }
  return result
}

class Comparing implements Comparison {
  readonly changes: KernelChange[] = []
  readonly refused: ChangeOutcome[] = []
  readonly recreated = new Map<string, string>()
  /** Devices that are made by these changes: nothing is on them yet. */
  readonly #fresh = new Set<string>()
  readonly blocked: Set<string>
  readonly #actual: ActualState
  readonly #owned: Ownership

  constructor(actual: ActualState, owned: Ownership, blocked: ReadonlySet<string>) {
    this.#actual = actual
    this.#owned = owned
    this.blocked = new Set(blocked)
  }

  link(wanted: Link): void {
    this.blocked.delete(wanted.name)
    if (this.#isBlocked({ kind: 'link', value: wanted })) {
      this.blocked.add(wanted.name)
      return
    }
    const actual = this.#survivor(wanted.name)
    if (actual === undefined) {
      this.#create(wanted)
      return
    }
    const difference = kindDifference(wanted, actual)
    if (difference === undefined) {
      this.#set(wanted, actual)
    } else if (this.#owned(wanted, actual) && this.#waitsForParent(wanted, actual)) {
      // The device was renamed, or another is meant that is to come. Made again it would only be gone.
      const what = `device ${parentOf(wanted)}`
      this.#refuse(wanted, (command) =>
        TrilaneError.of('TRI_KERNEL_NOT_FOUND', { command, what }, { details: difference })
      )
      this.#set(wanted, actual)
    } else if (this.#owned(wanted, actual)) {
      this.recreated.set(wanted.name, difference)
      this.changes.push({ action: 'remove', kind: 'link', value: actual })
      this.#create(wanted)
    } else {
      this.blocked.add(wanted.name)
      this.#refuse(wanted, (command) =>
        TrilaneError.of('TRI_KERNEL_EXISTS', { command }, { details: difference })
      )
    }
  }

  other(key: string, wanted: KernelObject): void {
    if (this.#isBlocked(wanted)) return
    const actual = this.#actual.get(key)
    const present = actual !== undefined && !this.#isOnFresh(wanted) && !this.#isOnFresh(actual)
    if (present && holds(wanted, actual)) return
    if (present && wanted.kind === 'route') {
      // Linux refuses to replace the first route by one that stands behind it (EEXIST).
      for (const value of this.#actual.shadowed(key)) {
        if (holds(wanted, { kind: 'route', value })) {
          this.changes.push({ action: 'remove', kind: 'route', value })
        }
      }
    }
    this.changes.push({ ...wanted, action: 'set' })
  }

  #refuse(wanted: Link, errorOf: (command: string) => TrilaneError): void {
    const change: KernelChange = { action: 'create', kind: 'link', value: wanted }
    this.refused.push({ change, error: errorOf(commandOf(change)) })
  }

  /** Does it stand on another device only because the wanted one is not there, nor made by these changes? */
  #waitsForParent(wanted: Link, actual: Link): boolean {
    const parent = parentOf(wanted)
    if (parent === undefined || !standsElsewhere(wanted, actual)) return false
    return !this.#fresh.has(parent) && this.#actual.get(`link ${parent}`) === undefined
  }

  /** The device as it is once the devices that must be made again are gone. */
  #survivor(name: string): Link | undefined {
    const actual = this.#actual.get(`link ${name}`)
    if (actual?.kind !== 'link' || this.#isOnFresh(actual)) return undefined
    const { master } = actual.value
    if (typeof master === 'string' && this.#fresh.has(master)) return { ...actual.value, master: null }
    return actual.value
  }

  /** Down first: it comes up when its addresses and parameters are there. */
  #create(wanted: Link): void {
    this.#fresh.add(wanted.name)
    const { up, ...down } = wanted
    this.changes.push({ action: 'create', kind: 'link', value: down })
    if (up === true) this.#setUp(wanted)
  }

  #set(wanted: Link, actual: Link): void {
    if (changeableKindDiffers(wanted, actual)) {
      const { name, kind } = wanted
      this.changes.push({ action: 'set', kind: 'link', value: { name, kind } })
    }
    const different = LINK_ATTRIBUTES.filter((name) => attributeDiffers(wanted, actual, name))
    const now = different.filter((name) => name !== 'up' || wanted.up === false)
    if (now.length > 0) {
      const attributes = Object.fromEntries(now.map((name) => [name, wanted[name]]))
      const value: Link = { name: wanted.name, kind: fixedKind(wanted.kind), ...attributes }
      this.changes.push({ action: 'set', kind: 'link', value })
    }
    if (different.length > now.length) this.#setUp(wanted)
  }

  #setUp(wanted: Link): void {
    this.changes.push({
      action: 'set',
      kind: 'link',
      value: { name: wanted.name, kind: fixedKind(wanted.kind), up: true }
    })
  }

  #isBlocked(object: KernelObject): boolean {
    return this.blocked.size > 0 && neededDevicesOf(object).some((device) => this.blocked.has(device))
  }

  #isOnFresh(object: KernelObject): boolean {
    if (this.#fresh.size === 0) return false
    const host = hostDeviceOf(object)
    return host !== undefined && this.#fresh.has(host)
  }
}
