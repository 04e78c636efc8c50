import type { IpAddress, PerFamily, Prefix } from '@trilane/ip'
import { type EtcdConfig, etcdConfig } from './etcd-config.ts'
import { type FlagValues, refuseFlannelOnly } from './flags.ts'
import { FLANNEL_ONLY_FLAGS } from './node-settings.ts'
import type { LogLevel } from './setting-kinds.ts'
import { SettingSources } from './setting-sources.ts'

/** How this node's daemon runs. Directories and files are absolute paths. */
export interface NodeConfig {
  /** The file with the network config; the store's own when absent. */
  readonly netConfigPath?: string
  readonly iface: readonly string[]
  /** Each is a valid regular expression. */
  readonly ifaceRegex: readonly string[]
  readonly ifaceCanReach?: IpAddress
  /** Instead of the uplink's own. */
  readonly publicAddresses: PerFamily<IpAddress>
  readonly subnetFile: string
  readonly ipMasq: boolean
  readonly ipMasqFullyRandomDisable: boolean
  /** Destinations outside the network that see a pod's own address. */
  readonly nonMasqueradeCidrs: readonly Prefix[]
  readonly iptablesForwardRules: boolean
  /** Between two comparisons of the whole firewall. */
  readonly firewallPassMs: number
  readonly ipBlackholeRoute: boolean
  /** May the daemon set kernel parameters of the uplink? */
  readonly uplinkSysctls: boolean
  /** Where health and metrics are served; absent: nowhere. */
  readonly healthEndpoint?: { readonly address: IpAddress; readonly port: number }
  /** How long a node may be degraded before it says that it is not ready. */
  readonly readyGraceMs: number
  /** The network that is meant: of several, where a command is about one. */
  readonly networkName: string
  /** The networks of a node that serves several; see {@link networkPlace}. */
  readonly networks?: readonly string[]
  /** As {@link netConfigPath}, by network. */
  readonly netConfigPaths?: ReadonlyMap<string, string>
  readonly storeDirectory: string
  /** Instead of the directory, when leases are kept in etcd. Holds a password: never to be logged. */
  readonly etcd?: EtcdConfig
  readonly runDirectory: string
  readonly stateDirectory: string
  /** Where the store's last words are kept. */
  readonly storeCacheDirectory: string
  readonly cniDataDirectory: string
  readonly socketPath: string
  readonly leaseTtlMs: number
  /** How long before its end the lease is renewed; below {@link leaseTtlMs}. */
  readonly leaseRenewMarginMs: number
  readonly fullPassMs: number
  readonly bridge: string
  /** Instead of /etc/machine-id. */
  readonly machineId?: string
  /** Instead of the host name. */
  readonly nodeName?: string
  readonly logLevel: LogLevel
}

export interface NodeConfigSources {
  readonly flags: FlagValues
  /** `process.env`. An empty variable counts as not set, as with flannel. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The node config file: YAML or JSON, keys as in {@link NODE_SETTINGS}. */
  readonly file?: { readonly source: string; readonly text: string }
}

/**
 * Each setting from the first that has it: flag, `TRILANE_…`, `FLANNELD_…`, node config file, default.
 *
 * @throws TrilaneError `TRI_CONFIG_SYNTAX`; `TRI_CONFIG_INVALID` with the flag, variable or key, its value and what
 *   is allowed, also for keys of the file that nobody knows and for variables of flanneld that this build cannot obey
 */
