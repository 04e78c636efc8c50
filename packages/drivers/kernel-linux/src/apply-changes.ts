import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type ChangeOutcome,
  commandOf,
  type KernelChange,
  MAIN_TABLE,
  metricOf,
  type Route,
  TrilaneError
} from '@trilane/contracts'
import { writeAddress } from './addresses.ts'
import type { DeviceIndexes } from './devices.ts'
import { isAbsent, kernelError } from './kernel-errors.ts'
import { createLink, removeLink, setLink } from './links.ts'
import type { Request } from './message.ts'
import { NetworkNamespace } from './namespaces.ts'
import { writeFdbEntry, writeNeighbour } from './neighbours.ts'
import type { Place } from './place.ts'
import type { Verdict } from './reader.ts'
import { matchRoute, readRoute, writeRoute } from './routes.ts'
import { ERRNO } from './syscalls.ts'
import { writeSysctl } from './sysctls.ts'

/** A route costs the kernel 30 µs: so many between two turns of the event loop keep it blocked for about 12 ms. */
const SLICE = 400

/**
 * Does the changes in order. What is answered at once goes out in batches; a device that is made goes out alone, because
 * its later messages must not reach another of the same name; devices are removed on a thread of the pool.
 */
export async function applyChanges(
  place: Place,
  changes: readonly KernelChange[]
): Promise<readonly ChangeOutcome[]> {
  const run = new ChangeRun(place, changes)
  for (let index = 0; index < changes.length; index++) {
    if (run.queued >= SLICE) {
      run.flush()
      await nextTurn()
    }
    const removals = run.deviceRemovalsFrom(index)
    if (removals > 0) {
      await run.removeDevices(index, removals)
      index += removals - 1
    } else {
      run.start(index)
    }
  }
  run.flush()
  return run.outcomes()
}

class ChangeRun implements DeviceIndexes {
  readonly #place: Place
  readonly #changes: readonly KernelChange[]
  readonly #errors = new Map<number, TrilaneError>()
  readonly #queue: { readonly index: number; readonly request: Request }[] = []
  readonly #queuedRoutes = new Set<string>()
  readonly #indexes = new Map<string, number>()

  constructor(place: Place, changes: readonly KernelChange[]) {
    this.#place = place
    this.#changes = changes
  }

  get queued(): number {
    return this.#queue.length
  }

