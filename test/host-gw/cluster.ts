import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PodJson } from '@trilane/contracts'
import { type HostOptions, type Place, type Switch, Testbed } from '@trilane/testbed'
import { ClusterNode, type NodeFlags } from './cluster-node.ts'

/** The ready configs, which are docs too. */
export const CONFIGS = {
  v4: new URL('../../configs/host-gw.yaml', import.meta.url).pathname,
  dual: new URL('../../configs/host-gw-dual-stack.yaml', import.meta.url).pathname
} as const

export interface ClusterOptions {
  /** @default 2 */
  readonly nodes?: number
  /** @default 'v4' */
  readonly config?: keyof typeof CONFIGS
  /** For every daemon, besides what the fixture gives: `{'full-pass': '1s'}`. */
  readonly flags?: NodeFlags
}

/** A pod that was attached through its node's socket. */
export interface Pod {
  readonly place: Place
  readonly containerId: string
  readonly answer: PodJson
  /** The first of each family, v4 before v6. */
  readonly addresses: readonly string[]
}

/** The segment of all nodes: node 1 has .1 and ::1. */
const segmentAddresses = (number: number): readonly string[] => [
  `192.168.77.${number}/24`,
  `fd77::${number}/64`
]

/** Nodes on one segment, each with the built daemon, one store for all. */
export class Cluster {
  readonly bed: Testbed
  readonly segment: Switch
  readonly storeDirectory: string
  readonly nodes: ClusterNode[] = []
  readonly #options: ClusterOptions

  private constructor(bed: Testbed, segment: Switch, options: ClusterOptions) {
    this.bed = bed
    this.segment = segment
    this.storeDirectory = join(bed.directory, 'store')
    this.#options = options
  }

  /** Everything is up, and every daemon serves all the others. */
  static async create(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.prepare(options)
    try {
      for (const node of cluster.nodes) await node.start()
      await cluster.settled()
      return cluster
    } catch (error) {
      await cluster.dispose()
      throw error
    }
  }

  /** The machines alone; no daemon runs yet. */
  static async prepare(options: ClusterOptions = {}): Promise<Cluster> {
    const bed = await Testbed.create({ name: 'host-gw' })
    try {
      const cluster = new Cluster(bed, await bed.addSwitch('segment'), options)
      await mkdir(cluster.storeDirectory)
      for (let number = 1; number <= (options.nodes ?? 2); number++) await cluster.addNode(number)
      return cluster
    } catch (error) {
      await bed.dispose()
      throw error
    }
  }

  /** A machine without a running daemon. By default it is plugged into the segment of all the others. */
  async addNode(number: number, host: Partial<HostOptions> = {}): Promise<ClusterNode> {
    const name = `node${number}`
    const place = await this.bed.addNode(name, {
      switch: this.segment,
      addresses: segmentAddresses(number),
      ...host
    })
    const node = new ClusterNode(place, {
      'net-config-path': CONFIGS[this.#options.config ?? 'v4'],
      'store-directory': this.storeDirectory,
      'machine-id': machineIdOf(name),
      'node-name': name,
      ...this.#options.flags
    })
    this.nodes.push(node)
    return node
  }

  /** @param number from 1 */
  node(number: number): ClusterNode {
    const node = this.nodes[number - 1]
    if (node === undefined) throw new RangeError(`there is no node${number}`)
    return node
  }

  /** Every running daemon has programmed or refused every other lease of the store. */
  async settled(): Promise<void> {
    const running = this.nodes.filter((node) => node.running)
    for (const node of running) await node.settled(running.length - 1)
  }

  async attach(node: ClusterNode, name: string): Promise<Pod> {
    const place = await this.bed.addContainer(node.place, name)
    const containerId = `${node.name}-${name}`
    const answer = await node.client.attach({ containerId, ifname: 'eth0', namespace: place.namespacePath })
    const addresses = answer.addresses
      .map(({ address }) => address)
      .sort((a, b) => Number(a.includes(':')) - Number(b.includes(':')))
    return { place, containerId, answer, addresses }
  }

  /** What of the store's leases is on disk: by key, the text. */
  async leaseText(key: string): Promise<string> {
    return readFile(join(this.storeDirectory, 'subnets', key), 'utf8')
  }

  /** A network config of the test's own. */
  async writeConfig(name: string, text: string): Promise<string> {
    const path = join(this.bed.directory, name)
    await writeFile(path, text)
    return path
  }

  async dispose(): Promise<void> {
    await this.bed.dispose()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }
}

/** 32 hex digits, as machine-id(5) has them. */
export function machineIdOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32)
}
