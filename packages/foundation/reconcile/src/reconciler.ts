import {
  type ChangeOutcome,
  type Clock,
  commandOf,
  type Kernel,
  type KernelChange,
  type KernelEvent,
  type KernelObject,
  type KernelState,
  keyOf,
  type Logger
} from '@trilane/contracts'
import { indexSnapshot } from './actual-state.ts'
import { type Comparison, compare, ownedByMark } from './compare.ts'
import { disturbs } from './disturbance.ts'
import { kindDifference } from './first-difference.ts'
import { KnownState } from './known-state.ts'
import { ROUTE_PROTOCOL, readAlias } from './marks.ts'
import { hostDeviceOf, neededDevicesOf } from './object-devices.ts'
import { orderChanges } from './order.ts'
import { OwnWrites } from './own-writes.ts'
import { readScopeFor } from './read-scope.ts'
import { renewals } from './renewals.ts'
import { conflictsOf, type Standing, standingOf } from './standing.ts'
import { type SweepScope, sweepChanges } from './sweep.ts'
import { WishBook } from './wish-book.ts'

/** How many commands or failures one log line names. */
const LOGGED = 5

/** What a flush or a pass did. */
export interface PassReport {
  /** How many changes were done. */
  readonly writes: number
  /** Every change that was sent to the kernel, in order. */
  readonly outcomes: readonly ChangeOutcome[]
  /** What could not be done: refused by the kernel, not ours to change, or (pass only) wanted twice. */
  readonly failures: readonly ChangeOutcome[]
  readonly durationMs: number
}

/** Since the reconciler was made. */
export interface ReconcileCounters {
  /** Changes done. */
  readonly writes: number
  /** Of these, changes by passes that no change of a wish had caused: something had drifted, or was left over. */
  readonly repairs: number
  /** Changes that the kernel refused, each time that they were tried. */
  readonly failures: number
  readonly flushes: number
  readonly fullPasses: number
  /** Wall clock, ms since 1970: end of the last full pass. */
  readonly lastFullPassMs?: number
}

/**
 * Makes kernel state so: the one place that compares what is wanted with what is there and writes the difference.
 *
 * What is wanted comes in slots, named parts such as `default/node` or `default/peer/10.5.2.0-24`, each replaced as
 * a whole. {@link flush} is the quick way after a change of wishes, {@link pass} the thorough one: at the start, on a
 * timer, and when {@link disturbs} says so. They are queued and never overlap.
 */
export class Reconciler {
  readonly #kernel: Kernel
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #wishes = new WishBook()
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
  #counters: ReconcileCounters = { writes: 0, repairs: 0, failures: 0, flushes: 0, fullPasses: 0 }

  constructor(options: { readonly kernel: Kernel; readonly logger: Logger; readonly clock: Clock }) {
    this.#kernel = options.kernel
    this.#logger = options.logger
    this.#clock = options.clock
  }

  get counters(): ReconcileCounters {
    return this.#counters
  }

