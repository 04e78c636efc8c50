import type { Kernel, KernelChange, KernelEvent, KernelSnapshot, ReadScope, Route } from '@trilane/contracts'
import { TrilaneError } from '@trilane/contracts'
import type { MemoryKernel } from '@trilane/kernel-memory'

/** A kernel that is right but for one thing, and the promises that this breaks. */
export interface Mutant {
  readonly name: string
  /** Names of the suite, `*` standing for anything (both families, all types). */
  readonly breaks: readonly string[]
  readonly mutation: Mutation
}

/** What a mutant does instead. Called once for each handle. */
export type Mutation = (kernel: MemoryKernel) => Partial<Kernel>

export function mutant(name: string, breaks: string | readonly string[], mutation: Mutation): Mutant {
  return { name, breaks: typeof breaks === 'string' ? [breaks] : breaks, mutation }
}

/** The kernel with the mutation, and so are its handles on other namespaces. */
export function mutated(kernel: MemoryKernel, mutation: Mutation): Kernel {
  return {
    read: (scope) => kernel.read(scope),
    apply: (changes) => kernel.apply(changes),
    watch: (listener) => kernel.watch(listener),
    routeTo: (destination) => kernel.routeTo(destination),
    announce: (announcements) => kernel.announce(announcements),
    probe: (questions, waitMs) => kernel.probe(questions, waitMs),
    solicit: (neighbours) => kernel.solicit(neighbours),
    namespace: async (path) => mutated(await kernel.namespace(path), mutation),
    close: () => kernel.close(),
    ...mutation(kernel)
  }
}

type Done = TrilaneError | undefined
type Attempt = (change: KernelChange, kernel: MemoryKernel) => Promise<Done> | Done

/** Does one change as it should be done. */
export async function rightly(kernel: MemoryKernel, change: KernelChange): Promise<Done> {
  const [outcome] = await kernel.apply([change])
  return outcome?.error
}

/** Does each change by `attempt`, one after another; `'rightly'` leaves it to the kernel. */
export function doing(
  attempt: (...of: Parameters<Attempt>) => Promise<Done | 'rightly'> | Done | 'rightly'
): Mutation {
  return (kernel) => ({
    async apply(changes) {
      const outcomes = []
      for (const change of changes) {
        const answer = await attempt(change, kernel)
        const error = answer === 'rightly' ? await rightly(kernel, change) : answer
        outcomes.push(error === undefined ? { change } : { change, error })
      }
      return outcomes
    }
  })
}

/** Does another change instead of those that match; `undefined`: none, and says that it was done. */
export function instead(
  match: (change: KernelChange) => boolean,
  other: (change: KernelChange) => object | undefined
): Mutation {
  return doing(async (change, kernel) => {
    if (!match(change)) return 'rightly'
    const value = other(change)
    return value === undefined ? undefined : rightly(kernel, { ...change, ...value } as KernelChange)
  })
}

/** Changes of the value of those that match. */
export function withValue(
  match: (change: KernelChange) => boolean,
  value: (change: KernelChange) => object
): Mutation {
  return instead(match, (change) => ({ value: { ...change.value, ...value(change) } }))
}

/** Leaves out fields of the value of those that match. */
export function without(match: (change: KernelChange) => boolean, ...fields: readonly string[]): Mutation {
  return instead(match, (change) => ({
    value: Object.fromEntries(Object.entries(change.value).filter(([name]) => !fields.includes(name)))
  }))
}

/** Says that those that match were done, and does nothing. */
export const ignoring = (match: (change: KernelChange) => boolean): Mutation =>
  instead(match, () => undefined)

/** Does it, but with another error: whatever was refused, or also what was done. */
export function answering(match: (change: KernelChange, error: Done) => boolean, answer: Done): Mutation {
  return doing(async (change, kernel) => {
    const error = await rightly(kernel, change)
    return match(change, error) ? answer : error
  })
}

export const REFUSED = TrilaneError.of('TRI_KERNEL_REFUSED', { command: 'this', errno: 'EINVAL', text: '' })
export const NOT_FOUND = TrilaneError.of('TRI_KERNEL_NOT_FOUND', { command: 'this', what: 'it' })

export const is =
  (kind: KernelChange['kind'], ...actions: readonly KernelChange['action'][]) =>
  (change: KernelChange): boolean =>
    change.kind === kind && (actions.length === 0 || actions.includes(change.action))

/** Reads something else than there is. */
export function reading(
  falsify: (
    snapshot: KernelSnapshot,
    scope: ReadScope,
    kernel: MemoryKernel
  ) => KernelSnapshot | Promise<KernelSnapshot>
): Mutation {
  return (kernel) => ({ read: async (scope) => falsify(await kernel.read(scope), scope, kernel) })
}

/** Hears something else than happens; `undefined`: nothing. */
export function hearing(falsify: (event: KernelEvent) => KernelEvent | undefined): Mutation {
  return (kernel) => ({
    watch: (listener) =>
      kernel.watch((event) => {
        const heard = falsify(event)
        if (heard !== undefined) listener(heard)
      })
  })
}

/** Both at once. */
export const both =
  (...mutations: readonly Mutation[]): Mutation =>
  (kernel) =>
    Object.assign({}, ...mutations.map((mutation) => mutation(kernel)))

/** Reads other routes than there are; `undefined`: none. */
export const readingRoutes = (falsify: (route: Route) => Route | undefined): Mutation =>
  reading((snapshot) => ({ ...snapshot, routes: snapshot.routes.flatMap((each) => falsify(each) ?? []) }))

/** Removes, with one object of a kind, also those that `pick` finds. */
export const removingMore = (
  kind: KernelChange['kind'],
  pick: (snapshot: KernelSnapshot) => readonly KernelChange[]
): Mutation =>
  doing(async (change, kernel) => {
    const error = await rightly(kernel, change)
    if (!is(kind, 'remove')(change)) return error
    const everything = { addresses: true, routes: 'all', neighboursOf: ['va'] } as const
    await kernel.apply(pick(await kernel.read(everything)))
    return error
  })
