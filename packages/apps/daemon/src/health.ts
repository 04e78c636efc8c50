import type { Clock, HealthItem, TrilaneError } from '@trilane/contracts'

/**
 * Lasting conditions of one network, each once, with its start. A condition is named by a key, so that the
 * same trouble in two places is two items; it disappears when it is cleared.
 */
export class Health {
  readonly #clock: Clock
  readonly #items = new Map<string, HealthItem>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Keeps the start of a condition that lasts. @returns whether it is new */
  raise(key: string, severity: HealthItem['severity'], error: TrilaneError): boolean {
    const former = this.#items.get(key)
    this.#items.set(key, {
      code: error.code,
      severity,
      text: error.message,
      fix: error.remedy,
      sinceMs: former?.sinceMs ?? this.#clock.wallMs()
    })
    return former === undefined
  }

  clear(key: string): void {
    this.#items.delete(key)
  }

  /** By the key that names it. */
  conditions(): ReadonlyMap<string, HealthItem> {
    return this.#items
  }

  /** The oldest first. */
  items(): readonly HealthItem[] {
    return [...this.#items.values()].sort((a, b) => a.sinceMs - b.sinceMs)
  }
}
