import { type AttachmentRecord, type Kernel, type Logger, TrilaneError } from '@trilane/contracts'
import { nodeStateOf } from '@trilane/lanes'
import { podLinkAlias, readAlias } from '@trilane/reconcile'
import type { NetworkAgent } from './network-agent.ts'

/** Enough for a sentence. */
const PODS_NAMED = 5

type Network = Pick<NetworkAgent, 'name' | 'health' | 'here' | 'lease'>

interface Parts {
  readonly kernel: Kernel
  /** Of all networks, also those that this daemon serves no longer. */
  readonly records: () => Promise<readonly AttachmentRecord[]>
  readonly networks: () => readonly Network[]
  /** Every network is there, and knows where its pods stand. */
  readonly isComplete: () => boolean
  readonly logger: Logger
}

/**
 * VLANs of ours that no config names any more, and that pods stand on: Linux would remove the pods' interfaces with them. They
 * are kept from the sweep until the last pod is gone, and the health of the pods' network names them.
 */
export class KeptVlans {
  readonly #parts: Parts
  /** By the device: who stands there. */
  #kept: ReadonlyMap<string, readonly AttachmentRecord[]> | undefined
  readonly #told = new Map<string, Network>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Not to be swept. `undefined`: not known, so nothing may be. */
  get devices(): ReadonlySet<string> | undefined {
    return this.#kept === undefined ? undefined : new Set(this.#kept.keys())
  }

  /** Before the first sweep, and after each full pass as long as one is kept. Never rejects. @returns whether one may be swept that was kept */
  async look(): Promise<boolean> {
    const { isComplete, logger } = this.#parts
    const former = this.#kept
    try {
      this.#kept = await this.#find()
    } catch (error) {
      logger.warn('VLANs that pods stand on not looked at', { error: TrilaneError.from(error) })
      return false
    }
    if (isComplete()) this.#tell(this.#kept)
    const now = this.#kept
    return former !== undefined && [...former.keys()].some((device) => !now.has(device))
  }

  async #find(): Promise<ReadonlyMap<string, readonly AttachmentRecord[]>> {
    const { kernel, records, networks } = this.#parts
    const named = new Set(networks().flatMap(devicesOf))
    const standing = new Map<string, AttachmentRecord[]>()
    for (const record of await records()) {
      const device = record.phase === 'plugged' ? record.link?.child?.parent : undefined
      if (device === undefined || named.has(device)) continue
      standing.set(device, [...(standing.get(device) ?? []), record])
    }
    const kept = new Map<string, readonly AttachmentRecord[]>()
    if (standing.size === 0) return kept
    const { links } = await kernel.read({ links: [...standing.keys()] })
    for (const { name, kind, alias } of links) {
      if (kind.type !== 'vlan' || readAlias(alias)?.owner !== 'network') continue
      const pods = standing.get(name) ?? []
      const areThere = await Promise.all(pods.map((record) => this.#isThere(record)))
      const alive = pods.filter((_, index) => areThere[index])
      if (alive.length > 0) kept.set(name, alive)
    }
    return kept
  }

  async #isThere({ namespace, network, key }: AttachmentRecord): Promise<boolean> {
    let pod: Kernel
    try {
      pod = await this.#parts.kernel.namespace(namespace)
    } catch {
      return false
    }
    try {
      const { links } = await pod.read({ links: [key.ifname] })
      return links.some(({ alias }) => alias === podLinkAlias(network, key))
    } finally {
      pod.close()
    }
  }

  #tell(kept: ReadonlyMap<string, readonly AttachmentRecord[]>): void {
    const { networks, logger } = this.#parts
    for (const [device, network] of this.#told) {
      if (kept.has(device)) continue
      network.health.clear(conditionOf(device))
      this.#told.delete(device)
      logger.info('nobody stands on the VLAN any more', { device })
    }
    for (const [device, records] of kept) {
      const all = networks()
      const network = all.find(({ name }) => records.some((record) => record.network === name)) ?? all[0]
      if (network === undefined) continue
      const names = records.map(
        (record) => `${record.network}/${record.key.containerId}/${record.key.ifname}`
      )
      const pods = `${names.slice(0, PODS_NAMED).join(', ')}${names.length > PODS_NAMED ? ', …' : ''}`
      const problem = TrilaneError.of('TRI_VLAN_KEPT', { device, count: names.length, pods })
      if (network.health.raise(conditionOf(device), 'low', problem)) {
        logger.warn('VLAN is kept', { error: problem })
      }
      this.#told.set(device, network)
    }
  }
}

/** What a network wants on this node; nothing before it has a lease. */
function devicesOf({ here, lease }: Network): readonly string[] {
  if (here === undefined || lease === undefined) return []
  return nodeStateOf(here, lease.lease).links.map(({ name }) => name)
}

/** Of `Health`. */
function conditionOf(key: string): string {
  return `kept ${key}`
}
