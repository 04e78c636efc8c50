import {
  EMPTY_KERNEL_STATE,
  type Kernel,
  type Logger,
  type NodeFacts,
  type Sysctl,
  TrilaneError
} from '@trilane/contracts'
import { type ForwardingFacts, forwardingKeys, forwardingNeeds } from './forwarding.ts'
import type { Health } from './health.ts'
import { readForwarding } from './read-forwarding.ts'
import type { ReconcileLoop } from './reconcile-loop.ts'

interface ForwardingWatchParts {
  readonly network: string
  readonly kernel: Kernel
  readonly loop: ReconcileLoop
  /** May the uplink's parameters be set? */
  readonly uplinkToo: boolean
  readonly logger: Logger
}

/**
 * Keeps one network's {@link forwardingNeeds} wished, in a slot of their own. What was wished once stays so while the
 * device is the network's; what the kernel does not let us set is said in `health` and not tried again before the
 * uplink changes, so that a read-only /proc/sys does no more harm than that.
 */
export class ForwardingWatch {
  readonly #parts: ForwardingWatchParts
  readonly #slot: string
  readonly #refused = new Set<string>()
  #uplink: string | undefined
  #wished: readonly Sysctl[] = []
  #tail: Promise<void> = Promise.resolve()

  constructor(parts: ForwardingWatchParts) {
    this.#parts = parts
    this.#slot = `${parts.network}/forwarding`
  }

  /**
   * Reads what there is and wishes what is missing. Called as soon as the uplink is known – before forwarding is turned
   * on, which costs a default route out of router advertisements – and after each full pass.
   */
  look(node: NodeFacts, health: Health): Promise<void> {
    this.#tail = this.#tail.then(() => this.#look(node, health))
    return this.#tail
  }

  async #look(node: NodeFacts, health: Health): Promise<void> {
    const { kernel, uplinkToo, logger } = this.#parts
    try {
      this.#noteRefusals(health)
      if (node.uplink.name !== this.#uplink) this.#forgetRefusals(health)
      this.#uplink = node.uplink.name
      this.#wish(await readForwarding(kernel, node, uplinkToo))
    } catch (error) {
      logger.warn('kernel parameters not read', { error: TrilaneError.from(error) })
    }
  }

  #wish(facts: ForwardingFacts): void {
    const { loop, logger } = this.#parts
    const isAllowed = ({ key }: Sysctl): boolean => !this.#refused.has(key)
    const keys = new Set(forwardingKeys(facts))
    const kept = this.#wished.filter((sysctl) => keys.has(sysctl.key) && isAllowed(sysctl))
    const fresh = forwardingNeeds(facts).filter(
      ({ sysctl }) => isAllowed(sysctl) && !kept.some(({ key }) => key === sysctl.key)
    )
    for (const { sysctl, reason } of fresh) {
      logger.info('kernel parameter set for forwarding', { key: sysctl.key, value: sysctl.value, reason })
    }
    if (fresh.length === 0 && kept.length === this.#wished.length) return
    this.#wished = [...kept, ...fresh.map(({ sysctl }) => sysctl)]
    loop.wish(new Map([[this.#slot, { ...EMPTY_KERNEL_STATE, sysctls: this.#wished }]]))
  }

  #noteRefusals(health: Health): void {
    const { failures } = this.#parts.loop.reconciler.standingOf(this.#slot)
    for (const { change, error } of failures) {
      if (change.kind !== 'sysctl' || error === undefined) continue
      const { key } = change.value
      this.#refused.add(key)
      if (health.raise(conditionOf(key), 'low', error)) {
        this.#parts.logger.warn('kernel parameter not set', { error })
      }
    }
  }

  #forgetRefusals(health: Health): void {
    for (const key of this.#refused) health.clear(conditionOf(key))
    this.#refused.clear()
  }
}

function conditionOf(key: string): string {
  return `forwarding ${key}`
}
