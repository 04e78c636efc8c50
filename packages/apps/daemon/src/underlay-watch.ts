import type {
  AttachmentRecord,
  Kernel,
  KernelEvent,
  KernelState,
  Lease,
  Logger,
  PodLinkSpec,
  StoredLease
} from '@trilane/contracts'
import { TrilaneError } from '@trilane/contracts'
import { type IpAddress, valuesOf } from '@trilane/ip'
import { type LanesHere, nodeStateOf, podLinkOf } from '@trilane/lanes'
import type { Health } from './health.ts'
import { LostPods } from './lost-pods.ts'
import { outsidePodsState } from './outside-pods.ts'
import type { ReconcileLoop } from './reconcile-loop.ts'
import { SegmentWatch } from './segment-watch.ts'

/** Some that are likely to answer are enough. */
const TARGETS = 3

interface Parts {
  readonly network: string
  readonly kernel: Kernel
  readonly loop: Pick<ReconcileLoop, 'wish'>
  readonly records: () => Promise<readonly AttachmentRecord[]>
  readonly health: Health
  readonly logger: Logger
}

/**
 * What is to be watched where pods stand on a device of the node: whether the segment carries them, whether they still have
 * their interfaces, and the way to those that have addresses of a former slice.
 */
export class UnderlayWatch {
  readonly #parts: Parts
  readonly #segment: SegmentWatch
  readonly #lost: LostPods

  constructor(parts: Parts) {
    this.#parts = parts
    this.#segment = new SegmentWatch(parts)
    this.#lost = new LostPods(parts)
  }

  /** Whenever something of it is new, and after each full pass; nothing for networks of their own. Never rejects. */
  async look(here: LanesHere, lease: Lease, peers: Iterable<StoredLease>): Promise<void> {
    const { loop, network, records, logger } = this.#parts
    const { parent } = here.node
    if (parent === undefined) return
    const child = childIn(nodeStateOf(here, lease))
    try {
      await this.#lost.look(parent, records)
      if (child !== undefined) {
        const outside = outsidePodsState(await records(), lease, child)
        loop.wish(new Map([[`${network}/outside-pods`, outside]]))
      }
      const targets = targetsOf(podLinkOf(here, lease), peers)
      await this.#segment.look(
        child === undefined ? undefined : { parent: child.parent, child: child.device, targets }
      )
    } catch (error) {
      logger.warn('segment not looked at', { error: TrilaneError.from(error) })
    }
  }

  onKernelEvent(event: KernelEvent): void {
    if (!this.#segment.concerns(event)) return
    this.#segment
      .judge()
      .catch((error) => this.#parts.logger.warn('segment not looked at', { error: TrilaneError.from(error) }))
  }
}

/** The node's own device among its pods, if it has an address. */
function childIn(nodeState: KernelState) {
  for (const { name, kind } of nodeState.links) {
    if (kind.type !== 'macvlan' && kind.type !== 'ipvlan') continue
    const addresses = nodeState.addresses.filter(({ device }) => device === name)
    if (addresses.length > 0) return { device: name, parent: kind.parent, addresses }
  }
  return undefined
}

/** The gateway, then other nodes, as far as they are on the segment. */
function targetsOf(podLink: PodLinkSpec, peers: Iterable<StoredLease>): readonly IpAddress[] {
  if (podLink.type !== 'child') return []
  const found: IpAddress[] = []
  for (const { routes } of valuesOf(podLink.families)) {
    for (const { destination, gateway } of routes) {
      if (destination.length === 0 && gateway !== undefined) found.push(gateway)
    }
  }
  for (const { lease } of peers) {
    if (found.length >= TARGETS) break
    for (const address of valuesOf(lease.publicAddresses)) {
      if (podLink.families[address.family]?.onLink.contains(address) === true) found.push(address)
    }
  }
  return found
}
