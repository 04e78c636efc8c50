import {
  type ChangeOutcome,
  commandOf,
  type KernelChange,
  type Route,
  TrilaneError
} from '@trilane/contracts'
import { writeAddress } from './addresses.ts'
import { explainRefusal } from './child-refusals.ts'
import type { DeviceIndexes } from './devices.ts'
import { isGatewayInside, writeGatewayInside } from './gateway-inside.ts'
import { isAbsent, kernelError } from './kernel-errors.ts'
import { setLink } from './links.ts'
import { makeDevice } from './make-device.ts'
import type { Request } from './message.ts'
import { writeFdbEntry, writeNeighbour } from './neighbours.ts'
import type { Place } from './place.ts'
import { PlainRoutes } from './plain-routes.ts'
import type { Verdict } from './reader.ts'
import { writeRoute } from './routes.ts'
import { ERRNO } from './syscalls.ts'
import { writeSysctl } from './sysctls.ts'
import { Turn } from './turn.ts'

/** A route costs the kernel up to 30 µs: so many, sent from this thread, block it for about 12 ms. More are not. */
const SLICE_HERE = 400

/** So many at a time are sent from a thread of the pool while the next are written here; each costs a turn of both. */
const SLICE_IN_BACKGROUND = 1_600

/** A device that leaves its bridge costs 400 µs. */
const DEVICE_WEIGHT = 10

/**
 * Does the changes in order. What is answered at once goes out in batches; a device that is made goes out alone, because
 * its later messages must not reach another of the same name; devices are made and removed on threads of the pool: that
 * takes the kernel the time in which this thread does the rest of a pod's ADD.
 */
export async function applyChanges(
  place: Place,
  changes: readonly KernelChange[]
): Promise<readonly ChangeOutcome[]> {
  const run = new ChangeRun(place, changes)
  const turn = new Turn()
  for (let index = 0; index < changes.length; index++) {
    if (run.queued >= SLICE_IN_BACKGROUND) {
      await run.flushInBackground()
      turn.begin()
    } else if (turn.isOver) {
      await run.finish()
      await turn.end()
      run.forget()
    }
    if (run.needsWhatWasSent(index)) await run.finish()
    const removals = run.deviceRemovalsFrom(index)
    if (removals > 0) {
      await run.removeDevices(index, removals)
      index += removals - 1
    } else if (run.makesDevice(index)) {
      await run.makeDevice(index)
      turn.begin()
    } else {
      run.start(index)
    }
  }
  await run.finish()
  return run.outcomes()
}

interface QueuedRequest {
  /** Of the change. */
  readonly index: number
  readonly request: Request
}

class ChangeRun implements DeviceIndexes {
  readonly #place: Place
  readonly #changes: readonly KernelChange[]
  readonly #errors = new Map<number, TrilaneError>()
  readonly #queue: QueuedRequest[] = []
  #queuedWeight = 0
  readonly #queuedRoutes = new Set<string>()
  readonly #indexes = new Map<string, number>()
  readonly #plainRoutes: PlainRoutes
  /** What was handed to the background last. */
  #underWay: Promise<void> | undefined

  constructor(place: Place, changes: readonly KernelChange[]) {
    this.#place = place
    this.#changes = changes
    this.#plainRoutes = new PlainRoutes(() => place.socket)
  }

  /** What is queued, as so many routes. */
  get queued(): number {
    return this.#queuedWeight
  }

