import type { SettingKind } from './setting-kinds.ts'

/** One line of the daemon's configuration. Help and docs are made from these. */
export interface NodeSetting {
  /** Its key in the node config file: `netConfigPath`. */
  readonly name: string
  /** Without dashes: `net-config-path`. With one dash or two, as Go's flags are written. */
  readonly flag: string
  /** Environment variables in the order in which they win. */
  readonly env: readonly string[]
  readonly kind: SettingKind
  /** May be given several times; in the environment it has one value, as with flannel. */
  readonly repeatable: boolean
  /** As it would be written; absent when there is none. */
  readonly default?: string
  /** One line. */
  readonly doc: string
  /** A flag of flanneld with flannel's meaning, or one of ours. */
  readonly origin: 'flannel' | 'trilane'
}

interface Row {
  readonly default?: string
  readonly repeatable?: true
}

function setting<const Name extends string, const Kind extends SettingKind>(
  origin: NodeSetting['origin'],
  name: Name,
  kind: Kind,
  doc: string,
  row: Row = {}
): NodeSetting & { readonly name: Name; readonly kind: Kind } {
  const flag = name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)
  const variable = flag.toUpperCase().replaceAll('-', '_')
  return {
    name,
    flag,
    env: origin === 'flannel' ? [`TRILANE_${variable}`, `FLANNELD_${variable}`] : [`TRILANE_${variable}`],
    kind,
    repeatable: row.repeatable ?? false,
    doc,
    origin,
    ...(row.default === undefined ? {} : { default: row.default })
  }
}

