import { expect } from 'vitest'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { TunnelView } from '../cluster/tunnel.ts'
import type { EtcdCluster } from './etcd-cluster.ts'

const MACS = '02:00:00:00:'

/** Peers of vxlan that nobody answers for, written into etcd by hand: whether every kernel has them shows who follows. */
export class Phantoms {
  readonly #site: EtcdCluster
  /** MAC by number. */
  readonly #present = new Map<number, string>()
  #changes = 0

  constructor(site: EtcdCluster) {
    this.#site = site
  }

  /** How many there are. */
  get count(): number {
    return this.#present.size
  }

  /** @param n up to 9; one that is there already gets another MAC */
  async put(n: number, patienceS?: number): Promise<void> {
    const change = this.#changes + 1
    const mac = `${MACS}0${n}:${change.toString(16).padStart(2, '0')}`
    const BackendData = { VNI: 1, VtepMAC: mac }
    const lease = { PublicIP: `192.168.77.${240 + n}`, BackendType: 'vxlan', BackendData }
    await this.#site.put(`subnets/10.5.${240 + n}.0-24`, lease, patienceS)
    this.#changes = change
    this.#present.set(n, mac)
  }

  async remove(n: number): Promise<void> {
    await this.#site.remove(`subnets/10.5.${240 + n}.0-24`)
    this.#present.delete(n)
  }

  /** Those that its kernel sends to: MAC by subnet. */
  async of(node: ClusterNode): Promise<Readonly<Record<string, string>>> {
    const { peers } = await TunnelView.of(node)
    return Object.fromEntries(
      peers.filter(({ mac }) => mac.startsWith(MACS)).map(({ subnet, mac }) => [subnet, mac])
    )
  }

  /** Until these nodes have all that are there, as they are, and no others. @returns how long it takes */
  async areOn(nodes: readonly ClusterNode[], withinMs = 30_000): Promise<number> {
    const wanted = Object.fromEntries([...this.#present].map(([n, mac]) => [`10.5.${240 + n}.0/24`, mac]))
    const startedMs = performance.now()
    for (const node of nodes) {
      await node.wait(
        `its kernel has ${JSON.stringify(wanted)}`,
        async () => {
          expect(await this.of(node)).toEqual(wanted)
          return true
        },
        withinMs
      )
    }
    return performance.now() - startedMs
  }
}
