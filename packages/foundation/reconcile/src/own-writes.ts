import type { KernelChange, KernelObject } from '@trilane/contracts'
import { holds } from './first-difference.ts'
import { endsStep, type Steps } from './slices.ts'

/**
 * How long events of a write are waited for. The kernel sends them at once; reading them is delayed only by a busy
 * process. Ends by itself, as a write that changed nothing has no event.
 */
const ECHO_MS = 2_000

interface Expectation {
  /** What is there after the write; `undefined`: nothing. */
  readonly object: KernelObject | undefined
  readonly untilMs: number
}

/**
 * Tells the events of our own writes from others. Until the event of the last write of a key arrives, events of
 * that key are those of steps on the way (a device appears before it comes up) and of writes before; they say nothing new.
 */
export class OwnWrites {
  readonly #expected = new Map<string, Expectation>()

  /** The write of this key was refused: it has no event. */
  refused(key: string): void {
    this.#expected.delete(key)
  }

  /**
   * Before `changes` are applied, in this order.
   *
   * @param keys theirs, in the same order
   */
  *expecting(changes: readonly KernelChange[], keys: readonly string[], nowMs: number): Steps<void> {
    const untilMs = nowMs + ECHO_MS
    const links = new Map<string, KernelObject | undefined>()
    for (const [index, change] of changes.entries()) {
      const key = keys[index] ?? ''
      const object = resultOf(change, links.get(key))
      if (change.kind === 'link') links.set(key, object)
      this.#expected.set(key, { object, untilMs })
      if (endsStep(index)) yield
    }
  }

  forgetAll(): void {
    this.#expected.clear()
  }

  /**
   * `last`: the event of our last write of this key. `earlier`: of a write or a step before it. `foreign`: anything else.
   *
   * @param object what the event shows; `undefined` when it is gone
   */
  judge(key: string, object: KernelObject | undefined, nowMs: number): 'last' | 'earlier' | 'foreign' {
    const expected = this.#expected.get(key)
    if (expected === undefined || expected.untilMs <= nowMs) return 'foreign'
    const arrived =
      expected.object === undefined || object === undefined
        ? expected.object === object
        : holds(expected.object, object)
    if (!arrived) return 'earlier'
    this.#expected.delete(key)
    return 'last'
  }
}

function resultOf(change: KernelChange, before: KernelObject | undefined): KernelObject | undefined {
  if (change.action === 'remove') return undefined
  if (change.kind !== 'link' || change.action === 'create') return change
  const attributes = before?.kind === 'link' ? before.value : {}
  return { kind: 'link', value: { ...attributes, ...change.value } }
}
