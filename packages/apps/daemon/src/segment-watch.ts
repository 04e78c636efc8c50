import { type Kernel, type KernelEvent, type Neighbour, TrilaneError } from '@trilane/contracts'
import type { IpAddress } from '@trilane/ip'
import type { Health } from './health.ts'

/** Who asks whom on a segment. */
export interface SegmentQuestion {
  /** The node's own device. */
  readonly parent: string
  /** A child of it with a MAC of its own, as pods have. */
  readonly child: string
  /** Machines that should answer both: the gateway, other nodes. */
  readonly targets: readonly IpAddress[]
}

const CONDITION = 'segment'

/**
 * Does the nodes' network carry the MACs of pods? A switch port may take one MAC only, and a hypervisor may drop frames of
 * MACs that it did not give out: then a neighbour answers the node, and nobody else behind the same port. Linux asks on
 * behalf of both; what it has found out stands in its neighbour tables.
 */
export class SegmentWatch {
  readonly #kernel: Pick<Kernel, 'read' | 'solicit'>
  readonly #health: Health
  #question: SegmentQuestion | undefined

  constructor(parts: { readonly kernel: Pick<Kernel, 'read' | 'solicit'>; readonly health: Health }) {
    this.#kernel = parts.kernel
    this.#health = parts.health
  }

  /** Judges by what was answered so far, and asks again. */
  async look(question: SegmentQuestion | undefined): Promise<void> {
    this.#question = question
    await this.judge()
    if (question === undefined) return
    const { parent, child, targets } = question
    const asked = targets.flatMap((address) => [
      { device: parent, address },
      { device: child, address }
    ])
    await this.#kernel.solicit(asked)
  }

  /** May it be the answer to a question of ours? Then it is time to {@link judge}. */
  concerns(event: KernelEvent): boolean {
    if (event.kind !== 'neighbour' || event.value.device !== this.#question?.child) return false
    const { state } = event.value
    return state === 'failed' || state === 'reachable'
  }

  /** By what was answered so far. */
  async judge(): Promise<void> {
    if (this.#question === undefined) {
      this.#health.clear(CONDITION)
      return
    }
    const { parent, child, targets } = this.#question
    const { neighbours } = await this.#kernel.read({ neighboursOf: [parent, child] })
    const entry = (device: string, address: IpAddress): Neighbour | undefined =>
      neighbours.find((one) => one.device === device && one.address.equals(address))
    const hears = targets.some((address) => entry(child, address)?.mac !== undefined)
    const deaf = targets.find((address) => {
      const own = entry(parent, address)
      return own?.mac !== undefined && own.state !== 'failed' && entry(child, address)?.state === 'failed'
    })
    if (hears) this.#health.clear(CONDITION)
    else if (deaf !== undefined) {
      const values = { parent, address: deaf }
      this.#health.raise(CONDITION, 'high', TrilaneError.of('TRI_SEGMENT_ONE_MAC', values))
    }
  }
}
