import type {
  AddressPool,
  AttachmentKey,
  AttachmentRecord,
  ForeignLinks,
  ForeignPod,
  IpamCall
} from '@trilane/contracts'
import { isHeldBy } from './keys.ts'

/** What a caller of detach may know of the pod. */
export interface KnownPod extends Partial<Pick<ForeignPod, 'namespace' | 'hostDevices'>> {
  /** How another plugin takes its addresses back, if that is known better than by the record. */
  readonly ipam?: IpamCall
}

/** Pods without a record that have their addresses in this pool: flannel's chain attached them by the same files. */
export class ForeignPods {
  readonly #pool: AddressPool
  readonly #links: ForeignLinks

  constructor(pool: AddressPool, links: ForeignLinks) {
    this.#pool = pool
    this.#links = links
  }

  /** Its link, if it has an address here: what has none is not this network's. */
  async unplug(key: AttachmentKey, { namespace, hostDevices = [] }: KnownPod): Promise<void> {
    if (namespace === undefined && hostDevices.length === 0) return
    const { reservations } = await this.#pool.list()
    const addresses = reservations.filter((held) => isHeldBy(held, key)).map(({ address }) => address)
    if (addresses.length === 0) return
    const where = namespace === undefined ? {} : { namespace }
    await this.#links.remove({ key, addresses, hostDevices, ...where })
  }

  /**
   * Keys that hold addresses, have no record and are not valid. A reservation of an old host-local names the container
   * alone: its key has the empty interface.
   */
  async unrecorded(
    records: readonly AttachmentRecord[],
    valid: readonly AttachmentKey[]
  ): Promise<readonly AttachmentKey[]> {
    const { reservations } = await this.#pool.list()
    const known = [...records.map(({ key }) => key), ...valid]
    return reservations
      .filter((held) => !known.some((key) => isHeldBy(held, key)))
      .map(({ containerId, ifname = '' }) => ({ containerId, ifname }))
  }
}
