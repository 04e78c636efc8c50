import { expect } from 'vitest'
import { Cluster, type ClusterOptions } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { leftoversOn } from '../cni/world.ts'
import { buildImage } from './image.ts'
import { Machine } from './machine.ts'

/** What a newcomer types on Debian: its containerd looks for plugins there, and so does podman. */
export const INSTALL = 'trilane cni install --bin-dir /usr/lib/cni'

/** Two machines, each with a daemon and the plugin, ready for container runtimes. */
export class Clients {
  readonly cluster: Cluster
  readonly machines: readonly Machine[]
  /** Of the image that containers are made of. */
  readonly imagePath: string
  readonly #empty = new Map<ClusterNode, string>()

  private constructor(cluster: Cluster, machines: readonly Machine[], imagePath: string) {
    this.cluster = cluster
    this.machines = machines
    this.imagePath = imagePath
  }

  static async create(options: ClusterOptions): Promise<Clients> {
    const cluster = await Cluster.prepare({ nodes: 2, ...options })
    const machines: Machine[] = []
    try {
      for (const node of cluster.nodes) machines.push(await Machine.boot(node))
      const clients = new Clients(cluster, machines, buildImage(cluster.bed.directory))
      await cluster.start()
      for (const machine of machines) await machine.type(INSTALL)
      for (const node of cluster.nodes) clients.#empty.set(node, await leftoversOn(node))
      return clients
    } catch (error) {
      await endAll(cluster, machines)
      throw error
    }
  }

  /** @param number from 1 */
  machine(number: number): Machine {
    const machine = this.machines[number - 1]
    if (machine === undefined) throw new RangeError(`there is no machine ${number}`)
    return machine
  }

  /** Nothing of any pod is left on any node: devices, addresses, files, host ports, namespaces. */
  async nothingIsLeft(): Promise<void> {
    for (const machine of this.machines) {
      const { node } = machine
      await node.wait('nothing is left', async () => {
        expect(await leftoversOn(node)).toBe(this.#empty.get(node))
        expect(await machine.type('ls /run/netns')).toBe('')
        return true
      })
      expect(await machine.type('iptables -t nat -S; nft list ruleset')).not.toContain('dport')
    }
  }

  dispose(): Promise<void> {
    return endAll(this.cluster, this.machines)
  }
}

async function endAll(cluster: Cluster, machines: readonly Machine[]): Promise<void> {
  for (const machine of machines) await machine.end()
  await cluster.dispose()
}
