/** How device names and indexes of one namespace belong together while messages are written or read. */
export interface DeviceIndexes {
  /** @throws TrilaneError `TRI_KERNEL_NOT_FOUND` */
  indexOf(name: string): number
}

export interface DeviceNames {
  /** `undefined` for a device that is not of this namespace, or gone for long. */
  nameOf(index: number): string | undefined
}

/** So many devices that vanished are remembered: some of what is told about them comes after their end. */
const REMEMBERED_GONE = 512

/** The names that a stream of link events gives, those of devices that vanished lately included. */
export class FollowedNames implements DeviceNames {
  readonly #names = new Map<number, string>()
  readonly #gone = new Map<number, string>()
  /** Asked for in vain; asked for again only when an event tells of it. */
  readonly #unknown = new Set<number>()
  readonly #ask: (index: number) => string | undefined

  /** @param ask whoever knows a device that no event has named yet */
  constructor(ask: (index: number) => string | undefined) {
    this.#ask = ask
  }

  nameOf(index: number): string | undefined {
    const known = this.#names.get(index) ?? this.#gone.get(index)
    if (known !== undefined || this.#unknown.has(index)) return known
    const asked = this.#ask(index)
    if (asked === undefined) this.#unknown.add(index)
    else this.#names.set(index, asked)
    return asked
  }

  add(index: number, name: string): void {
    this.#names.set(index, name)
    this.#unknown.delete(index)
  }

  /** After lost events: any name may be another by now. */
  forget(): void {
    this.#names.clear()
    this.#gone.clear()
    this.#unknown.clear()
  }

  remove(index: number, name: string): void {
    this.#names.delete(index)
    this.#unknown.delete(index)
    // Last in the map is youngest, also when it vanishes for the second time.
    this.#gone.delete(index)
    this.#gone.set(index, name)
    const [oldest] = this.#gone.keys()
    if (this.#gone.size > REMEMBERED_GONE && oldest !== undefined) this.#gone.delete(oldest)
  }
}
