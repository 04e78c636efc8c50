import {
  type ChangeOutcome,
  type Clock,
  type Kernel,
  type KernelChange,
  type KernelEvent,
  type KernelObject,
  type KernelSnapshot,
  type KernelState,
  keyOf,
  type Logger
} from '@trilane/contracts'
import { indexing } from './actual-state.ts'
import { type Comparison, comparing, ownedByMark } from './compare.ts'
import { disturbs } from './disturbance.ts'
import { kindDifference } from './first-difference.ts'
import { KnownState } from './known-state.ts'
import { ROUTE_PROTOCOL, readAlias } from './marks.ts'
import { hostDeviceOf } from './object-devices.ts'
import { orderChanges } from './order.ts'
import { OwnWrites } from './own-writes.ts'
import { readScopeFor } from './read-scope.ts'
import { renewals } from './renewals.ts'
import { countingRepairs } from './repairs.ts'
import { logReport, NOTHING_DONE, type PassReport, type ReconcileCounters } from './report.ts'
import { atOnce, endsStep, Slices, type Steps } from './slices.ts'
import { conflictsOf, type Standing, standingOf } from './standing.ts'
import { type SweepScope, sweeping } from './sweep.ts'
import { WishBook } from './wish-book.ts'
import { WishInbox } from './wish-inbox.ts'

/** What a comparison asks for. */
interface Plan {
  readonly comparison: Comparison
  /** Of what nobody wanted when it was found, in no order. */
  readonly removals: readonly KernelChange[]
}

/** What was written, with its keys in the same order. */
interface Written {
  readonly report: PassReport
  readonly keys: readonly string[]
}

/**
 * Makes kernel state so: the one place that compares what is wanted with what is there and writes the difference.
 *
 * What is wanted comes in slots, named parts such as `default/node` or `default/peer/10.5.2.0-24`, each replaced as
 * a whole. {@link flush} is the quick way after a change of wishes, {@link pass} the thorough one: at the start, on a
 * timer, and when {@link disturbs} says so. They are queued and never overlap.
 *
 * What is long is done in slices, and wishes and events come in between. Neither is lost: a wish that an act has gone by is
 * written by the next flush, and an event that may have come after what it changed was compared disturbs.
 */
export class Reconciler {
  readonly #kernel: Kernel
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #slices: Slices
  readonly #wishes = new WishBook()
  readonly #inbox = new WishInbox(this.#wishes)
  readonly #known = new KnownState()
  readonly #ownWrites = new OwnWrites()
  /** Keys that nobody wants any more and that may still be there. */
  readonly #released = new Set<string>()
  /** Keys whose wish changed and was not written yet with success: writing them is no repair. */
  readonly #owed = new Set<string>()
  /** By key: what could not be done when it was last tried. */
  readonly #failures = new Map<string, ChangeOutcome>()
  /** Foreign devices that stand where one of ours should be, and what needs them. */
  #blocked: ReadonlySet<string> = new Set()
  /** Of the last pass. */
  #sweep: SweepScope | undefined
  #tail: Promise<unknown> = Promise.resolve()
  #counters: ReconcileCounters = NOTHING_DONE

  /** @param options.breathe resolves after the event loop has had a turn; without it nothing is done in slices */
  constructor(options: {
    readonly kernel: Kernel
    readonly logger: Logger
    readonly clock: Clock
    readonly breathe?: () => Promise<void>
  }) {
    this.#kernel = options.kernel
    this.#logger = options.logger
    this.#clock = options.clock
    this.#slices = new Slices(options.clock, options.breathe)
  }

  get counters(): ReconcileCounters {
    return this.#counters
  }

