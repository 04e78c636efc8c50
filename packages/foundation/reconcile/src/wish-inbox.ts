import type { KernelState } from '@trilane/contracts'
import type { Steps } from './slices.ts'
import type { WishBook } from './wish-book.ts'

/** So many slots are taken into the book at once. */
const SLOTS_AT_ONCE = 100

/**
 * Slots on their way into the book: a whole cluster's take longer than the event loop may be kept. Until they are there,
 * what they said before is what is wanted.
 */
export class WishInbox {
  readonly #book: WishBook
  readonly #slots = new Map<string, KernelState | undefined>()

  constructor(book: WishBook) {
    this.#book = book
  }

  /** @returns whether they are in the book already: few are, unless others wait */
  put(slots: ReadonlyMap<string, KernelState | undefined>): boolean {
    if (this.#slots.size === 0 && slots.size <= SLOTS_AT_ONCE) {
      for (const [name, state] of slots) this.#book.replace(name, state)
      return true
    }
    // One that waits already keeps its place.
    for (const [name, state] of slots) this.#slots.set(name, state)
    return false
  }

  get isEmpty(): boolean {
    return this.#slots.size === 0
  }

  /** Takes what waits into the book, and what comes meanwhile. */
  *emptying(): Steps<void> {
    for (const [name, state] of this.#slots) {
      this.#slots.delete(name)
      this.#book.replace(name, state)
      yield
    }
  }
}
