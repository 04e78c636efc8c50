import type { Lease, LeaseList, StoredLease, StoreEvent, SubnetStore } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { expect } from 'vitest'
import type { SuiteFixture } from '../suite.ts'

export interface SubnetStoreFixture extends SuiteFixture {
  /** Empty: no config, no lease. */
  readonly store: SubnetStore
  /** Another client of the same data, as another node has it. */
  readonly second: SubnetStore
  /** Writes below `subnets/` past the store, as any other program may. */
  putRaw(key: string, text: string): void | Promise<void>
  /** Lets time pass for the store: leases expire. */
  advance(ms: number): void | Promise<void>
  /**
   * Makes the store forget what happened so far, so that a watch from before must say `gap`. Without it that test
   * must be in the skip list.
   */
  forceGap?(): void | Promise<void>
  /** How long a watch may take to tell. @default 5 s */
  readonly patienceMs?: number
}

export const DAY_MS = 24 * 3_600_000

/** A lease of node `n` (0 to 255) in IPv4, or with what is given. */
export function leaseOf(n: number, more: Partial<Lease> = {}): Lease {
  return {
    subnets: { v4: Prefix.parse(`10.5.${n}.0/24`) },
    publicAddresses: { v4: IpAddress.parse(`192.168.77.${n}`) },
    backendType: 'host-gw',
    backendData: {},
    node: { machineId: `machine-${n}`, name: `node-${n}` },
    ...more
  }
}

export function keyOf(n: number): string {
  return `10.5.${n}.0-24`
}

export const DUAL: Lease = {
  subnets: { v4: Prefix.parse('10.5.50.0/24'), v6: Prefix.parse('fd00:5:0:15::/64') },
  publicAddresses: { v4: IpAddress.parse('192.168.77.5'), v6: IpAddress.parse('fd77::5') },
  backendType: 'vxlan',
  backendData: { v4: { VNI: 1, VtepMAC: '2e:65:14:6d:83:5a' }, v6: { VNI: 1, VtepMAC: '2e:65:14:6d:83:5b' } },
  node: { machineId: 'machine-dual', name: 'node <dual> & "quoted" é' }
}

/** As a flanneld writes it: nothing of ours in it. */
export const V6_ONLY: Lease = {
  subnets: { v6: Prefix.parse('fd00:10:0:27::/64') },
  publicAddresses: { v6: IpAddress.parse('fd77::6') },
  backendType: 'vxlan',
  backendData: {}
}

/** What must have been there. */
export function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} is missing`)
  return value
}

export async function created(store: SubnetStore, lease: Lease, ttlMs = DAY_MS): Promise<StoredLease> {
  return need(await store.create(lease, ttlMs), 'the created lease')
}

/** Leases as comparable texts, by key. */
export function leasesIn(leases: Iterable<StoredLease>): Record<string, unknown> {
  return Object.fromEntries([...leases].map((stored) => [stored.key, plain(stored)]))
}

/** Whether it ends, not when: only whoever wrote a lease must know that. */
export function plain({ expiresAtMs, ...stored }: StoredLease): unknown {
  return { ...JSON.parse(JSON.stringify(stored)), ends: expiresAtMs !== undefined }
}

export async function keysIn(store: SubnetStore): Promise<string[]> {
  return (await store.list()).leases.map(({ key }) => key).sort()
}

export function rejectedIn(list: LeaseList): string[] {
  return list.rejected.map((error) => `${error.code} ${error.values.key}`).sort()
}

/** What a watch told, and the lease set that follows from it. */
export class Recorder {
  readonly events: StoreEvent[] = []
  readonly leases: Map<string, StoredLease>
  readonly #patienceMs: number

  constructor(fixture: SubnetStoreFixture, list?: LeaseList) {
    this.#patienceMs = fixture.patienceMs ?? 5_000
    this.leases = new Map(list?.leases.map((stored) => [stored.key, stored]))
  }

  /** For {@link SubnetStore.watch}. */
  readonly listener = (event: StoreEvent): void => {
    this.events.push(event)
    if (event.kind === 'put') this.leases.set(event.stored.key, event.stored)
    if (event.kind === 'gone') this.leases.delete(event.key)
  }

  /** The first event for which `matches`, waiting for it. */
  async until<Kind extends StoreEvent['kind']>(
    kind: Kind,
    matches: (event: Extract<StoreEvent, { kind: Kind }>) => boolean = () => true
  ): Promise<Extract<StoreEvent, { kind: Kind }>> {
    const isIt = (event: StoreEvent): event is Extract<StoreEvent, { kind: Kind }> =>
      event.kind === kind && matches(event as Extract<StoreEvent, { kind: Kind }>)
    let found: Extract<StoreEvent, { kind: Kind }> | undefined
    await this.#wait(() => {
      found = this.events.find(isIt)
      return found !== undefined
    }, `no such ${kind} event`)
    return need(found, `${kind} event`)
  }

  put(key: string): Promise<Extract<StoreEvent, { kind: 'put' }>> {
    return this.until('put', ({ stored }) => stored.key === key)
  }

  gone(key: string): Promise<Extract<StoreEvent, { kind: 'gone' }>> {
    return this.until('gone', (event) => event.key === key)
  }

  /** Waits until what the events add up to is what the store lists. */
  async converges(store: SubnetStore): Promise<void> {
    const wanted = leasesIn((await store.list()).leases)
    await this.#wait(() => {
      return JSON.stringify(sorted(leasesIn(this.leases.values()))) === JSON.stringify(sorted(wanted))
    }, 'the events do not add up to the list').catch((error: unknown) => {
      expect(leasesIn(this.leases.values())).toEqual(wanted)
      throw error
    })
  }

  /** What was told of one key, in order. */
  about(key: string): string[] {
    return this.events.flatMap((event) => {
      if (event.kind === 'put') return event.stored.key === key ? ['put'] : []
      return (event.kind === 'gone' || event.kind === 'rejected') && event.key === key ? [event.kind] : []
    })
  }

  async #wait(isDone: () => boolean, otherwise: string): Promise<void> {
    const deadline = performance.now() + this.#patienceMs
    while (!isDone()) {
      if (performance.now() > deadline) {
        const told = this.events.map((event) => event.kind).join(', ')
        throw new Error(`${otherwise} within ${this.#patienceMs} ms; told: ${told || 'nothing'}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

function sorted(leases: Record<string, unknown>): unknown {
  return Object.entries(leases).sort(([left], [right]) => (left < right ? -1 : 1))
}