  /**
   * Replaces what slots want; `undefined`: the slot is gone. Computes only. O(objects in these slots), and of many slots at
   * once only O(slots): the next act does the rest.
   *
   * Several slots may want the same key. Equal wishes are one object, which goes when the last slot lets go of it. Of
   * unequal ones the slot that came first has its way; the others are reported as `TRI_WISH_CONFLICT`.
   */
  wish(slots: ReadonlyMap<string, KernelState | undefined>): void {
    if (this.#inbox.put(slots)) this.#tellConflicts()
  }

  /**
   * Writes what wishes changed since the last flush or pass, compared with the last known state. O(changed). Reads
   * nothing, except when nothing has been read yet: then it is a {@link pass} without a sweep.
   */
  flush(): Promise<PassReport> {
    return this.#enqueue(() => (this.#counters.fullPasses === 0 ? this.#pass(undefined) : this.#flush()))
  }

  /**
   * Reads the kernel, compares every wish with it, writes the difference. With `sweep` also removes our marked
   * leftovers that nobody wants; {@link SweepScope} says when that is safe.
   *
   * @throws TrilaneError when the kernel cannot be read: nothing is written or forgotten then
   */
  pass(options: { readonly sweep?: SweepScope } = {}): Promise<PassReport> {
    return this.#enqueue(() => this.#pass(options.sweep))
  }

  /**
   * Does this event mean that the kernel no longer holds a wish, or, if the last pass swept, that something of ours
   * appeared that nobody wants? Give it every event, in order: the known state follows them. O(1).
   */
  disturbs(event: KernelEvent): boolean {
    return disturbs(event, {
      wishes: this.#wishes,
      known: this.#known,
      ownWrites: this.#ownWrites,
      sweep: this.#sweep,
      nowMs: this.#clock.monotonicMs()
    })
  }

  /** Of all slots whose name begins with `slotPrefix`. O(slots + objects in those). */
  standing(slotPrefix: string): Standing {
    atOnce(this.#takingIn())
    const slots = [...this.#wishes.slotNames()].filter((name) => name.startsWith(slotPrefix))
    return standingOf(slots, this.#wishes, this.#known, this.#failures)
  }

  /** Of one slot, by its whole name. O(objects in it). */
  standingOf(slot: string): Standing {
    atOnce(this.#takingIn())
    return standingOf([slot], this.#wishes, this.#known, this.#failures)
  }

  #enqueue(act: () => Promise<PassReport>): Promise<PassReport> {
    const result = this.#tail.then(() => {
      this.#slices.begin()
      return act()
    })
    this.#tail = result.catch(() => undefined)
    return result
  }

  /** What was wished is in the book after this. */
  *#takingIn(): Steps<void> {
    if (this.#inbox.isEmpty) return
    yield* this.#inbox.emptying()
    this.#tellConflicts()
  }

  #tellConflicts(): void {
    for (const key of this.#wishes.takeNewConflicts()) {
      for (const { error } of conflictsOf(this.#wishes, key)) this.#logger.warn('wanted twice', { error })
    }
  }

  async #flush(): Promise<PassReport> {
    const startedMs = this.#clock.monotonicMs()
    await this.#slices.run(this.#takingIn())
    const dirty = this.#takeDirty()
    const keys = this.#withDependants(dirty)
    const wanted = this.#wishes.winnersOf(keys)
    const comparison = await this.#slices.run(comparing(wanted, this.#known, ownedByMark, this.#blocked))
    for (const key of keys) this.#failures.delete(key)
    const { report } = await this.#write({ comparison, removals: this.#releases() }, startedMs)
    await this.#slices.run(this.#settling(dirty))
    this.#count(report, { flushes: this.#counters.flushes + 1 })
    return report
  }

  async #pass(sweep: SweepScope | undefined): Promise<PassReport> {
    const startedMs = this.#clock.monotonicMs()
    await this.#slices.run(this.#takingIn())
    const plan = await this.#slices.run(this.#planning(await this.#read(), sweep))
    const { report, keys } = await this.#write(plan, startedMs)
    // What was not tried needed no writing.
    const failed = new Set(report.failures.map(({ change }) => keyOf(change)))
    for (const key of this.#failures.keys()) if (!failed.has(key)) this.#failures.delete(key)
    const repairs = countingRepairs(report.outcomes, keys, this.#owed, this.#counters)
    const repaired = await this.#slices.run(repairs)
    await this.#slices.run(this.#settling(this.#owed))
    this.#count(report, {
      ...repaired,
      fullPasses: this.#counters.fullPasses + 1,
      lastFullPassMs: this.#clock.wallMs()
    })
    const conflicts = [...this.#wishes.conflicts].flatMap((key) => conflictsOf(this.#wishes, key))
    return { ...report, failures: [...report.failures, ...conflicts] }
  }

  async #read(): Promise<KernelSnapshot> {
    const leaving = [...this.#released, ...this.#wishes.dirty].flatMap((key) => this.#known.get(key) ?? [])
    const wanted = this.#wishes.winners().map(({ object }) => object)
    const scope = readScopeFor([...wanted, ...leaving])
    this.#known.beginReading()
    try {
      return await this.#kernel.read(scope)
    } catch (error) {
      this.#known.endReading()
      throw error
    }
  }

  *#planning(snapshot: KernelSnapshot, sweep: SweepScope | undefined): Steps<Plan> {
    // Wishes that came meanwhile are compared too; what the reading does not cover of them is written.
    yield* this.#takingIn()
    this.#takeDirty()
    const wanted = this.#wishes.winners()
    const news = yield* indexing(snapshot, {
      keyOfWish: (key) => this.#wishes.keyInBook(key),
      recognize: (key, object) => this.#known.recognize(key, object)
    })
    const isAskedFor = (key: string): boolean =>
      this.#wishes.wanted(key) !== undefined || this.#wishes.dirty.has(key) || this.#released.has(key)
    yield* this.#known.replacing(isAskedFor, news, snapshot.links)
    this.#sweep = sweep
    const comparison = yield* comparing(wanted, {
      get: (key) => this.#known.get(key),
      shadowed: (key) => news.shadowed(key)
    })
    const removals = this.#releases()
    if (sweep !== undefined) {
      const isWanted = (key: string): KernelObject | undefined => this.#wishes.wanted(key)
      // Of released keys their former wish decides, of those whose wish changed since the comparison the next flush.
      const isOthers = (key: string): boolean => this.#released.has(key) || this.#wishes.dirty.has(key)
      removals.push(...(yield* sweeping(isWanted, news, sweep, isOthers)))
    }
    yield* this.#takingIn()
    return { comparison, removals }
  }

  #takeDirty(): ReadonlySet<string> {
    const dirty = this.#wishes.takeDirty()
    for (const key of dirty) {
      this.#owed.add(key)
      if (this.#wishes.wanted(key) === undefined) this.#released.add(key)
    }
    return dirty
  }

  /** Keys that were written, or needed no writing, are owed no longer. */
  *#settling(keys: Iterable<string>): Steps<void> {
    let count = 0
    for (const key of keys) {
      if (!this.#failures.has(key)) this.#owed.delete(key)
      if (endsStep(++count)) yield
    }
  }

  /** With the keys that need a device which has to be made, made again or brought up, or which was in the way. */
  #withDependants(dirty: ReadonlySet<string>): ReadonlySet<string> {
    const keys = new Set(dirty)
    const touched = new Set<string>()
    // What is added during the iteration is visited too: children of children.
    for (const key of keys) {
      const wish = this.#wishes.wanted(key)
      if (wish?.kind !== 'link') continue
      const { name, up } = wish.value
      const actual = this.#known.get(key)
      const stays =
        actual?.kind === 'link' &&
        kindDifference(wish.value, actual.value) === undefined &&
        (up !== true || actual.value.up === true) &&
        !this.#blocked.has(name) &&
        !touched.has(hostDeviceOf(wish) ?? '')
      if (stays) continue
      touched.add(name)
      for (const dependant of this.#wishes.keysNeeding(name)) keys.add(dependant)
    }
    return keys
  }

  /** Removals of what nobody wants any more, as it is now known; not of what is not ours. */
  #releases(): KernelChange[] {
    const changes: KernelChange[] = []
    for (const key of this.#released) {
      const object = this.#known.get(key)
      if (object === undefined || this.#wishes.wanted(key) !== undefined || !this.#isOurs(key, object)) {
        this.#released.delete(key)
      } else {
        changes.push({ ...object, action: 'remove' })
      }
    }
    return changes
  }

  #isOurs(key: string, object: KernelObject): boolean {
    switch (object.kind) {
      case 'sysctl':
        return false
      case 'link':
        return this.#known.isMade(key) || readAlias(object.value.alias) !== undefined
      case 'route':
        return this.#known.isMade(key) || object.value.protocol === ROUTE_PROTOCOL
      default: {
        const device = this.#known.get(`link ${object.value.device}`)
        const isOnOurs = device?.kind === 'link' && readAlias(device.value.alias) !== undefined
        return isOnOurs || this.#known.isMade(key)
      }
    }
  }

