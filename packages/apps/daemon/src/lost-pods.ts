import { type AttachmentRecord, type Kernel, TrilaneError } from '@trilane/contracts'
import type { Health } from './health.ts'

const CONDITION = 'pods cut off'

/** Enough for a sentence. */
const PODS_NAMED = 5

/**
 * Pods that live and have no interface any more. Linux removes the children of a device with it, whatever namespace they are
 * in, and no program that runs there could go on with new ones.
 */
export class LostPods {
  readonly #kernel: Kernel
  readonly #health: Health
  #parentIndex: number | undefined
  #isRaised = false

  constructor(parts: { readonly kernel: Kernel; readonly health: Health }) {
    this.#kernel = parts.kernel
    this.#health = parts.health
  }

  /** Looks into pods only when the parent is another device than it was, and as long as some are cut off. */
  async look(
    parent: { readonly name: string; readonly index: number },
    records: () => Promise<readonly AttachmentRecord[]>
  ): Promise<void> {
    const isSame = this.#parentIndex === undefined || this.#parentIndex === parent.index
    this.#parentIndex = parent.index
    if (isSame && !this.#isRaised) return
    const attached = (await records()).filter(
      ({ phase, link }) => phase === 'plugged' && link?.child !== undefined
    )
    const looks = await Promise.all(
      attached.map(async (record) => [record, await this.#isCutOff(record)] as const)
    )
    const lost = looks.flatMap(([record, isCutOff]) => (isCutOff ? [record] : []))
    this.#isRaised = lost.length > 0
    if (!this.#isRaised) {
      this.#health.clear(CONDITION)
      return
    }
    const names = lost.map(({ key }) => `${key.containerId}/${key.ifname}`)
    const pods = `${names.slice(0, PODS_NAMED).join(', ')}${names.length > PODS_NAMED ? ', …' : ''}`
    const values = { parent: parent.name, count: lost.length, pods }
    this.#health.raise(CONDITION, 'high', TrilaneError.of('TRI_PODS_CUT_OFF', values))
  }

  /** A namespace that is gone is a pod that has ended. */
  async #isCutOff({ namespace, key }: AttachmentRecord): Promise<boolean> {
    let pod: Kernel
    try {
      pod = await this.#kernel.namespace(namespace)
    } catch {
      return false
    }
    try {
      return (await pod.read({ links: [key.ifname] })).links.length === 0
    } finally {
      pod.close()
    }
  }
}
