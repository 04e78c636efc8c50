import { readFile } from 'node:fs/promises'
import { Prefix } from '@trilane/ip'
import type { Place, Program } from '@trilane/testbed'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { until } from '../cluster/until.ts'
import type { EtcdCluster } from '../etcd/etcd-cluster.ts'
import { makeBridge, plugIn } from '../vxlan/flannel-node.ts'

/** A real flanneld of the reader's own: no part of this repository, and needed by nothing else in it. */
export const FLANNELD = process.env.FLANNELD

/** It on a machine of a cluster: the machine's own daemon does not run meanwhile. */
export class Flanneld {
  readonly node: ClusterNode
  readonly #site: EtcdCluster
  readonly #number: number
  #program: Program | undefined
  #starts = 0

  constructor(site: EtcdCluster, number: number) {
    this.#site = site
    this.#number = number
    this.node = site.node(number)
  }

  /** Ours reads and writes the same file. */
  get subnetFile(): string {
    return this.node.file('subnet.env')
  }

  /** @returns when it is ready and has written its subnet */
  async start(): Promise<void> {
    const logFile = this.node.file(`flanneld-${++this.#starts}.log`)
    // What kubelet or the bridge plugin would do.
    await this.node.place.run(['sysctl', '-qw', 'net/ipv4/ip_forward=1'])
    this.#program = await this.node.place.spawn(
      [
        `${FLANNELD}`,
        `-etcd-endpoints=${this.#site.etcd.endpoints.join(',')}`,
        `-subnet-file=${this.subnetFile}`,
        ...['-iface=eth0', '-iptables-forward-rules=false', '-v=1']
      ],
      { logFile }
    )
    const log = () => readFile(logFile, 'utf8')
    try {
      await until('flanneld is ready', async () => (await log()).includes('Running backend'))
    } catch (error) {
      throw new Error(`${String(error)}\nits log:\n${await log()}`, { cause: error })
    }
  }

  /** SIGTERM, or the signal given. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#program?.kill(signal)
    await this.#program?.exited
  }

  async subnet(): Promise<Prefix> {
    const [, gateway = ''] = /FLANNEL_SUBNET=(.+)/.exec(await readFile(this.subnetFile, 'utf8')) ?? []
    return Prefix.parse(gateway)
  }

  /** As flannel's CNI plugin does it. */
  async plugIn(name: string): Promise<{ readonly place: Place; readonly addresses: readonly string[] }> {
    const subnets = { v4: await this.subnet() }
    const [, mtu] = /FLANNEL_MTU=(.+)/.exec(await readFile(this.subnetFile, 'utf8')) ?? []
    await makeBridge(this.node, this.#number, subnets, Number(mtu))
    return plugIn(this.#site.cluster.bed, { node: this.node, subnets }, name)
  }
}
