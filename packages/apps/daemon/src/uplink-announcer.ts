import { type Announcement, type Kernel, type Logger, TrilaneError, type Uplink } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'

/**
 * Tells the segment who has this node's addresses: `arping -U`. After a machine was replaced by one with the same
 * address, its peers would send to the MAC of the former for as long as Linux trusts it, half a minute and more.
 */
export class UplinkAnnouncer {
  readonly #kernel: Pick<Kernel, 'announce'>
  readonly #logger: Logger
  /** As text. */
  #told = ''

  constructor({ kernel, logger }: { readonly kernel: Pick<Kernel, 'announce'>; readonly logger: Logger }) {
    this.#kernel = kernel
    this.#logger = logger
  }

  /** At the start, and when addresses or MAC are others. Never rejects: who does not hear of it finds out by itself. */
  async tell(uplink: Uplink): Promise<void> {
    const announcements = announcementsOf(uplink)
    const text = announcements.map(({ device, address, mac }) => `${device} ${address} ${mac}`).join('\n')
    if (text === this.#told) return
    this.#told = text
    try {
      await this.#kernel.announce(announcements)
    } catch (error) {
      // The next look at the uplink tries again.
      this.#told = ''
      this.#logger.debug('uplink not announced', { device: uplink.name, error: TrilaneError.from(error) })
    }
  }
}

function announcementsOf({ name, mac, addresses }: Uplink): Announcement[] {
  if (mac === undefined) return []
  return valuesOf(addresses).map(({ address }) => ({ device: name, address, mac }))
}