  outcomes(): ChangeOutcome[] {
    return this.#changes.map((change, index) => {
      const error = this.#errors.get(index)
      return error === undefined ? { change } : { change, error }
    })
  }

  /** Kept until the event loop turns: what this run makes or removes itself is forgotten then and there. */
  indexOf(name: string): number {
    const known = this.#indexes.get(name)
    if (known !== undefined) return known
    const index = this.#place.indexOf(name)
    this.#indexes.set(name, index)
    return index
  }

  /** While the event loop turned, others may have made a device anew. Nothing is queued at that moment. */
  forget(): void {
    this.#indexes.clear()
    this.#plainRoutes.forget()
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
      this.#failAs(index, problem)
    }
  }

  /** Sends what is queued and takes the verdicts. Nothing is under way in the background at that moment. */
  flush(): void {
    const queue = this.#takeQueue()
    if (queue.length === 0) return
    try {
      this.#judge(queue, this.#place.socket.batch(queue.map(({ request }) => request)))
    } catch (error) {
      this.#failAll(queue, error)
    }
  }

  /** Hands what is queued to a thread of the pool. @returns when what was handed over before is done */
  async flushInBackground(): Promise<void> {
    const before = this.#underWay
    this.#underWay = this.#sendInBackground(this.#takeQueue())
    await before
    this.forget()
  }

  /** When nothing is queued and nothing under way any more. */
  async finish(): Promise<void> {
    if (this.#queuedWeight > SLICE_HERE) await this.flushInBackground()
    if (this.#underWay !== undefined) {
      await this.#underWay
      this.#underWay = undefined
      this.forget()
    }
    this.flush()
  }

  /** Is the change one that asks the kernel, or is made on the spot, and so must come after what is under way? */
  needsWhatWasSent(index: number): boolean {
    const change = this.#changes[index]
    if (change === undefined || (this.#underWay === undefined && this.#queuedWeight <= SLICE_HERE))
      return false
    if (change.kind === 'route') return change.action === 'remove' && PlainRoutes.concerns(change.value)
    return change.kind === 'link' || change.kind === 'sysctl'
  }

  makesDevice(index: number): boolean {
    const change = this.#changes[index]
    return change?.kind === 'link' && change.action === 'create'
  }

  /** `ip link add …` */
  async makeDevice(index: number): Promise<void> {
    const change = this.#changes[index]
    if (change?.kind !== 'link') return
    this.flush()
    try {
      const verdict = await makeDevice(this.#place, change.value, this)
      if (verdict.errno !== 0) this.#fail(index, verdict)
    } catch (error) {
      this.#failAs(index, inWordsOf(change, error))
    }
    this.forget()
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
    const removals = this.#changes.slice(from, from + count).map(async (change, position) => {
      try {
        const verdict = await this.#place.removals.remove(change.kind === 'link' ? change.value.name : '')
        if (verdict.errno !== 0) this.#fail(from + position, verdict)
      } catch (error) {
        this.#failAs(from + position, TrilaneError.from(error))
      }
    })
    await Promise.all(removals)
    this.forget()
  }

  #takeQueue(): readonly QueuedRequest[] {
    this.#queuedWeight = 0
    this.#queuedRoutes.clear()
    return this.#queue.splice(0)
  }

  async #sendInBackground(queue: readonly QueuedRequest[]): Promise<void> {
    try {
      this.#judge(queue, await this.#place.background.batchAsync(queue.map(({ request }) => request)))
    } catch (error) {
      this.#failAll(queue, error)
    }
  }

  #judge(queue: readonly QueuedRequest[], failed: ReadonlyMap<number, Verdict>): void {
    for (const [position, verdict] of failed) {
      const index = queue[position]?.index
      if (index !== undefined) this.#fail(index, verdict)
    }
  }

  /** The socket's own trouble: which of them were done, nobody knows. */
  #failAll(queue: readonly QueuedRequest[], error: unknown): void {
    for (const { index } of queue) this.#failAs(index, TrilaneError.from(error))
  }

  #start(index: number, change: KernelChange): void {
    const { action } = change
    switch (change.kind) {
      case 'link':
        this.#enqueue(index, DEVICE_WEIGHT, ...setLink(change.value, this))
        return
      case 'address':
        this.#enqueue(index, 1, writeAddress(action, change.value, this))
        return
      case 'route':
        if (action === 'remove' && PlainRoutes.concerns(change.value) && !this.#isThere(change.value)) return
        this.#plainRoutes.note(action, change.value)
        this.#queuedRoutes.add(`${change.value.destination}`)
        this.#enqueue(index, 1, writeRoute(action, change.value, this))
        return
      case 'neighbour':
        this.#enqueue(index, 1, writeNeighbour(action, change.value, this))
        return
      case 'fdb':
        this.#enqueue(index, 1, writeFdbEntry(action, change.value, this))
        return
      case 'sysctl':
        if (action === 'remove') {
          throw kernelError(commandOf(change), { errno: ERRNO.EINVAL, text: 'it has no former value' })
        }
        this.flush()
        this.#place.inside(() => writeSysctl(change.value))
    }
  }

  #enqueue(index: number, weight: number, ...requests: readonly Request[]): void {
    for (const request of requests) this.#queue.push({ index, request })
    this.#queuedWeight += weight * requests.length
  }

  #isThere(route: Route): boolean {
    // What is asked now must see what is queued.
    if (this.#queuedRoutes.has(`${route.destination}`)) this.flush()
    return this.#plainRoutes.has(route)
  }

  #fail(index: number, verdict: Verdict): void {
    const change = this.#changes[index]
    if (change === undefined || (change.action === 'remove' && isAbsent(verdict.errno))) return
    if (change.kind === 'route') this.#plainRoutes.forget()
    const last = isGatewayInside(change, verdict)
      ? writeGatewayInside(change, this, this.#place.socket)
      : verdict
    if (last.errno !== 0) this.#failAs(index, kernelError(commandOf(change), this.#refined(change, last)))
  }

  #refined(change: KernelChange, verdict: Verdict): Verdict {
    if (change.kind !== 'link') return verdict
    if (verdict.errno === ERRNO.ENODEV && verdict.text === undefined) {
      return { ...verdict, text: `device ${change.value.name}` }
    }
    return explainRefusal(change.value, verdict, (name) => this.#place.linkIfThere(name))
  }

  /** Of several messages of one change the first that failed says why. */
  #failAs(index: number, error: TrilaneError): void {
    if (!this.#errors.has(index)) this.#errors.set(index, error)
  }
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
