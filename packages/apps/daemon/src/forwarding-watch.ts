import {
  EMPTY_KERNEL_STATE,
  type Kernel,
  type Logger,
  type NodeFacts,
  type Sysctl,
  TrilaneError
} from '@trilane/contracts'
import { familiesOf } from '@trilane/ip'
import { readAlias } from '@trilane/reconcile'
import { type ForwardingFacts, forwardingKeys, forwardingNeeds } from './forwarding.ts'
import type { Health } from './health.ts'
import type { ReconcileLoop } from './reconcile-loop.ts'

/** `RTPROT_RA`: out of a router advertisement. */
const ADVERTISED = 9

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
    try {
      if (node.uplink.name !== this.#uplink) this.#refused.clear()
      this.#uplink = node.uplink.name
      this.#noteRefusals(health)
      this.#wish(await this.#read(node))
    } catch (error) {
      this.#parts.logger.warn('kernel parameters not read', { error: TrilaneError.from(error) })
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

  async #read(node: NodeFacts): Promise<ForwardingFacts> {
    const { network, kernel, uplinkToo } = this.#parts
    const { name } = node.uplink
    const snapshot = await kernel.read({ links: true, addresses: true, routes: { protocol: ADVERTISED } })
    const devices: Omit<ForwardingFacts, 'sysctls'> = {
      families: familiesOf(node.network.families),
      ownDevices: snapshot.links
        .filter(({ alias }) => {
          const mark = readAlias(alias)
          return mark?.owner === 'network' && mark.network === network
        })
        .map((link) => link.name),
      livesByAdvertisements:
        snapshot.routes.some(({ device, destination }) => device === name && destination.family === 'v6') ||
        snapshot.addresses.some(
          ({ device, address, permanent }) =>
            device === name && address.family === 'v6' && !address.isLinkLocal && !permanent
        ),
      ...(uplinkToo ? { uplink: name } : {})
    }
    const { sysctls } = await kernel.read({ sysctls: forwardingKeys(devices) })
    return { ...devices, sysctls: new Map(sysctls.map(({ key, value }) => [key, value])) }
  }

  #noteRefusals(health: Health): void {
    const { failures } = this.#parts.loop.reconciler.standingOf(this.#slot)
    for (const { change, error } of failures) {
      if (change.kind !== 'sysctl' || error === undefined) continue
      this.#refused.add(change.value.key)
      if (health.raise('forwarding', 'low', error)) {
        this.#parts.logger.warn('kernel parameter not set', { error })
      }
    }
    if (this.#refused.size === 0) health.clear('forwarding')
  }
}
