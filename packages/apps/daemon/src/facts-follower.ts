import { type Clock, type KernelEvent, type Logger, type NodeFacts, TrilaneError } from '@trilane/contracts'
import { Alarm } from './alarm.ts'
import type { Health } from './health.ts'
import { parentOf } from './parent-device.ts'

/** Events come in flocks; one reading answers them all. */
const GATHER_MS = 50

/** After a reading that failed the next one comes after this, doubling. */
const RETRY_MS = { first: 250, last: 5_000 } as const

interface FactsFollowerParts {
  /** @throws TrilaneError `TRI_UPLINK_NOT_FOUND` */
  readonly read: () => Promise<NodeFacts>
  /** The node is another, or its uplink is back. What it throws is said in `health`, and it is called again. */
  readonly onChange: (facts: NodeFacts) => Promise<void>
  readonly health: Health
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * What this node is, followed.
 *
 * A vanished uplink keeps its last facts: pods on this node go on talking, and it may come back – under another index,
 * and without what the kernel removed together with it.
 */
export class FactsFollower {
  readonly #parts: FactsFollowerParts
  readonly #alarm: Alarm
  #facts: NodeFacts | undefined
  #isGone = false
  #retryMs: number = RETRY_MS.first
  #looking: Promise<void> = Promise.resolve()

  constructor(parts: FactsFollowerParts) {
    this.#parts = parts
    this.#alarm = new Alarm(parts.clock, () => {
      this.#looking = this.#looking.then(() => this.#look())
    })
  }

  /** The last that were read. */
  get facts(): NodeFacts | undefined {
    return this.#facts
  }

  /** @throws TrilaneError `TRI_UPLINK_NOT_FOUND` */
  async readFirst(): Promise<void> {
    this.#facts = await this.#parts.read()
    this.#judgeParent(this.#facts)
  }

  /** Looks again when the event may have changed something. */
  onKernelEvent(event: KernelEvent): void {
    if (this.#facts !== undefined && this.#concerns(event, this.#facts)) this.#alarm.set(GATHER_MS)
  }

  #concerns(event: KernelEvent, { uplink, parent }: NodeFacts): boolean {
    const isOurs = (device: string | undefined): boolean => device === uplink.name || device === parent?.name
    switch (event.kind) {
      case 'lost':
        return true
      case 'link': {
        const { name, index, kind } = event.value
        return (
          isOurs(name) || (parent !== undefined && (index === parent.index || parentOf(kind) === parent.name))
        )
      }
      case 'address':
        return isOurs(event.value.device) || !event.value.address.isLinkLocal
      case 'route': {
        const { destination, device, gateway } = event.value
        return destination.length === 0 || (isOurs(device) && gateway === undefined)
      }
      case 'neighbour':
      case 'fdb':
        return false
    }
  }

  /** What the facts are made of besides the kernel is another. */
  lookSoon(): void {
    if (this.#facts !== undefined) this.#alarm.set(GATHER_MS)
  }

  stop(): void {
    this.#alarm.stop()
  }

  async #look(): Promise<void> {
    const { read, onChange, health, logger } = this.#parts
    try {
      const facts = await read()
      const isSame = textOf(facts) === textOf(this.#facts)
      this.#facts = facts
      if (!this.#isGone && isSame) return
      logger.info(this.#isGone ? 'uplink is back' : 'uplink changed', { uplink: facts.uplink })
      this.#judgeParent(facts)
      await onChange(facts)
      this.#isGone = false
      this.#retryMs = RETRY_MS.first
      health.clear('uplink')
    } catch (error) {
      const problem = TrilaneError.from(error)
      this.#isGone = true
      if (health.raise('uplink', 'high', problem)) logger.warn('uplink cannot be used', { error: problem })
      this.#alarm.set(this.#retryMs)
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.last)
    }
  }

  #judgeParent({ parent, network }: NodeFacts): void {
    const { health, logger } = this.#parts
    if (parent?.isDown !== true) {
      health.clear('parent')
      return
    }
    const { type } = network.backend
    const problem = TrilaneError.of('TRI_PARENT_UNFIT', {
      type,
      parent: parent.name,
      reason: 'it is down',
      remedy: `ip link set ${parent.name} up`
    })
    if (health.raise('parent', 'high', problem)) logger.warn('parent is down', { error: problem })
  }
}

/** Pods come and go on one and the same node. */
function textOf(facts: NodeFacts | undefined): string {
  return JSON.stringify({ ...facts, pods: undefined })
}
