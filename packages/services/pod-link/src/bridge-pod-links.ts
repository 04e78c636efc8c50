import {
  type AttachmentKey,
  type BridgedPodLink,
  type Clock,
  type Kernel,
  type KernelChange,
  type Logger,
  type PluggedLink,
  type PluggedPod,
  type PodLinkRequest,
  TrilaneError
} from '@trilane/contracts'
import { podLinkAlias } from '@trilane/reconcile'
import { applyAll } from './apply-all.ts'
import { CarrierWatch } from './carrier-watch.ts'
import { derivedMacs, hostDeviceName } from './names.ts'
import type { OneKindOfLinks } from './one-kind-of-links.ts'
import { type PodLinkPlan, podLinkStates } from './pod-link-states.ts'
import { nodeProblems, podProblems } from './pod-problems.ts'

/** The carrier takes a fraction of a millisecond; after this the pod is announced without it. */
const CARRIER_PATIENCE_MS = 1_000

/** Plugs the pods of one network into the node's bridge. */
export class BridgePodLinks implements OneKindOfLinks<BridgedPodLink> {
  readonly #kernel: Kernel
  readonly #network: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #carriers: CarrierWatch

  /** @param parts kernel: of the node; network: its name */
  constructor(parts: {
    readonly kernel: Kernel
    readonly network: string
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#kernel = parts.kernel
    this.#network = parts.network
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#carriers = new CarrierWatch(parts.kernel)
  }

  async plug(spec: BridgedPodLink, request: PodLinkRequest): Promise<PluggedLink> {
    const plan = podLinkStates(this.#network, spec, request)
    const pod = await this.#kernel.namespace(request.namespace)
    try {
      await this.#create(plan, pod, request)
      await this.#configure(plan, pod)
      return plan.link
    } finally {
      pod.close()
    }
  }

  async unplug(key: AttachmentKey): Promise<boolean> {
    const device = await this.#ownDevice(key)
    if (device === undefined) return false
    await applyAll(this.#kernel, [removal(device)])
    return true
  }

  async isPlugged(key: AttachmentKey): Promise<boolean> {
    return (await this.#ownDevice(key)) !== undefined
  }

  async inspect(plugged: PluggedPod): Promise<readonly string[]> {
    const { hostDevice, bridge } = plugged.link
    const links = [hostDevice, bridge].filter((name) => name !== undefined)
    const node = await this.#kernel.read({ links, addresses: true })
    const problems = nodeProblems(this.#network, plugged, node)
    try {
      const pod = await this.#kernel.namespace(plugged.namespace)
      try {
        const { ifname } = plugged.key
        const inside = await pod.read({ links: [ifname], addresses: true, routes: 'main' })
        return [...problems, ...podProblems(plugged, inside)]
      } finally {
        pod.close()
      }
    } catch (error) {
      if (TrilaneError.is(error, 'TRI_NAMESPACE_INVALID')) return [...problems, error.message]
      throw error
    }
  }

  /** The pair. A `create` that fails has left nothing: the port promises it. */
  async #create(plan: PodLinkPlan, pod: Kernel, request: PodLinkRequest): Promise<void> {
    try {
      await applyAll(this.#kernel, plan.node)
    } catch (error) {
      if (!TrilaneError.is(error, 'TRI_KERNEL_EXISTS')) throw error
      // One errno for both names: only the pod's namespace tells which of them is in use.
      const { ifname } = request.key
      const { links } = await pod.read({ links: [ifname] })
      if (links.length === 0) throw error
      const values = { namespace: request.namespace, ifname }
      throw TrilaneError.of('TRI_POD_INTERFACE_EXISTS', values, { cause: error })
    }
  }

  async #configure(plan: PodLinkPlan, pod: Kernel): Promise<void> {
    const { hostDevice } = plan.link
    try {
      await applyAll(this.#kernel, [...plan.limit, ...plan.gateways])
      await this.#configurePod(plan, pod)
    } catch (error) {
      await this.#undo(hostDevice)
      throw error
    }
    await this.#untilOperational(hostDevice)
    try {
      await pod.announce(plan.announcements)
    } catch (error) {
      // The pod works; neighbours that remember a former owner of the address find out by themselves.
      this.#logger.warn('pod not announced', { device: hostDevice, error: TrilaneError.from(error) })
    }
  }

  /** Newer kernels make it so when they are asked: nearly always there is nothing to look out for. */
  async #untilOperational(device: string): Promise<void> {
    if (await this.#isOperational(device)) return
    const carrier = this.#carriers.expect(device)
    try {
      // Asked again: it may have become so before anybody looked out for it.
      if (!(await this.#isOperational(device))) await this.#within(CARRIER_PATIENCE_MS, carrier.seen)
    } finally {
      carrier.end()
    }
  }

  async #isOperational(device: string): Promise<boolean> {
    const { links } = await this.#kernel.read({ links: [device] })
    return links[0]?.operational === true
  }

  async #configurePod(plan: PodLinkPlan, pod: Kernel): Promise<void> {
    for (const { change, error } of await pod.apply(plan.pod)) {
      if (error === undefined) continue
      // A pod with several interfaces: the first attached one leads there.
      if (change.kind !== 'route' || error.code !== 'TRI_KERNEL_EXISTS') throw error
      const { hostDevice } = plan.link
      this.#logger.info('pod has a route already', {
        device: hostDevice,
        route: change.value.destination
      })
    }
  }

  /** Failing to clean up must not hide why: it is logged, and the mark lets the sweep find what is left. */
  async #undo(device: string): Promise<void> {
    try {
      await applyAll(this.#kernel, [removal(device)])
    } catch (error) {
      this.#logger.error('pod link left behind', { device, error: TrilaneError.from(error) })
    }
  }

  /**
   * The name is only derived: a device that happens to have it and not our mark is somebody else's. Except the one with
   * no mark at all and our MAC: Linux takes the mark in a second message, before which a process may have been killed.
   */
  async #ownDevice(key: AttachmentKey): Promise<string | undefined> {
    const device = hostDeviceName(this.#network, key)
    const { links } = await this.#kernel.read({ links: [device] })
    const [found] = links
    if (found === undefined) return undefined
    if (found.alias === podLinkAlias(this.#network, key)) return device
    const { host } = derivedMacs(this.#network, key)
    if (found.alias === undefined && found.kind.type === 'veth' && found.mac?.equals(host)) return device
    this.#logger.warn('device has the name of a pod link but not its mark', { device, alias: found.alias })
    return undefined
  }

  async #within(ms: number, done: Promise<void>): Promise<void> {
    const patience = new AbortController()
    await Promise.race([done, this.#clock.sleep(ms, patience.signal)])
    patience.abort()
  }
}

/** `ip link del dev NAME`: takes the pod's end with it. */
function removal(device: string): KernelChange {
  return { kind: 'link', action: 'remove', value: { name: device, kind: { type: 'veth' } } }
}
