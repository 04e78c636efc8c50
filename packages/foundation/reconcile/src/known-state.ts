import type { KernelChange, KernelObject, Link, LinkKind, LinkReading, Route } from '@trilane/contracts'
import type { ActualState, IndexedReading, Recognized } from './actual-state.ts'
import { holds } from './first-difference.ts'
import { hostDeviceOf } from './object-devices.ts'
import { endsStep, type Steps } from './slices.ts'

interface Entry {
  readonly object: KernelObject
  /** By this process; so it is ours even if it bears no mark. */
  readonly made: boolean
  /** Of its host device, when it was noted. */
  readonly generation: number
  /** The last reading that showed the same. */
  reading?: number
}

/**
 * What the kernel holds as far as we know: the last reading, kept up with our writes and the kernel's events.
 * Holds all devices, and of the other kinds what somebody wants or wanted.
 *
 * A device takes with it what is on it, and Linux says nothing about most of that. So every entry remembers the
 * generation of its device, and counts as absent once that has ended: O(1), however much was on it.
 */
export class KnownState implements ActualState {
  readonly #entries = new Map<string, Entry>()
  readonly #generations = new Map<string, number>()
  /** IPv4 routes also vanish, in silence, when their device goes down. */
  readonly #routeGenerations = new Map<string, number>()
  #nameByIndex = new Map<number, string>()
  /** How many readings there were. */
  #readings = 0
  /** What was told since {@link beginReading}, which the reading may not show. */
  #sinceReading: (() => void)[] | undefined

  get(key: string): KernelObject | undefined {
    return this.#entry(key)?.object
  }

  /** Not known: only a reading shows them. */
  shadowed(): readonly Route[] {
    return []
  }

  isMade(key: string): boolean {
    return this.#entry(key)?.made ?? false
  }

  /** Is anything known under this key, or may a reading that is under way show something that is out of date? */
  follows(key: string): boolean {
    return this.#sinceReading !== undefined || this.#entries.has(key)
  }

  /** An event showed this. */
  note(key: string, object: KernelObject): void {
    this.#sinceReading?.push(() => this.#note(key, object))
    this.#note(key, object)
  }

  #note(key: string, object: KernelObject): void {
    const before = this.#entry(key)
    const same = before !== undefined && holds(before.object, object)
    if (same && isPlain(object)) return
    this.#put(key, object, same && before.made)
    if (object.kind === 'link' && 'index' in object.value) {
      this.#nameByIndex.set(Number(object.value.index), object.value.name)
    }
  }

  /** The kernel is read from now on. What is told until {@link replacing} has ended is newer than the reading, or in it. */
  beginReading(): void {
    this.#readings += 1
    this.#sinceReading = []
  }

  /** The reading failed. */
  endReading(): void {
    this.#sinceReading = undefined
  }

  /** Does the reading show what is known, of the kinds of which there are many? */
  recognize(key: string, object: KernelObject): Recognized {
    if (!isPlain(object)) return 'news'
    const entry = this.#entries.get(key)
    if (entry?.reading === this.#readings) return 'again'
    // The first of two routes with one key hides the other, whatever it is.
    if (entry === undefined || entry.generation !== 0 || !holds(entry.object, object)) return 'news'
    entry.reading = this.#readings
    return 'known'
  }

  /**
   * A reading replaces everything, at the last step: all devices, and what it has of what is wanted and was, besides what it
   * was {@link recognize}d by. What was told since {@link beginReading} counts for more.
   */
  *replacing(
    isAskedFor: (key: string) => boolean,
    news: IndexedReading,
    links: readonly LinkReading[]
  ): Steps<void> {
    let count = 0
    for (const [key, object] of news.objects) {
      if (object.kind === 'link' || isAskedFor(key)) this.#entries.set(key, this.#reread(key, object))
      if (endsStep(++count)) yield
    }
    // What the reading did not show, and what nobody asks for any more.
    for (const [key, { reading }] of this.#entries) {
      if (reading !== this.#readings) this.#entries.delete(key)
      if (endsStep(++count)) yield
    }
    // Nothing is left that an ended generation could end: without this, names of pods' devices would pile up.
    this.#generations.clear()
    this.#routeGenerations.clear()
    this.#nameByIndex = new Map(links.map(({ index, name }) => [index, name]))
    const told = this.#sinceReading ?? []
    this.endReading()
    for (const follow of told) follow()
  }

  #reread(key: string, object: KernelObject): Entry {
    const before = this.#entry(key)
    const made = before?.made === true && holds(before.object, object)
    return { object, made, generation: 0, reading: this.#readings }
  }

  /** A change of ours was done. */
  done(key: string, change: KernelChange): void {
    if (change.action === 'remove') {
      this.#gone(key, change)
      return
    }
    const before = this.#entry(key)
    if (change.kind === 'link' && change.action === 'set') {
      const value = mergeLink(before?.object.kind === 'link' ? before.object.value : undefined, change.value)
      this.#put(key, { kind: 'link', value }, before?.made ?? false)
      if (change.value.up === false) raise(this.#routeGenerations, change.value.name)
      return
    }
    const { action: _, ...written } = change
    // An event that came first showed more than we wrote.
    const object =
      !isPlain(written) && before !== undefined && holds(written, before.object) ? before.object : written
    this.#put(key, object, true)
  }

  /** An object is no longer there, and with a device everything on it. */
  gone(key: string, object: KernelObject): void {
    this.#sinceReading?.push(() => this.#gone(key, object))
    this.#gone(key, object)
  }

  #gone(key: string, object: KernelObject): void {
    this.#entries.delete(key)
    if (object.kind !== 'link') return
    raise(this.#generations, object.value.name)
    if ('index' in object.value) this.#nameByIndex.delete(Number(object.value.index))
  }

  /** A device was seen down. */
  wentDown(device: string): void {
    this.#sinceReading?.push(() => raise(this.#routeGenerations, device))
    raise(this.#routeGenerations, device)
  }

  /** The device that is known to have this index. */
  linkOfIndex(index: number): Link | undefined {
    const object = this.get(`link ${this.#nameByIndex.get(index)}`)
    if (object?.kind !== 'link' || !('index' in object.value)) return undefined
    return object.value.index === index ? object.value : undefined
  }

  #entry(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    return entry !== undefined && entry.generation === this.#generationOf(entry.object) ? entry : undefined
  }

  #put(key: string, object: KernelObject, made: boolean): void {
    this.#entries.set(key, { object, made, generation: this.#generationOf(object) })
  }

  #generationOf(object: KernelObject): number {
    if (this.#generations.size === 0 && this.#routeGenerations.size === 0) return 0
    const host = hostDeviceOf(object)
    if (host === undefined) return 0
    const generation = this.#generations.get(host) ?? 0
    if (object.kind !== 'route' || object.value.destination.family === 'v6') return generation
    // Both only grow, so a sum that is the same means that both are.
    return generation + (this.#routeGenerations.get(host) ?? 0)
  }
}

/**
 * Is all that anybody asks of the known one in what was written? Then that is kept, which the wish holds anyway, when the
 * kernel shows the same: of a large cluster's tens of thousands nothing is kept twice. Devices and addresses have more.
 */
function isPlain({ kind }: KernelObject): boolean {
  return kind === 'route' || kind === 'neighbour' || kind === 'fdb'
}

/** Over what is known only what was set. */
function mergeLink(known: Link | undefined, set: Link): Link {
  if (known === undefined) return set
  // Only a device of the same type is set; of its type's fields the change has those that it sets.
  const kind = { ...known.kind, ...set.kind } as LinkKind
  return { ...known, ...set, kind }
}

function raise(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
