import {
  type CniDns,
  type CniNetworkConfig,
  type Invocation,
  ipamCallOf,
  meansSameIpam,
  NO_DNS,
  readGivenAddresses,
  readPluginConfig
} from '@trilane/cni'
import {
  type AttachmentRecord,
  type AttachRequest,
  type IpamCall,
  type IpamPlugins,
  type Logger,
  TrilaneError
} from '@trilane/contracts'

/** What an attach needs of another plugin, and what that plugin named besides. */
export interface AskedIpam {
  readonly ipam: NonNullable<AttachRequest['ipam']>
  /** Known once the addresses are. */
  dns(): CniDns
}

/** The plugins that configs name for addresses in the place of this node's lease (`ipam.type`). */
export class OtherIpam {
  readonly #plugins: IpamPlugins
  readonly #logger: Logger

  constructor(plugins: IpamPlugins, logger: Logger) {
    this.#plugins = plugins
    this.#logger = logger
  }

  /** @returns `undefined` where addresses are of this node's lease. @throws CniError for our own keys */
  callOf(invocation: Invocation, config: CniNetworkConfig): IpamCall | undefined {
    const { ipam } = readPluginConfig(config)
    return ipam === undefined ? undefined : ipamCallOf(invocation, ipam)
  }

  /** Nothing is written or asked yet, except whether there is such a plugin. @throws TrilaneError `TRI_IPAM_MISSING` */
  async ask(call: IpamCall, config: CniNetworkConfig): Promise<AskedIpam> {
    await this.#plugins.find(call)
    let dns = NO_DNS
    const give = async () => {
      const given = readGivenAddresses(await this.#plugins.run('ADD', call), config)
      dns = given.dns
      return given.addressing
    }
    return { ipam: { call, give }, dns: () => dns }
  }

  /** @throws TrilaneError `TRI_IPAM_…` */
  async run(verb: 'CHECK' | 'GC' | 'STATUS', call: IpamCall): Promise<void> {
    await this.#plugins.run(verb, call)
  }

  /** How an attachment's addresses are taken back, if the runtime knows better than the record by now. */
  betterThan({ ipam }: AttachmentRecord, call: IpamCall | undefined): { readonly ipam?: IpamCall } {
    return ipam !== undefined && call !== undefined && meansSameIpam(ipam, call) ? { ipam: call } : {}
  }

  /**
   * DEL for what no record says to be attached: another daemon may have been asked, or its disk was lost. A plugin that is
   * not there any more can take nothing back, and a runtime that hears so would ask for ever.
   *
   * @throws TrilaneError `TRI_IPAM_FAILED`, `TRI_IPAM_TIMEOUT`
   */
  async forget(call: IpamCall): Promise<void> {
    try {
      await this.#plugins.run('DEL', call)
    } catch (error) {
      if (!TrilaneError.is(error, 'TRI_IPAM_MISSING')) throw error
      this.#logger.warn('ipam plugin of an unknown pod is not there', { error })
    }
  }
}
