import type {
  AddressPool,
  AttachmentKey,
  AttachmentRecord,
  AttachRequest,
  GivenAddressing,
  IpamCall,
  IpamPlugins
} from '@trilane/contracts'
import { type Family, type IpAddress, type PerFamily, valuesOf } from '@trilane/ip'
import { isHeldBy } from './keys.ts'

/** By what the addresses of a pod are chosen. */
export type Wanted = Pick<AttachRequest, 'addresses' | 'ranges' | 'ipam'>

export interface Prepared {
  readonly addresses: PerFamily<IpAddress>
  /** When another plugin gave them. */
  readonly addressing?: GivenAddressing
}

/** Where the addresses of pods go back to: this node's pool, or the plugin that gave them. */
export class GivenBack {
  readonly #pool: AddressPool
  readonly #ipam: Pick<IpamPlugins, 'run'>

  constructor(pool: AddressPool, ipam: Pick<IpamPlugins, 'run'>) {
    this.#pool = pool
    this.#ipam = ipam
  }

  /** @param ipam by which another plugin takes them back. @throws what pool or plugin throw */
  async release(key: AttachmentKey, ipam: IpamCall | undefined): Promise<void> {
    if (ipam !== undefined) await this.#ipam.run('DEL', ipam)
    // Also then: a crash may have left something of a former attach of the key, with another config.
    await this.#pool.release(key)
  }

  /** What others may get though this pod has it, one sentence each. Of its own another plugin knows better. */
  async lost({ key, addresses, ipam }: AttachmentRecord): Promise<readonly string[]> {
    if (ipam !== undefined) return []
    const { reservations } = await this.#pool.list()
    const lost = valuesOf(addresses).filter(
      (address) => !reservations.some((held) => held.address.equals(address) && isHeldBy(held, key))
    )
    return lost.map((address) => `the address ${address} is not reserved for it`)
  }
}

/** The first address of each family. */
export function firstsOf({ addresses }: GivenAddressing): PerFamily<IpAddress> {
  const firsts: { [F in Family]?: IpAddress } = {}
  for (const { address } of addresses) firsts[address.family] ??= address
  return firsts
}
