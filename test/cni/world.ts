import { readdirSync, readFileSync } from 'node:fs'
import type { Place } from '@trilane/testbed'
import { Cluster, type ClusterOptions } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { jsonOf, LAUNCHER, NodePlugin, type Target } from './plugin.ts'

/** One node with a daemon, the plugin, and namespaces to put pods into. */
export class CniWorld {
  readonly cluster: Cluster
  readonly node: ClusterNode
  readonly plugin: NodePlugin
  #containers = 0

  private constructor(cluster: Cluster, program: string) {
    this.cluster = cluster
    this.node = cluster.node(1)
    this.plugin = new NodePlugin(this.node, program)
  }

  static async create(
    options: Omit<ClusterOptions, 'nodes'> = { config: 'host-gw-dual-stack' },
    program: string = LAUNCHER
  ): Promise<CniWorld> {
    return new CniWorld(await Cluster.create({ ...options, nodes: 1 }), program)
  }

  /** A new namespace, and how a runtime names it. */
  async container(): Promise<{ readonly place: Place; readonly target: Target }> {
    const name = `c${++this.#containers}`
    const place = await this.cluster.bed.addContainer(this.node.place, name)
    return { place, target: { containerId: name, netns: place.namespacePath } }
  }

  leftovers(): Promise<string> {
    return leftoversOn(this.node)
  }

  /** What host-local would read for an address, if there is a file. */
  reservation(address: string): string {
    return readFileSync(this.node.file('networks', 'default', address), 'utf8')
  }

  dispose(): Promise<void> {
    return this.cluster.dispose()
  }
}

/** All that the plugin could leave: devices, addresses, routes, reservations, records, spooled requests. */
export async function leftoversOn(node: ClusterNode): Promise<string> {
  const list = (...names: string[]): string[] => {
    try {
      return readdirSync(node.file(...names)).sort()
    } catch {
      return []
    }
  }
  const reservations = list('networks', 'default').filter((name) => /^[0-9a-f.:]+$/.test(name))
  const links = JSON.parse(await node.ip('-json', 'link', 'show')) as { ifname: string }[]
  return JSON.stringify({
    links: links.map(({ ifname }) => ifname).sort(),
    // The kernel's own come and go with the bridge's carrier.
    routes: (await node.routes('all')).filter((route) => !route.includes('proto kernel')),
    reservations,
    records: list('state', 'attachments', 'default'),
    spool: list('state', 'spool')
  })
}

interface AddedResult {
  readonly interfaces: readonly { name: string; mac: string; sandbox?: string; mtu?: number }[]
  readonly ips: readonly { address: string; gateway: string; interface: number }[]
  readonly routes: readonly { dst: string; gw: string }[]
  readonly dns?: object
}

/** A result of 0.3.0 or later. @throws Error with what was said instead */
export function resultOf(ran: { readonly status: number | null; readonly stdout: string }): AddedResult {
  if (ran.status !== 0) throw new Error(ran.stdout)
  return jsonOf(ran) as unknown as AddedResult
}

/** The addresses of a result, without their lengths. */
export function addressesOf(ran: {
  readonly status: number | null
  readonly stdout: string
}): readonly string[] {
  return resultOf(ran).ips.map(({ address }) => address.split('/')[0] ?? '')
}
