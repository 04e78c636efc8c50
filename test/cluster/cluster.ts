import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PodJson } from '@trilane/contracts'
import { type HostOptions, type Place, type Switch, Testbed } from '@trilane/testbed'
import { ClusterNode, type NodeFlags } from './cluster-node.ts'

/** The ready configs, which are docs too, by their names in configs/. */
export type ConfigName =
  | 'host-gw'
  | 'host-gw-dual-stack'
  | 'vxlan'
  | 'vxlan-direct-routing'
  | 'vxlan-dual-stack'
  | 'vxlan-ipv6'

export function configPath(name: ConfigName): string {
  return new URL(`../../configs/${name}.yaml`, import.meta.url).pathname
}

export interface ClusterOptions {
  /** @default 2 */
  readonly nodes?: number
  /** A ready config, or the text of one. @default 'host-gw' */
  readonly config?: ConfigName | { readonly text: string }
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

/** A segment behind a router, and how a machine is plugged into it. */
export interface Elsewhere {
  readonly segment: Switch
  readonly router: Place
  /** Addresses and gateways there, as `addNode` takes them: node 3 has 192.168.88.3 and fd88::3. */
  host(number: number): Required<Omit<HostOptions, 'mtuBytes'>>
}

/** Nodes on one segment, each with the built daemon, one store for all. */
export class Cluster {
  readonly bed: Testbed
  readonly segment: Switch
  readonly storeDirectory: string
  readonly nodes: ClusterNode[] = []
  readonly #options: ClusterOptions
  /** By {@link writeLeases}, last. */
  #writtenRevision = 0

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
      await cluster.start()
      return cluster
    } catch (error) {
      await cluster.dispose()
      throw error
    }
  }

  /** The machines alone; no daemon runs yet. */
  static async prepare(options: ClusterOptions = {}): Promise<Cluster> {
    const bed = await Testbed.create({ name: 'cluster' })
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

  /**
   * A machine without a running daemon. By default it is plugged into the segment of all the others.
   *
   * @param flags of its daemon, besides those of all
   */
  async addNode(
    number: number,
    host: Partial<HostOptions> = {},
    flags: NodeFlags = {}
  ): Promise<ClusterNode> {
    const name = `node${number}`
    const place = await this.bed.addNode(name, {
      switch: this.segment,
      addresses: segmentAddresses(number),
      ...host
    })
    const node = new ClusterNode(place, {
      'net-config-path': await this.#configPath(),
      'store-directory': this.storeDirectory,
      'machine-id': machineIdOf(name),
      'node-name': name,
      ...this.#options.flags,
      ...flags
    })
    this.nodes.push(node)
    return node
  }

  /** A second segment, a router between the two, and default routes to it on the nodes that are there. */
  async addElsewhere(): Promise<Elsewhere> {
    const segment = await this.bed.addSwitch('elsewhere')
    const router = await this.bed.addRouter('router', {
      ports: [
        { switch: this.segment, addresses: ['192.168.77.254/24', 'fd77::254/64'] },
        { switch: segment, addresses: ['192.168.88.254/24', 'fd88::254/64'] }
      ]
    })
    for (const node of this.nodes) {
      await node.ip('route', 'add', 'default', 'via', '192.168.77.254')
      await node.ip('-6', 'route', 'add', 'default', 'via', 'fd77::254')
    }
    const host = (number: number) => ({
      switch: segment,
      addresses: [`192.168.88.${number}/24`, `fd88::${number}/64`],
      gateways: ['192.168.88.254', 'fd88::254']
    })
    return { segment, router, host }
  }

  /** Starts every daemon at once. @returns when each serves all the others */
  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()))
    await this.settled()
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

  /**
   * Leases as another program writes them: `value` is flannel's object, as it stands in etcd.
   *
   * @param leases by key: `10.5.71.0-24`
   */
  async writeLeases(leases: Readonly<Record<string, unknown>>): Promise<void> {
    const directory = join(this.storeDirectory, 'subnets')
    await mkdir(directory, { recursive: true })
    const entries = Object.entries(leases)
    // Revisions grow, and those of the store are times: ahead of the clock they would hide what is written next.
    this.#writtenRevision = Math.max(this.#writtenRevision, Date.now() - entries.length)
    for (const [key, value] of entries) {
      const staged = join(this.bed.directory, key)
      this.#writtenRevision++
      await writeFile(staged, `{"revision":${this.#writtenRevision},"value":${JSON.stringify(value)}}\n`)
      await rename(staged, join(directory, key))
    }
  }

  /** As somebody removes a lease who knows where the files are. */
  async removeLease(key: string): Promise<void> {
    await rm(join(this.storeDirectory, 'subnets', key))
  }

  /** The network config in the store, as another node would put it there: at once. */
  async storeConfig(text: string): Promise<void> {
    const path = join(this.storeDirectory, 'config')
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
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

  #configPath(): string | Promise<string> {
    const { config = 'host-gw' } = this.#options
    return typeof config === 'string' ? configPath(config) : this.writeConfig('network.yaml', config.text)
  }
}

/** 32 hex digits, as machine-id(5) has them. */
export function machineIdOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32)
}
