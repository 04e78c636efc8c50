import {
  type AttachmentKey,
  type ChildPodLink,
  type Kernel,
  type LinkReading,
  type Logger,
  type PluggedLink,
  type PluggedPod,
  type PodLinkRequest,
  TrilaneError
} from '@trilane/contracts'
import { type Mac, valuesOf } from '@trilane/ip'
import { podLinkAlias } from '@trilane/reconcile'
import { applyAll } from './apply-all.ts'
import { type ChildLinkPlan, childLinkStates, hasParentMac } from './child-link-states.ts'
import { childProblems } from './child-problems.ts'
import { childMac } from './names.ts'
import type { OneKindOfLinks } from './one-kind-of-links.ts'

/**
 * Plugs the pods of one network in as children of a device of the node. Such a child lives in the pod's namespace alone,
 * and so does its mark: what is not told where to look finds nothing.
 */
export class ChildPodLinks implements OneKindOfLinks<ChildPodLink> {
  readonly #kernel: Kernel
  readonly #network: string
  readonly #machineId: string
  readonly #logger: Logger

  /** @param parts kernel: of the node; network: its name */
  constructor(parts: {
    readonly kernel: Kernel
    readonly network: string
    readonly machineId: string
    readonly logger: Logger
  }) {
    this.#kernel = parts.kernel
    this.#network = parts.network
    this.#machineId = parts.machineId
    this.#logger = parts.logger
  }

