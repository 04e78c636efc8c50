import { createHash } from 'node:crypto'
import type { NodeConfig } from './node-config.ts'

/** The network that has the plain places, which are flannel's. */
const DEFAULT_NETWORK = 'default'

/** IFNAMSIZ − 1. */
const LONGEST_DEVICE_NAME = 15

/** The names of the networks that a daemon with this config serves, in their order. */
export function networkNames({
  networks,
  networkName
}: Pick<NodeConfig, 'networks' | 'networkName'>): readonly string[] {
  return networks ?? [networkName]
}

/**
 * The config of a node as it is for one of its networks. A node of one network has the plain places; of several, `default`
 * has them, and each other one has places of its own beside them:
 *
 * | place | of network `blue` |
 * |---|---|
 * | etcd | `<prefix>/blue`, as flannel's `--networks` had it |
 * | file store | `<store directory>/blue` |
 * | remembered store | `<state directory>/store-cache-blue` |
 * | `subnet.env` | `networks/blue.env` beside it |
 * | bridge | `cni-blue` |
 *
 * @param name one of {@link networkNames}
 */
export function networkPlace(config: NodeConfig, name: string = config.networkName): NodeConfig {
  if (config.networks === undefined || name === DEFAULT_NETWORK) return { ...config, networkName: name }
  const { netConfigPath: _, etcd, ...rest } = config
  const netConfigPath = config.netConfigPaths?.get(name)
  return {
    ...rest,
    networkName: name,
    ...(netConfigPath === undefined ? {} : { netConfigPath }),
    storeDirectory: `${config.storeDirectory.replace(/\/+$/, '')}/${name}`,
    ...(etcd === undefined
      ? {}
      : { etcd: { ...etcd, prefix: `${etcd.prefix.replace(/\/+$/, '')}/${name}` } }),
    storeCacheDirectory: `${config.storeCacheDirectory}-${name}`,
    subnetFile: config.subnetFile.replace(/[^/]*$/, `networks/${name}.env`),
    bridge: bridgeOf(name)
  }
}

function bridgeOf(network: string): string {
  const name = `cni-${network}`
  if (name.length <= LONGEST_DEVICE_NAME) return name
  const digest = createHash('sha256').update(network).digest('hex')
  return `cni-${digest.slice(0, LONGEST_DEVICE_NAME - 4)}`
}
