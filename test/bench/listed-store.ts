import type { Lease, LeaseList, StoredLease, StoreEvent, StoreWatch, SubnetStore } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'

/** A store that is there at once and whose leases others write: what is measured is not the store. */
export class ListedStore implements SubnetStore {
  readonly description = 'bench'
  readonly #leases = new Map<string, StoredLease>()
  readonly #numbers = new Map<string, number>()
  #revision = 0
  #listener: ((event: StoreEvent) => void) | undefined

  constructor(leases: readonly Lease[]) {
    for (const lease of leases) this.put(lease)
  }

  /** As another node would. */
  put(lease: Lease): void {
    const key = valuesOf(lease.subnets)
      .map((subnet) => subnet.toString().replace('/', '-'))
      .join('&')
    if (!this.#numbers.has(key)) this.#numbers.set(key, this.#numbers.size + 1)
    const stored = { key, lease, revision: ++this.#revision }
    this.#leases.set(key, stored)
    this.#listener?.({ kind: 'put', stored })
  }

  /** The how-manieth key it was, from 1. */
  numberOf(key: string): string {
    return `${this.#numbers.get(key)}`
  }

  async list(): Promise<LeaseList> {
    return { leases: [...this.#leases.values()], rejected: [], revision: this.#revision }
  }

  watch(_revision: number, listener: (event: StoreEvent) => void): StoreWatch {
    this.#listener = listener
    return {
      close: () => {
        this.#listener = undefined
      }
    }
  }

  async readConfig(): Promise<undefined> {}
  async close(): Promise<void> {}

  writeConfig = notPartOfIt
  create = notPartOfIt
  update = notPartOfIt
  remove = notPartOfIt
}

async function notPartOfIt(): Promise<never> {
  throw new Error('the bench does not write leases')
}
