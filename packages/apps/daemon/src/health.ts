import type { Clock, HealthItem, TrilaneError } from '@trilane/contracts'

export interface Condition {
  readonly item: HealthItem
  /** Monotonic: how long it has lasted must not depend on what the wall clock, which `item` has, is set to. */
  readonly sinceMs: number
}

/**
 * Lasting conditions of one network, each once, with its start. A condition is named by a key, so that the
 * same trouble in two places is two items; it disappears when it is cleared.
 */
export class Health {
  readonly #clock: Clock
  readonly #conditions = new Map<string, Condition>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Keeps the start of a condition that lasts. @returns whether it is new */
  raise(key: string, severity: HealthItem['severity'], error: TrilaneError): boolean {
    const former = this.#conditions.get(key)
    this.#conditions.set(key, {
      item: {
        code: error.code,
        severity,
        text: error.message,
        fix: error.remedy,
        sinceMs: former?.item.sinceMs ?? this.#clock.wallMs()
      },
      sinceMs: former?.sinceMs ?? this.#clock.monotonicMs()
    })
    return former === undefined
  }

  clear(key: string): void {
    this.#conditions.delete(key)
  }

  /** By the key that names it. */
  conditions(): ReadonlyMap<string, Condition> {
    return this.#conditions
  }

  /** The oldest first. */
  items(): readonly HealthItem[] {
    return [...this.#conditions.values()].sort((a, b) => a.sinceMs - b.sinceMs).map(({ item }) => item)
  }
}