  /**
   * Replaces what slots want; `undefined`: the slot is gone. Computes only. O(objects in these slots).
   *
   * Several slots may want the same key. Equal wishes are one object, which goes when the last slot lets go of it. Of
   * unequal ones the slot that came first has its way; the others are reported as `TRI_WISH_CONFLICT`.
   */
  wish(slots: ReadonlyMap<string, KernelState | undefined>): void {
    for (const key of this.#wishes.replace(slots)) {
      for (const { error } of conflictsOf(this.#wishes, key)) this.#logger.warn('wanted twice', { error })
    }
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
    const slots = [...this.#wishes.slotNames()].filter((name) => name.startsWith(slotPrefix))
    return standingOf(slots, this.#wishes, this.#known, this.#failures)
  }

  /** Of one slot, by its whole name. O(objects in it). */
  standingOf(slot: string): Standing {
    return standingOf([slot], this.#wishes, this.#known, this.#failures)
  }

  #enqueue(act: () => Promise<PassReport>): Promise<PassReport> {
    const result = this.#tail.then(act)
    this.#tail = result.catch(() => undefined)
    return result
  }

  async #flush(): Promise<PassReport> {
    const startedMs = this.#clock.monotonicMs()
    const dirty = this.#takeDirty()
    const keys = this.#withDependants(dirty)
    const comparison = compare(this.#wanted(keys), this.#known, ownedByMark, this.#blocked)
    for (const key of keys) this.#failures.delete(key)
    const report = await this.#write([...comparison.changes, ...this.#releases()], comparison, startedMs)
    this.#settle(dirty)
    this.#count(report, { flushes: this.#counters.flushes + 1 })
    return report
  }

  async #pass(sweep: SweepScope | undefined): Promise<PassReport> {
    const startedMs = this.#clock.monotonicMs()
    const leaving = [...this.#released, ...this.#wishes.dirty].flatMap((key) => this.#known.get(key) ?? [])
    const scope = readScopeFor([...this.#wanted(this.#wishes.keys()), ...leaving])
    const snapshot = await this.#kernel.read(scope)
    // Wishes that came meanwhile are compared too; what the reading does not cover of them is written.
    this.#takeDirty()
    const actual = indexSnapshot(snapshot)
    this.#known.replace([...this.#wishes.keys(), ...this.#released], actual, snapshot.links)
    this.#sweep = sweep

    const comparison = compare(this.#wanted(this.#wishes.keys()), actual)
    const changes = [...comparison.changes, ...this.#releases()]
    if (sweep !== undefined) {
      changes.push(...sweepChanges((key) => this.#wishes.wanted(key), snapshot, sweep, this.#released))
    }
    const owed = new Set(this.#owed)
    const report = await this.#write(changes, comparison, startedMs)
    // What was not tried needed no writing.
    const failed = new Set(report.failures.map(({ change }) => keyOf(change)))
    for (const key of this.#failures.keys()) if (!failed.has(key)) this.#failures.delete(key)
    this.#settle(owed)
    const repairs = report.outcomes.filter(
      ({ change, error }) => error === undefined && !isCausedBy(owed, change)
    )
    this.#count(report, {
      repairs: this.#counters.repairs + repairs.length,
      fullPasses: this.#counters.fullPasses + 1,
      lastFullPassMs: this.#clock.wallMs()
    })
    const conflicts = [...this.#wishes.conflicts].flatMap((key) => conflictsOf(this.#wishes, key))
    return { ...report, failures: [...report.failures, ...conflicts] }
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
  #settle(keys: Iterable<string>): void {
    for (const key of keys) if (!this.#failures.has(key)) this.#owed.delete(key)
  }

  #wanted(keys: Iterable<string>): KernelObject[] {
    const objects: KernelObject[] = []
    for (const key of keys) {
      const object = this.#wishes.wanted(key)
      if (object !== undefined) objects.push(object)
    }
    return objects
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

  async #write(
    changes: readonly KernelChange[],
    { refused, recreated, blocked }: Comparison,
    startedMs: number
  ): Promise<PassReport> {
    const renewed = renewals(changes, (device) => this.#wanted(this.#wishes.keysNeeding(device)))
    const ordered = orderChanges([...changes, ...renewed])
    this.#blocked = blocked
    for (const [device, difference] of recreated) {
      this.#logger.warn('device is made again', { device, difference })
    }
    const outcomes = ordered.length === 0 ? [] : await this.#apply(ordered)
    const failures = [...refused, ...outcomes.filter(({ error }) => error !== undefined)]
    const report = {
      writes: outcomes.length + refused.length - failures.length,
      outcomes,
      failures,
      durationMs: this.#clock.monotonicMs() - startedMs
    }
    this.#log(report)
    for (const failure of failures) this.#failures.set(keyOf(failure.change), failure)
    return report
  }

  async #apply(ordered: readonly KernelChange[]): Promise<readonly ChangeOutcome[]> {
    this.#ownWrites.expect(ordered, this.#clock.monotonicMs())
    const outcomes = await this.#kernel.apply(ordered).catch((error: unknown) => {
      this.#ownWrites.forgetAll()
      this.#wishes.returnDirty(ordered.map((change) => keyOf(change)))
      throw error
    })
    for (const { change, error } of outcomes) {
      const key = keyOf(change)
      if (error !== undefined) {
        this.#ownWrites.refused(key)
        continue
      }
      this.#known.done(change)
      this.#failures.delete(key)
      if (change.action === 'remove') this.#released.delete(key)
    }
    return outcomes
  }

  /** A failure that lasts is logged once. */
  #log({ writes, outcomes, failures, durationMs }: PassReport): void {
    const fresh = failures.filter(
      ({ change, error }) => this.#failures.get(keyOf(change))?.error?.message !== error?.message
    )
    if (fresh.length > 0) {
      const errors = fresh.slice(0, LOGGED).map(({ error }) => error)
      this.#logger.warn('kernel state could not be written', { failures: fresh.length, errors })
    }
    if (writes === 0) return
    const done = outcomes.filter(({ error }) => error === undefined)
    const commands = done.slice(0, LOGGED).map(({ change }) => commandOf(change))
    this.#logger.info('kernel state written', { writes, durationMs, commands })
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

/** Is the change of one of these keys, or did the device that it needs have to be written because of one? */
function isCausedBy(keys: ReadonlySet<string>, change: KernelChange): boolean {
  return keys.has(keyOf(change)) || neededDevicesOf(change).some((device) => keys.has(`link ${device}`))
}
