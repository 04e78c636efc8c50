import { Etcd, type Place, startFlood } from '@trilane/testbed'
import { Cluster, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode, NodeFlags } from '../cluster/cluster-node.ts'

export const PREFIX = '/coreos.com/network'
const ADDRESS = '192.168.77.100'

export interface EtcdClusterOptions {
  /** @default 2 */
  readonly nodes?: number
  /** Of etcd. @default 1 */
  readonly members?: number
  /** The network config in etcd. @default vxlan */
  readonly config?: unknown
  /** For every daemon. */
  readonly flags?: NodeFlags
  /** For every member of etcd. */
  readonly etcdFlags?: readonly string[]
}

/** Nodes with the built daemon on one segment, and as their store a real etcd on a machine of its own there. */
export class EtcdCluster {
  readonly cluster: Cluster
  readonly etcd: Etcd
  /** All members run here. */
  readonly host: Place
  readonly config: string
  readonly #flags: NodeFlags

  private constructor(cluster: Cluster, etcd: Etcd, host: Place, options: EtcdClusterOptions) {
    this.cluster = cluster
    this.etcd = etcd
    this.host = host
    this.config = JSON.stringify(options.config ?? { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } })
    this.#flags = {
      'net-config-path': undefined,
      'store-directory': undefined,
      'etcd-endpoints': etcd.endpoints.join(','),
      ...options.flags
    }
  }

  /** Everything is up, and every daemon serves all the others. */
  static async create(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
    const made = await EtcdCluster.prepare(options)
    try {
      await made.cluster.start()
      return made
    } catch (error) {
      await made.dispose()
      throw error
    }
  }

  /** The machines and etcd with its network config; no daemon runs yet. */
  static async prepare(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
    const cluster = await Cluster.prepare({ nodes: 0 })
    let etcd: Etcd | undefined
    try {
      const host = await cluster.bed.addNode('etcd', {
        switch: cluster.segment,
        addresses: [`${ADDRESS}/24`, 'fd77::100/64']
      })
      const { members = 1, etcdFlags = [] } = options
      etcd = await Etcd.start({ host, address: ADDRESS, members, flags: etcdFlags })
      const made = new EtcdCluster(cluster, etcd, host, options)
      await made.putConfig()
      for (let number = 1; number <= (options.nodes ?? 2); number++) await made.addNode(number)
      return made
    } catch (error) {
      await etcd?.dispose()
      await cluster.dispose()
      throw error
    }
  }

  get nodes(): readonly ClusterNode[] {
    return this.cluster.nodes
  }

  /** @param number from 1 */
  node(number: number): ClusterNode {
    return this.cluster.node(number)
  }

  /** @param addresses where they are not those of that number */
  addNode(number: number, flags: NodeFlags = {}, addresses?: readonly string[]): Promise<ClusterNode> {
    const host = addresses === undefined ? {} : { addresses }
    return this.cluster.addNode(number, host, { ...this.#flags, ...flags })
  }

  async putConfig(): Promise<void> {
    await this.etcd.ctl(['put', `${PREFIX}/config`, this.config])
  }

  /**
   * @param key below the prefix: `subnets/10.5.9.0-24`
   * @param patienceS how long etcd may take to agree
   */
  async put(key: string, value: unknown, patienceS = 10): Promise<void> {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    await this.etcd.ctl(['put', `--command-timeout=${patienceS}s`, `${PREFIX}/${key}`, '--', text])
  }

  async remove(key: string): Promise<void> {
    await this.etcd.ctl(['del', `${PREFIX}/${key}`])
  }

  /** All leases, their values as they stand in etcd, by key. */
  async leases(): Promise<ReadonlyMap<string, KeyInEtcd>> {
    const text = await this.etcd.ctl(['get', '--prefix', `${PREFIX}/subnets/`, '--write-out', 'json'])
    // Lease ids are longer than a JavaScript number is exact.
    const { kvs = [] } = JSON.parse(text.replace(/"lease":(\d+)/g, '"lease":"$1"')) as {
      kvs?: { key: string; value: string; mod_revision: number; lease?: string }[]
    }
    const plain = (base64: string) => Buffer.from(base64, 'base64').toString()
    return new Map(
      kvs.map(({ key, value, mod_revision, lease }) => [
        plain(key).slice(`${PREFIX}/subnets/`.length),
        { text: plain(value), revision: mod_revision, isReserved: lease === undefined }
      ])
    )
  }

  async dispose(): Promise<void> {
    await this.etcd.dispose()
    await this.cluster.dispose()
  }
}

export interface KeyInEtcd {
  readonly text: string
  readonly revision: number
  /** It has no etcd lease. */
  readonly isReserved: boolean
}

/**
 * Each of these pods sends 1,000 packets a second to the next one, while `act` runs; all are answered. Prints the figures.
 *
 * @returns how many were lost
 */
export async function lostWhile(
  what: string,
  pods: readonly Pod[],
  act: () => Promise<void>
): Promise<number> {
  const pairs = pods.slice(1).map((to, at) => [pods[at] as Pod, to] as const)
  const floods = await Promise.all(
    pairs.map(([from, to]) =>
      startFlood({ from: from.place, to: to.place, address: to.addresses[0] ?? '', packetsPerSecond: 1_000 })
    )
  )
  const startedMs = performance.now()
  let results: { sent: number; lost: number }[]
  try {
    await act()
  } finally {
    results = await Promise.all(floods.map((flood) => flood.stop()))
  }
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
  const sum = (of: 'sent' | 'lost') => results.reduce((all, result) => all + result[of], 0)
  console.log(`${what}: ${seconds} s, ${sum('sent')} packets, ${sum('lost')} lost`)
  return sum('lost')
}