  async #write({ comparison, removals }: Plan, startedMs: number): Promise<Written> {
    const { refused, recreated, blocked } = comparison
    await this.#slices.pause()
    const changes = [...comparison.changes, ...removals.filter((change) => !this.#isOverruled(change))]
    const renewed = renewals(changes, (device) =>
      this.#wishes.winnersOf(this.#wishes.keysNeeding(device)).map(({ object }) => object)
    )
    const ordered = orderChanges([...changes, ...renewed])
    await this.#slices.pause()
    this.#blocked = blocked
    for (const [device, difference] of recreated) {
      this.#logger.warn('device is made again', { device, difference })
    }
    const keys = await this.#slices.run(keysOf(ordered))
    const outcomes = ordered.length === 0 ? [] : await this.#apply(ordered, keys)
    const failures = [...refused, ...outcomes.filter(({ error }) => error !== undefined)]
    const report = {
      writes: outcomes.length + refused.length - failures.length,
      outcomes,
      failures,
      durationMs: this.#clock.monotonicMs() - startedMs
    }
    logReport(report, this.#failures, this.#logger)
    for (const failure of failures) this.#failures.set(keyOf(failure.change), failure)
    return { report, keys }
  }

  /** Is this removed that somebody has come to want meanwhile? The next flush would only make it again. */
  #isOverruled(removal: KernelChange): boolean {
    if (this.#wishes.dirty.size === 0) return false
    const key = keyOf(removal)
    return this.#wishes.dirty.has(key) && this.#wishes.wanted(key) !== undefined
  }

  async #apply(ordered: readonly KernelChange[], keys: readonly string[]): Promise<readonly ChangeOutcome[]> {
    await this.#slices.run(this.#ownWrites.expecting(ordered, keys, this.#clock.monotonicMs()))
    const outcomes = await this.#kernel.apply(ordered).catch((error: unknown) => {
      this.#ownWrites.forgetAll()
      this.#wishes.returnDirty(keys)
      throw error
    })
    await this.#slices.run(this.#following(outcomes, keys))
    return outcomes
  }

  *#following(outcomes: readonly ChangeOutcome[], keys: readonly string[]): Steps<void> {
    for (const [index, { change, error }] of outcomes.entries()) {
      if (endsStep(index)) yield
      const key = keys[index] ?? ''
      if (error !== undefined) {
        this.#ownWrites.refused(key)
        continue
      }
      this.#known.done(key, change)
      this.#failures.delete(key)
      if (change.action === 'remove') this.#released.delete(key)
    }
  }

  #count(report: PassReport, more: Partial<ReconcileCounters>): void {
    const { writes, failures } = this.#counters
    const refused = report.outcomes.length - report.writes
    this.#counters = {
      ...this.#counters,
      writes: writes + report.writes,
      failures: failures + refused,
      ...more
    }
  }
}

function* keysOf(changes: readonly KernelChange[]): Steps<string[]> {
  const keys: string[] = []
  for (const change of changes) {
    keys.push(keyOf(change))
    if (endsStep(keys.length)) yield
  }
  return keys
}
