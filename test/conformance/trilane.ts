import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildKeys, Ground, Pool, Setup, Subject, Target } from '@trilane/cni-conformance'
import { machineIdOf } from '../cluster/cluster.ts'
import { ClusterNode } from '../cluster/cluster-node.ts'
import { LAUNCHER, VERSIONS } from '../cni/plugin.ts'
import { REFERENCE_DIRECTORY } from './expected.ts'

/** Each network has room for one lease of the size that the pool asks for. */
const NETWORKS: Readonly<Record<Pool, string>> = {
  v4: 'Network: 10.90.0.0/22\nSubnetLen: 24\nSubnetMin: 10.90.1.0\nSubnetMax: 10.90.1.0\n',
  dual: [
    'Network: 10.90.0.0/22\nSubnetLen: 24\nSubnetMin: 10.90.1.0\nSubnetMax: 10.90.1.0\n',
    'EnableIPv6: true\nIPv6Network: fd90::/62\nIPv6SubnetLen: 64\n'
  ].join(''),
  small: 'Network: 10.91.0.0/27\nSubnetLen: 29\n',
  'small v6': 'EnableIPv4: false\nEnableIPv6: true\nIPv6Network: fd91::/124\nIPv6SubnetLen: 126\n'
}

const BY_DAEMON = 'bridge, MTU and gateway are the daemon’s and follow from the network config'

const NOT_BRIDGED = 'pods of this network are on a bridge; for others see the column macvlan'

/** Our plugin, with a daemon of its own on each ground. */
export const TRILANE: Target = {
  name: 'Trilane',
  versions: VERSIONS,
  lacks: {
    'bridge keys': BY_DAEMON,
    'route MTU': 'routes that an IPAM plugin gives have no MTU of their own here',
    'layer 2': 'a pod without an address cannot be asked for',
    macvlan: NOT_BRIDGED,
    ipvlan: NOT_BRIDGED,
    'random names': 'the name is a hash of network, pod and interface, 44 bits long, which nobody else makes',
    'own namespace': 'the daemon plugs pods in; its own namespace is never one’s'
  },
  open
}

function open(ground: Ground, { pool }: Setup): Promise<Subject> {
  return openWith(ground, { config: `${NETWORKS[pool]}Backend: {Type: host-gw}\n`, bridge: 'cni0' })
}

export interface OurOptions {
  /** The network config, as text. */
  readonly config: string
  /** Of the node, to all of its pods: it stays when they go. */
  readonly bridge: string
  /** The config for other children of a device. */
  readonly configFor?: (keys: ChildKeys) => string
}

/** The plugin with a daemon of its own. */
export async function openWith(
  { host, directory }: Ground,
  { config: text, bridge, configFor }: OurOptions
): Promise<Subject> {
  const config = join(directory, 'network.yaml')
  const store = join(directory, 'store')
  mkdirSync(store, { recursive: true })
  writeFileSync(config, text)
  const node = new ClusterNode(host, {
    'net-config-path': config,
    'store-directory': store,
    'machine-id': machineIdOf(host.namespace),
    'node-name': host.name,
    'ip-masq': 'true'
  })
  await node.start()
  await node.ready()
  const hostLocal = join(directory, 'host-local')
  return {
    main: {
      program: LAUNCHER,
      config: { type: 'trilane', isDefaultGateway: true }
    },
    chained: [],
    env: { TRILANE_SOCKET_PATH: node.socketPath, TRILANE_STATE_DIRECTORY: node.file('state') },
    path: [REFERENCE_DIRECTORY],
    ipam: { type: 'host-local', ranges: [[{ subnet: '10.96.0.0/24' }]], dataDir: hostLocal },
    wrongKeys: [
      { network: 7 },
      { dns: 'x' },
      { runtimeConfig: 'x' },
      { runtimeConfig: { portMappings: 'x' } },
      { runtimeConfig: { bandwidth: { ingressRate: 'x' } } }
    ],
    bridge,
    reservations: node.file('networks', 'default'),
    directories: [
      hostLocal,
      node.file('networks'),
      node.file('state', 'attachments'),
      node.file('state', 'spool')
    ],
    agent: {
      log: () => node.log(),
      kill: async () => {
        await node.stop('SIGKILL')
      },
      start: async (within = [], untilReady = true) => {
        node.within = within
        await node.start()
        if (untilReady) await node.ready()
      }
    },
    ...(configFor === undefined
      ? {}
      : {
          stand: async (keys: ChildKeys) => {
            await node.stop('SIGKILL')
            writeFileSync(config, configFor(keys))
            await node.start()
            await node.wait('it serves its network, or says why not', () => hasDecided(node))
          }
        }),
    dispose: async () => {
      await node.stop('SIGKILL')
    }
  }
}

/** Ready, ended with an error, or waiting for what it names. */
async function hasDecided(node: ClusterNode): Promise<boolean> {
  if (!node.running) return true
  const { state } = await node.network()
  return state !== 'starting' || /TRI_[A-Z_]+/.test(node.log())
}
