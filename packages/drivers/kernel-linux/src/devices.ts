/** How device names and indexes of one namespace belong together while messages are written or read. */
export interface DeviceIndexes {
  /** @throws TrilaneError `TRI_KERNEL_NOT_FOUND` */
  indexOf(name: string): number
}

export interface DeviceNames {
  /** `undefined` for a device that is not of this namespace, or gone for long. */
  nameOf(index: number): string | undefined
}

/** Names of devices that vanished are still asked for: their addresses and routes are reported after them. */
const REMEMBERED_GONE = 512

/** The names that a stream of link events gives, the most recently vanished included. */
export class FollowedNames implements DeviceNames {
  readonly #names = new Map<number, string>()
  readonly #gone = new Map<number, string>()
  readonly #ask: (index: number) => string | undefined

  /** @param ask the kernel, for a device whose event is still to come */
  constructor(ask: (index: number) => string | undefined) {
    this.#ask = ask
  }

  nameOf(index: number): string | undefined {
    const known = this.#names.get(index) ?? this.#gone.get(index)
    if (known !== undefined) return known
    const asked = this.#ask(index)
    if (asked !== undefined) this.#names.set(index, asked)
    return asked
  }

  add(index: number, name: string): void {
    this.#names.set(index, name)
  }

  remove(index: number, name: string): void {
    this.#names.delete(index)
    this.#gone.set(index, name)
    const [oldest] = this.#gone.keys()
    if (this.#gone.size > REMEMBERED_GONE && oldest !== undefined) this.#gone.delete(oldest)
  }
}