  async plug(spec: ChildPodLink, request: PodLinkRequest): Promise<PluggedLink> {
    const parent = await this.#parentOf(spec)
    // It may have shrunk a moment ago: Linux refuses a child that is larger.
    const mtuBytes = Math.min(spec.mtuBytes, parent?.mtuBytes ?? spec.mtuBytes)
    const mac = hasParentMac(spec.kind) ? parent?.mac : this.#ownMac(request.key)
    const plan = childLinkStates(this.#network, { ...spec, mtuBytes }, request, mac)
    const pod = await this.#kernel.namespace(request.namespace)
    try {
      // The segment has its time to answer while the device is made; no address is on it yet.
      const [asked, created] = await Promise.allSettled([
        this.#refuseUsed(spec, request),
        this.#create(plan, spec, request)
      ])
      if (created.status === 'rejected') throw created.reason
      try {
        if (asked.status === 'rejected') throw asked.reason
        await this.#configure(plan, pod)
      } catch (error) {
        await this.#undo(pod, request)
        throw error
      }
      await this.#announce(plan, pod)
      return plan.link
    } finally {
      pod.close()
    }
  }

  async unplug(key: AttachmentKey, namespace?: string): Promise<boolean> {
    return (
      (await this.#inNamespace(namespace, async (pod) => {
        const device = await this.#ownDevice(pod, key)
        if (device === undefined) return false
        await applyAll(pod, [{ kind: 'link', action: 'remove', value: device }])
        return true
      })) === true
    )
  }

  async isPlugged(key: AttachmentKey, namespace?: string): Promise<boolean> {
    const found = await this.#inNamespace(namespace, (pod) => this.#ownDevice(pod, key))
    return found !== undefined
  }

  async inspect(plugged: PluggedPod): Promise<readonly string[]> {
    const parentName = plugged.link.child?.parent
    const { links } = await this.#kernel.read({ links: parentName === undefined ? [] : [parentName] })
    try {
      const pod = await this.#kernel.namespace(plugged.namespace)
      try {
        const inside = await pod.read({ links: [plugged.key.ifname], addresses: true, routes: 'main' })
        return childProblems(this.#network, plugged, inside, links[0])
      } finally {
        pod.close()
      }
    } catch (error) {
      if (TrilaneError.is(error, 'TRI_NAMESPACE_INVALID')) return [error.message]
      throw error
    }
  }

  async #parentOf({ kind }: ChildPodLink): Promise<LinkReading | undefined> {
    const { links } = await this.#kernel.read({ links: [kind.parent] })
    return links[0]
  }

  #ownMac(key: AttachmentKey): Mac {
    return childMac(this.#machineId, this.#network, key)
  }

  /** @throws TrilaneError `TRI_ADDRESS_IN_USE` */
  async #refuseUsed(spec: ChildPodLink, request: PodLinkRequest): Promise<void> {
    if (spec.probeMs === 0) return
    const device = spec.kind.parent
    const questions = valuesOf(request.addresses).map((address) => ({ device, address }))
    const [holder] = await this.#kernel.probe(questions, spec.probeMs)
    if (holder === undefined) return
    const { address, mac } = holder
    throw TrilaneError.of('TRI_ADDRESS_IN_USE', { device, address, mac })
  }

  /** A `create` that fails has left nothing: the port promises it. */
  async #create(plan: ChildLinkPlan, { kind }: ChildPodLink, request: PodLinkRequest): Promise<void> {
    try {
      await applyAll(this.#kernel, [plan.create])
    } catch (error) {
      const { namespace, key } = request
      if (TrilaneError.is(error, 'TRI_KERNEL_EXISTS')) {
        const values = { namespace, ifname: key.ifname }
        throw TrilaneError.of('TRI_POD_INTERFACE_EXISTS', values, { cause: error })
      }
      const reason = busyReason(error, kind.type)
      if (reason === undefined) throw error
      const values = { wanted: kind.type, parent: kind.parent, reason }
      throw TrilaneError.of('TRI_PARENT_BUSY', values, { cause: error })
    }
  }

  async #configure(plan: ChildLinkPlan, pod: Kernel): Promise<void> {
    for (const { change, error } of await pod.apply(plan.pod)) {
      if (error === undefined) continue
      // A pod with several interfaces: the first attached one leads out.
      if (change.kind !== 'route' || error.code !== 'TRI_KERNEL_EXISTS') throw error
      this.#logger.info('pod has that route already', { route: change.value.destination })
    }
  }

  async #announce({ announcements }: ChildLinkPlan, pod: Kernel): Promise<void> {
    try {
      await pod.announce(announcements)
    } catch (error) {
      // The pod works; neighbours that remember a former owner of the address find out by themselves.
      this.#logger.warn('pod not announced', { error: TrilaneError.from(error) })
    }
  }

  /** Failing to clean up must not hide why: the device ends with the pod's namespace at the latest. */
  async #undo(pod: Kernel, { key }: PodLinkRequest): Promise<void> {
    try {
      const device = await this.#ownDevice(pod, key)
      if (device !== undefined) await applyAll(pod, [{ kind: 'link', action: 'remove', value: device }])
    } catch (error) {
      this.#logger.error('pod link left behind', { ...key, error: TrilaneError.from(error) })
    }
  }

  /** @returns `undefined` when nobody says where, and when that namespace is gone, and its devices with it */
  async #inNamespace<T>(path: string | undefined, work: (pod: Kernel) => Promise<T>): Promise<T | undefined> {
    if (path === undefined || path === '') return undefined
    let pod: Kernel
    try {
      pod = await this.#kernel.namespace(path)
    } catch (error) {
      if (TrilaneError.is(error, 'TRI_NAMESPACE_INVALID')) return undefined
      throw error
    }
    try {
      return await work(pod)
    } finally {
      pod.close()
    }
  }

  /**
   * The path may lead to another pod's namespace by now: only the mark tells. A process may have been killed before it
   * wrote the mark, which Linux takes in a second message: then it has our MAC, or, where that is the parent's, no address yet.
   */
  async #ownDevice(pod: Kernel, key: AttachmentKey): Promise<LinkReading | undefined> {
    const { links, addresses } = await pod.read({ links: [key.ifname], addresses: true })
    const [found] = links
    if (found === undefined) return undefined
    if (found.alias === podLinkAlias(this.#network, key)) return found
    if (found.alias !== undefined) return undefined
    const { kind } = found
    if (kind.type !== 'macvlan' && kind.type !== 'ipvlan') return undefined
    if (found.mac?.equals(this.#ownMac(key))) return found
    const isBare = !addresses.some(({ device, address }) => device === found.name && !address.isLinkLocal)
    return hasParentMac(kind) && isBare ? found : undefined
  }
}

/** Linux says EBUSY of a parent that has children of the other kind, EINVAL of one that a passthru macvlan has taken. */
function busyReason(error: unknown, type: string): string | undefined {
  if (!TrilaneError.is(error, 'TRI_KERNEL_REFUSED')) return undefined
  const { errno } = error.values
  const other = type === 'macvlan' ? 'ipvlan' : 'macvlan'
  if (errno === 'EBUSY') return `it carries ${other} devices, or is a port of a bridge or a bond`
  if (errno === 'EINVAL' && type === 'macvlan') return 'a macvlan in mode passthru has it for itself'
  return undefined
}
