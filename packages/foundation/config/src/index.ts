/**
 * What people and flanneld write, as values: the network config, the node config, leases, `subnet.env`.
 *
 * Everything here is text in, value out (or the other way round) and pure: no file, no environment, no clock.
 * flannel's rules are kept to the letter where they decide what a cluster does, and made stricter only where flannel
 * accepts what cannot work.
 *
 * @packageDocumentation
 */
export {
  addressOption,
  booleanOption,
  choiceOption,
  integerOption,
  invalidOption,
  type RawOptions,
  textOption
} from './backend-options.ts'
export {
  type CheckedNetworkConfig,
  type CheckOptions,
  type ConfigWarning,
  checkNetworkConfig
} from './check-network-config.ts'
export type { EtcdConfig } from './etcd-config.ts'
export { type FlagValues, parseFlags } from './flags.ts'
export { decodeLease, encodeLease } from './lease-json.ts'
export { leaseKey, parseLeaseKey } from './lease-key.ts'
export { type LiveChange, type LiveRules, liveChange } from './live-change.ts'
export { nearestName } from './nearest-name.ts'
export { NETWORK_CONFIG_KEYS, type NetworkConfigOptions, parseNetworkConfig } from './network-config.ts'
export { networkNames, networkPlace } from './network-place.ts'
export { type NodeConfig, type NodeConfigSources, resolveNodeConfig } from './node-config.ts'
export { FLANNEL_ONLY_FLAGS, NODE_SETTINGS, type NodeSetting, type SettingName } from './node-settings.ts'
export { LOG_LEVELS, type LogLevel, SETTING_KINDS, type SettingKind } from './setting-kinds.ts'
export { formatSubnetEnv, parseDotenv, parseSubnetEnv, type SubnetEnv } from './subnet-env.ts'
