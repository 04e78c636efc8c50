import type { StoreEvent, StoreWatch, SubnetStore } from '@trilane/contracts'

/** Whoever follows a store as the contract says: lists, applies events, lists again after a gap. */
export class Mirror {
  /** Revision of each lease, by key. */
  readonly leases = new Map<string, number>()
  readonly events: StoreEvent[] = []
  lists = 0
  readonly #store: SubnetStore
  #watch: StoreWatch | undefined

  private constructor(store: SubnetStore) {
    this.#store = store
  }

  static async of(store: SubnetStore): Promise<Mirror> {
    const mirror = new Mirror(store)
    await mirror.#list()
    return mirror
  }

  get gaps(): number {
    return this.kinds('gap').length
  }

  kinds<Kind extends StoreEvent['kind']>(kind: Kind): Extract<StoreEvent, { kind: Kind }>[] {
    return this.events.filter((event): event is Extract<StoreEvent, { kind: Kind }> => event.kind === kind)
  }

  /** As comparable text. */
  get text(): string {
    return textOf(this.leases)
  }

  close(): void {
    this.#watch?.close()
  }

  async #list(): Promise<void> {
    this.#watch?.close()
    const { leases, revision } = await this.#store.list()
    this.lists++
    this.leases.clear()
    for (const stored of leases) this.leases.set(stored.key, stored.revision)
    this.#watch = this.#store.watch(revision, (event) => {
      this.events.push(event)
      if (event.kind === 'put') this.leases.set(event.stored.key, event.stored.revision)
      if (event.kind === 'gone' || event.kind === 'rejected') this.leases.delete(event.key)
      if (event.kind === 'gap') void this.#again()
    })
  }

  async #again(): Promise<void> {
    for (;;) {
      try {
        await this.#list()
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }
}

/** What the store has, as {@link Mirror.text}. */
export async function listedText(store: SubnetStore): Promise<string> {
  const { leases } = await store.list()
  return textOf(leases.map(({ key, revision }) => [key, revision] as const))
}

function textOf(leases: Iterable<readonly [string, number]>): string {
  return [...leases]
    .map(([key, revision]) => `${key} ${revision}`)
    .sort()
    .join('\n')
}
