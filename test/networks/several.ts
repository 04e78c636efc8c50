import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NetworkStatus } from '@trilane/contracts'
import { Cluster, type ClusterOptions } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { configOf } from '../cni/plugin.ts'

/** Beside the plain network, which is host-gw's. */
export const BLUE = 'Network: 10.6.0.0/16\nBackend: {Type: vxlan, VNI: 6}\n'

/** Nodes whose daemons serve `default` and what else is named; none runs yet. */
export function prepared(options: Pick<ClusterOptions, 'nodes' | 'flags'> & { readonly networks: string }) {
  const { networks, flags = {}, ...more } = options
  return Cluster.prepare({ ...more, flags: { networks, 'full-pass': '1s', ...flags } })
}

/** Puts a network's config where every daemon of the cluster looks for it: at once. */
export async function storeConfig(cluster: Cluster, network: string, text: string): Promise<void> {
  const directory = join(cluster.storeDirectory, network)
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, '.config'), text)
  await rename(join(directory, '.config'), join(directory, 'config'))
}

export async function networkOf(node: ClusterNode, name: string): Promise<NetworkStatus> {
  const found = (await node.client.status()).networks.find((network) => network.name === name)
  if (found === undefined) throw new Error(`${node.name} serves no network ${name}`)
  return found
}

/** What is said of a network that is not served yet. */
export async function waitingFor(node: ClusterNode, name: string): Promise<string | undefined> {
  const { waiting = [] } = await node.client.status()
  return waiting.find((network) => network.name === name)?.problem?.message
}

/** How a command is told which of the networks is meant. */
export const named = (network: string): readonly string[] => [
  '--networks=default,blue',
  `--network-name=${network}`
]

/** Waits until the network serves so many peers and nothing is amiss. */
export async function networkReady(node: ClusterNode, name: string, peers: number): Promise<void> {
  await node.wait(`${name} is ready`, async () => {
    const network = await networkOf(node, name)
    const served = network.peers.filter(({ wanted, present }) => wanted > 0 && wanted === present)
    return network.state === 'ready' && served.length === peers
  })
}

/** What a runtime gives the plugin for an interface in that network. */
export const cniConfig = (network: string): object => configOf('1.0.0', { network })
