import {
  commandOf,
  type ErrorCode,
  type Kernel,
  type KernelChange,
  type KernelEvent,
  type KernelObjectKind,
  type KernelObjects,
  type KernelSnapshot,
  type LinkReading,
  type ReadScope,
  type Route,
  TrilaneError
} from '@trilane/contracts'
import type { Prefix } from '@trilane/ip'
import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import { EVENT_WAIT_MS, type KernelFixture } from './fixture.ts'

/** What the kernel's tests are written with. */
export type KernelTest = SuiteTest<KernelFixture>

export function test(name: string, run: KernelTest['run']): KernelTest {
  return { name, run }
}

export function create<Kind extends KernelObjectKind>(kind: Kind, value: KernelObjects[Kind]): KernelChange {
  return change('create', kind, value)
}

export function set<Kind extends KernelObjectKind>(kind: Kind, value: KernelObjects[Kind]): KernelChange {
  return change('set', kind, value)
}

export function remove<Kind extends KernelObjectKind>(kind: Kind, value: KernelObjects[Kind]): KernelChange {
  return change('remove', kind, value)
}

function change<Kind extends KernelObjectKind>(
  action: KernelChange['action'],
  kind: Kind,
  value: KernelObjects[Kind]
): KernelChange {
  // `Kind` may be a union for the compiler; each caller names one kind.
  return { action, kind, value } as KernelChange
}

/** Applies changes that have to succeed. */
export async function must(kernel: Kernel, ...changes: readonly KernelChange[]): Promise<void> {
  for (const outcome of await kernel.apply(changes)) {
    if (outcome.error !== undefined) {
      throw new Error(
        `\`${commandOf(outcome.change)}\` failed: ${outcome.error.code}: ${outcome.error.message}`
      )
    }
  }
}

/** Applies each and gives the codes of those that were refused; `undefined` for those that were done. */
export async function codes(
  kernel: Kernel,
  ...changes: readonly KernelChange[]
): Promise<(ErrorCode | undefined)[]> {
  return (await kernel.apply(changes)).map(({ error }) => error?.code)
}

/** The code of what a call fails with. */
export async function codeOf(run: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    return TrilaneError.is(error) ? error.code : `not ours: ${error}`
  }
}

/** Values as texts, so that they can be compared field by field: a `Mac` has no fields to compare. */
export function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}

/** `actual` has every field that `wish` has, with the same value. */
export function expectAs(actual: unknown, wish: object): void {
  expect(plain(actual)).toMatchObject(plain(wish) as object)
}

export async function linkNamed(kernel: Kernel, name: string): Promise<LinkReading | undefined> {
  return (await kernel.read({ links: true })).links.find((link) => link.name === name)
}

/** @throws Error when there is none */
export async function linkThere(kernel: Kernel, name: string): Promise<LinkReading> {
  const link = await linkNamed(kernel, name)
  if (link === undefined) throw new Error(`there is no device ${name}`)
  return link
}

export async function linkNames(kernel: Kernel): Promise<string[]> {
  return (await kernel.read({ links: true })).links.map(({ name }) => name).sort()
}

/** `address/length` of all addresses of a device, without those that Linux makes by itself. */
export async function addressesOf(kernel: Kernel, device: string): Promise<string[]> {
  const { addresses } = await kernel.read({ addresses: true })
  return addresses
    .filter((reading) => reading.device === device && !reading.address.isLinkLocal)
    .map(({ address, prefixLength }) => `${address}/${prefixLength}`)
    .sort()
}

export async function routesTo(
  kernel: Kernel,
  destination: Prefix,
  scope: NonNullable<ReadScope['routes']> = 'main'
): Promise<readonly Route[]> {
  const { routes } = await kernel.read({ routes: scope })
  return routes.filter((route) => route.destination.equals(destination))
}

export async function neighboursOf(kernel: Kernel, device: string): Promise<KernelSnapshot['neighbours']> {
  const { neighbours } = await kernel.read({ neighboursOf: [device] })
  // Linux adds the multicast groups that it joins.
  return neighbours.filter(({ address }) => !address.isMulticast)
}

/** Follows a kernel until the test's own `close`. */
export function record({ eventWaitMs = EVENT_WAIT_MS }: KernelFixture, kernel: Kernel): EventRecord {
  const events: KernelEvent[] = []
  const watch = kernel.watch((event) => events.push(event))
  return {
    events,
    close: () => watch.close(),
    async until(what, matches) {
      const deadline = performance.now() + eventWaitMs
      for (;;) {
        const at = events.findIndex(matches)
        if (at >= 0) return at
        if (performance.now() > deadline) {
          throw new Error(`no event came: ${what}; there were ${JSON.stringify(events)}`)
        }
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    }
  }
}

export interface EventRecord {
  readonly events: readonly KernelEvent[]
  /** Waits for an event. @returns its place among all events @throws Error when none comes in time */
  until(what: string, matches: (event: KernelEvent) => boolean): Promise<number>
  close(): void
}