export function resolveNodeConfig(sources: NodeConfigSources): NodeConfig {
  for (const flag of Object.keys(FLANNEL_ONLY_FLAGS)) {
    const variable = `FLANNELD_${flag.toUpperCase().replaceAll('-', '_')}`
    const value = sources.env[variable]
    if (value !== undefined && value !== '') refuseFlannelOnly(flag, variable, value)
  }
  const settings = new SettingSources(sources)
  const netConfigPath = settings.get('netConfigPath')
  const ifaceCanReach = settings.get('ifaceCanReach')
  const v4 = settings.get('publicIp')
  const v6 = settings.get('publicIpv6')
  const machineId = settings.get('machineId')
  const nodeName = settings.get('nodeName')
  const runDirectory = settings.need('runDirectory')
  const stateDirectory = settings.need('stateDirectory')
  const leaseTtlMs = settings.need('leaseTtl')
  const healthEndpoint = { address: settings.need('healthzIp'), port: settings.need('healthzPort') }
  const byVerbosity = settings.get('v')
  const etcd = etcdConfig(settings)
  return {
    ...(netConfigPath === undefined ? {} : { netConfigPath }),
    iface: settings.all('iface'),
    ifaceRegex: settings.all('ifaceRegex'),
    ...(ifaceCanReach === undefined ? {} : { ifaceCanReach }),
    publicAddresses: { ...(v4 === undefined ? {} : { v4 }), ...(v6 === undefined ? {} : { v6 }) },
    subnetFile: settings.need('subnetFile'),
    ipMasq: settings.need('ipMasq'),
    ipMasqFullyRandomDisable: settings.need('ipMasqFullyRandomDisable'),
    nonMasqueradeCidrs: settings.all('nonMasqueradeCidrs').flat(),
    iptablesForwardRules: settings.need('iptablesForwardRules'),
    firewallPassMs: settings.need('iptablesResync'),
    ipBlackholeRoute: settings.need('ipBlackholeRoute'),
    uplinkSysctls: settings.need('uplinkSysctls'),
    ...(healthEndpoint.port === 0 ? {} : { healthEndpoint }),
    readyGraceMs: settings.need('readyGrace'),
    ...networksOf(settings),
    storeDirectory: settings.need('storeDirectory'),
    ...(etcd === undefined ? {} : { etcd }),
    runDirectory,
    stateDirectory,
    storeCacheDirectory: `${stateDirectory}/store-cache`,
    cniDataDirectory: settings.need('cniDataDirectory'),
    socketPath: settings.get('socketPath') ?? `${runDirectory}/api.sock`,
    leaseTtlMs,
    leaseRenewMarginMs: renewMarginMs(settings, leaseTtlMs),
    fullPassMs: settings.need('fullPass'),
    bridge: settings.need('bridge'),
    ...(machineId === undefined ? {} : { machineId }),
    ...(nodeName === undefined ? {} : { nodeName }),
    logLevel:
      byVerbosity === undefined || settings.isGiven('logLevel') ? settings.need('logLevel') : byVerbosity
  }
}

function networksOf(
  settings: SettingSources
): Pick<NodeConfig, 'networkName' | 'networks' | 'netConfigPaths'> {
  const networks = settings.get('networks')
  const netConfigPaths = new Map(settings.all('netConfigPaths'))
  const given = settings.isGiven('networkName') ? settings.need('networkName') : undefined
  const networkName = given ?? networks?.[0] ?? settings.need('networkName')
  if (networks === undefined) {
    if (netConfigPaths.size > 0) throw settings.invalid('netConfigPaths', 'it needs --networks')
    return { networkName }
  }
  if (!networks.includes(networkName)) {
    throw settings.invalid('networkName', `it must be one of --networks: ${networks.join(', ')}`)
  }
  if ([...netConfigPaths.keys()].some((name) => name === 'default' || !networks.includes(name))) {
    const allowed = 'each is of one of --networks; that of default is told by --net-config-path'
    throw settings.invalid('netConfigPaths', allowed)
  }
  return { networkName, networks, netConfigPaths }
}

/** The default margin gives way to a short life; one that somebody chose must fit it. */
function renewMarginMs(settings: SettingSources, leaseTtlMs: number): number {
  const marginMs = settings.need('subnetLeaseRenewMargin')
  if (marginMs < leaseTtlMs) return marginMs
  if (settings.isGiven('subnetLeaseRenewMargin')) {
    throw settings.invalid(
      'subnetLeaseRenewMargin',
      `it must be shorter than the lease's life of ${leaseTtlMs / 60_000} min`
    )
  }
  return Math.floor(leaseTtlMs / 2)
}