  outcomes(): ChangeOutcome[] {
    return this.#changes.map((change, index) => {
      const error = this.#errors.get(index)
      return error === undefined ? { change } : { change, error }
    })
  }

  /** Kept for the run: what is made or removed in it is forgotten then. */
  indexOf(name: string): number {
    const known = this.#indexes.get(name)
    if (known !== undefined) return known
    const index = this.#place.indexOf(name)
    this.#indexes.set(name, index)
    return index
  }

  /** Begins one change; its verdict may come with the next flush. */
  start(index: number): void {
    const change = this.#changes[index]
    if (change === undefined) return
    try {
      this.#start(index, change)
    } catch (error) {
      const problem = inWordsOf(change, error)
      // Removing what stood on a device that is gone is done.
      if (change.action === 'remove' && problem.code === 'TRI_KERNEL_NOT_FOUND') return
      this.#errors.set(index, problem)
    }
  }

  /** Sends what is queued and takes the verdicts. */
  flush(): void {
    if (this.#queue.length === 0) return
    const failed = this.#place.socket.batch(this.#queue.map(({ request }) => request))
    for (const [position, verdict] of failed) {
      const index = this.#queue[position]?.index
      if (index !== undefined) this.#fail(index, verdict)
    }
    this.#queue.length = 0
    this.#queuedRoutes.clear()
  }

  /** How many of the changes from here on remove devices. */
  deviceRemovalsFrom(index: number): number {
    let end = index
    for (; end < this.#changes.length; end++) {
      const change = this.#changes[end]
      if (change?.kind !== 'link' || change.action !== 'remove') break
    }
    return end - index
  }

  /** `ip link del …`, several at once. */
  async removeDevices(from: number, count: number): Promise<void> {
    this.flush()
    this.#indexes.clear()
    const requests = this.#changes
      .slice(from, from + count)
      .flatMap((change) => (change.kind === 'link' ? [removeLink(change.value.name)] : []))
    for (const [position, verdict] of await this.#place.removals.batchAsync(requests)) {
      this.#fail(from + position, verdict)
    }
  }

  #start(index: number, change: KernelChange): void {
    const { action } = change
    switch (change.kind) {
      case 'link':
        if (action === 'create') this.#createDevice(index, change)
        else for (const request of setLink(change.value, this)) this.#queue.push({ index, request })
        return
      case 'address':
        this.#queue.push({ index, request: writeAddress(action, change.value, this) })
        return
      case 'route':
        if (action === 'remove' && this.#isOfAnotherMetric(change.value)) return
        this.#queuedRoutes.add(`${change.value.destination}`)
        this.#queue.push({ index, request: writeRoute(action, change.value, this) })
        return
      case 'neighbour':
        this.#queue.push({ index, request: writeNeighbour(action, change.value, this) })
        return
      case 'fdb':
        this.#queue.push({ index, request: writeFdbEntry(action, change.value, this) })
        return
      case 'sysctl':
        if (action === 'remove') {
          throw kernelError(commandOf(change), { errno: ERRNO.EINVAL, text: 'it has no former value' })
        }
        this.flush()
        this.#place.inside(() => writeSysctl(change.value))
    }
  }

  /**
   * In IPv4 a removal with metric 0 means "of any metric", and would take a route that was made with another one. Of
   * several metrics the lowest wins: if the winner has one, there is none without.
   */
  #isOfAnotherMetric(route: Route): boolean {
    const { destination, table = MAIN_TABLE } = route
    if (destination.family !== 'v4' || metricOf(route) !== 0 || table !== MAIN_TABLE) return false
    if (this.#queuedRoutes.has(`${destination}`)) this.flush()
    let found: Route | undefined
    this.#place.socket.request(matchRoute(destination.address), ({ body }) => {
      found = readRoute(body, { nameOf: () => undefined })
    })
    return found?.destination.equals(destination) === true && found.metric !== 0
  }

  #createDevice(index: number, change: KernelChange & { readonly kind: 'link' }): void {
    this.flush()
    const opened: NetworkNamespace[] = []
    const openNamespace = (path: string): number => {
      const namespace = NetworkNamespace.open(path)
      opened.push(namespace)
      return namespace.fd
    }
    try {
      const [create, ...later] = createLink(change.value, this, openNamespace)
      const verdict = create === undefined ? undefined : this.#place.socket.request(create)
      if (verdict !== undefined && verdict.errno !== 0) {
        this.#fail(index, verdict)
        return
      }
      this.#indexes.delete(change.value.name)
      for (const request of later) {
        const refused = this.#place.socket.request(request)
        if (refused.errno === 0) continue
        // Half a device would be somebody else's riddle: without its mark nobody would ever remove it.
        this.#place.socket.request(removeLink(change.value.name))
        this.#fail(index, refused)
        return
      }
    } finally {
      for (const namespace of opened) namespace.close()
    }
  }

  #fail(index: number, verdict: Verdict): void {
    const change = this.#changes[index]
    if (change === undefined || this.#errors.has(index)) return
    if (change.action === 'remove' && isAbsent(verdict.errno)) return
    this.#errors.set(index, kernelError(commandOf(change), refined(change, verdict)))
  }
}

/** "Unknown device type" comes with EOPNOTSUPP; an unreachable gateway is no missing feature though some say so. */
function refined(change: KernelChange, verdict: Verdict): Verdict {
  if (verdict.errno !== ERRNO.ENODEV || verdict.text !== undefined) return verdict
  return change.kind === 'link' ? { ...verdict, text: `device ${change.value.name}` } : verdict
}

/** The change that was asked for, instead of the look-up of a device that it needs. */
function inWordsOf(change: KernelChange, error: unknown): TrilaneError {
  const problem = TrilaneError.from(error)
  if (problem.code !== 'TRI_KERNEL_NOT_FOUND') return problem
  return TrilaneError.of(
    'TRI_KERNEL_NOT_FOUND',
    { command: commandOf(change), what: problem.values.what },
    { cause: error }
  )
}