export const NODE_SETTINGS = [
  setting(
    'flannel',
    'netConfigPath',
    'path',
    'file with the network config; the daemon puts it into the store'
  ),
  setting('flannel', 'iface', 'text', 'name or address of the uplink; the first that fits', {
    repeatable: true
  }),
  setting('flannel', 'ifaceRegex', 'pattern', 'pattern for an address of the uplink, else for its name', {
    repeatable: true
  }),
  setting('flannel', 'ifaceCanReach', 'address', 'address whose route names the uplink'),
  setting('flannel', 'publicIp', 'address-v4', 'IPv4 address that peers reach this node by'),
  setting('flannel', 'publicIpv6', 'address-v6', 'IPv6 address that peers reach this node by'),
  setting('flannel', 'subnetFile', 'path', 'where subnet.env is written', {
    default: '/run/flannel/subnet.env'
  }),
  setting(
    'flannel',
    'subnetLeaseRenewMargin',
    'minutes',
    'minutes before its end at which the lease is renewed',
    {
      default: '60'
    }
  ),
  setting('flannel', 'ipMasq', 'boolean', 'masquerade what pods send out of the network', {
    default: 'false'
  }),
  setting(
    'flannel',
    'ipMasqFullyRandomDisable',
    'boolean',
    'keep source ports of masqueraded packets where possible',
    { default: 'false' }
  ),
  setting('flannel', 'iptablesForwardRules', 'boolean', 'let packets of the network be forwarded', {
    default: 'true'
  }),
  setting(
    'flannel',
    'iptablesResync',
    'seconds',
    'seconds between two comparisons of the whole firewall; changes of nftables are seen at once',
    { default: '5' }
  ),
  setting(
    'flannel',
    'ipBlackholeRoute',
    'boolean',
    "drop what is sent to this node's subnet while its bridge is away",
    { default: 'false' }
  ),
  setting('flannel', 'healthzIp', 'address', 'address of /healthz, /readyz and /metrics', {
    default: '0.0.0.0'
  }),
  setting('flannel', 'healthzPort', 'port', 'port of /healthz, /readyz and /metrics; 0: none', {
    default: '0'
  }),
  setting('flannel', 'v', 'verbosity', 'with 1 or more the log level is debug, unless --log-level is given'),
  setting('trilane', 'nonMasqueradeCidrs', 'prefixes', 'destinations outside that see the address of a pod', {
    repeatable: true
  }),
  setting(
    'trilane',
    'uplinkSysctls',
    'boolean',
    'set what forwarding needs on the uplink: loose rp_filter, accept_ra 2',
    { default: 'true' }
  ),
  setting('trilane', 'readyGrace', 'duration', 'how long a node may be degraded before /readyz says so', {
    default: '10s'
  }),
  setting('trilane', 'networkName', 'name', 'name of the network that this node serves', {
    default: 'default'
  }),
  setting(
    'trilane',
    'networks',
    'names',
    'names of several networks that this node serves, separated by commas'
  ),
  setting(
    'trilane',
    'netConfigPaths',
    'named-path',
    'as --net-config-path, for another network than default',
    {
      repeatable: true
    }
  ),
  setting('trilane', 'storeDirectory', 'path', 'directory of the file store', {
    default: '/var/lib/trilane/store'
  }),
  setting('trilane', 'runDirectory', 'path', 'for what a reboot may remove', { default: '/run/trilane' }),
  setting('trilane', 'stateDirectory', 'path', 'for what must survive a reboot', {
    default: '/var/lib/trilane'
  }),
  setting('trilane', 'cniDataDirectory', 'path', "host-local's directory of address reservations", {
    default: '/var/lib/cni/networks'
  }),
  setting('trilane', 'socketPath', 'path', "the daemon's socket; api.sock in the run directory unless given"),
  setting('trilane', 'leaseTtl', 'duration', 'how long a lease lives without being renewed', {
    default: '24h'
  }),
  setting('trilane', 'fullPass', 'duration', 'how often the whole kernel state is compared', {
    default: '30s'
  }),
  setting('trilane', 'bridge', 'device', 'bridge that pods of routed networks are ports of', {
    default: 'cni0'
  }),
  setting('trilane', 'machineId', 'name', 'identity of this node, instead of /etc/machine-id'),
  setting('trilane', 'nodeName', 'name', 'name of this node for people, instead of the host name'),
  setting('trilane', 'logLevel', 'log-level', 'least severity that is logged', { default: 'info' }),
  setting('trilane', 'store', 'store', 'where leases are kept: etcd if any of the next is given, else file'),
  setting('flannel', 'etcdEndpoints', 'endpoints', 'where etcd listens, separated by commas', {
    default: 'http://127.0.0.1:4001,http://127.0.0.1:2379'
  }),
  setting('flannel', 'etcdPrefix', 'text', 'place of the config and the leases in etcd', {
    default: '/coreos.com/network'
  }),
  setting('flannel', 'etcdCafile', 'path', 'CA that signed the certificates of etcd'),
  setting('flannel', 'etcdCertfile', 'path', 'certificate of this node for etcd'),
  setting('flannel', 'etcdKeyfile', 'path', 'key of that certificate'),
  setting('flannel', 'etcdUsername', 'text', 'user of etcd'),
  setting('flannel', 'etcdPassword', 'secret', 'password of that user; the environment hides it from `ps`')
] as const satisfies readonly NodeSetting[]

export type SettingName = (typeof NODE_SETTINGS)[number]['name']

/**
 * Flags of flanneld that this build has no use for, with what to do instead. To take them silently would start a
 * node that does something else than its operator asked for.
 */
export const FLANNEL_ONLY_FLAGS: Readonly<Record<string, string>> = {
  'kube-subnet-mgr': 'this build does not take leases from Kubernetes',
  'kube-api-url': 'this build does not take leases from Kubernetes',
  'kube-annotation-prefix': 'this build does not take leases from Kubernetes',
  'kubeconfig-file': 'this build does not take leases from Kubernetes',
  'set-node-network-unavailable': 'this build does not take leases from Kubernetes',
  vmodule: 'this build has --log-level',
  log_backtrace_at: 'this build has no such option'
}
