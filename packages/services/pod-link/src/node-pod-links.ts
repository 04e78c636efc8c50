import type {
  AttachmentKey,
  BridgedPodLink,
  ChildPodLink,
  Clock,
  Kernel,
  Logger,
  PluggedLink,
  PluggedPod,
  PodLinkRequest,
  PodLinkSpec,
  PodLinks
} from '@trilane/contracts'
import { BridgePodLinks } from './bridge-pod-links.ts'
import { ChildPodLinks } from './child-pod-links.ts'
import type { OneKindOfLinks } from './one-kind-of-links.ts'

/**
 * Plugs the pods of one network in as its backend says, and finds those that were plugged in otherwise before the backend
 * was changed.
 */
export class NodePodLinks implements PodLinks {
  readonly #bridged: OneKindOfLinks<BridgedPodLink>
  readonly #children: OneKindOfLinks<ChildPodLink>

  /** @param parts kernel: of the node; network: its name */
  constructor(parts: {
    readonly kernel: Kernel
    readonly network: string
    readonly machineId: string
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#bridged = new BridgePodLinks(parts)
    this.#children = new ChildPodLinks(parts)
  }

  plug(spec: PodLinkSpec, request: PodLinkRequest): Promise<PluggedLink> {
    return spec.type === 'bridge' ? this.#bridged.plug(spec, request) : this.#children.plug(spec, request)
  }

  /** The node's own namespace first: to look into a pod's costs more. */
  async unplug(key: AttachmentKey, namespace?: string): Promise<void> {
    if (!(await this.#bridged.unplug(key))) await this.#children.unplug(key, namespace)
  }

  async isPlugged(key: AttachmentKey, namespace?: string): Promise<boolean> {
    return (await this.#bridged.isPlugged(key)) || this.#children.isPlugged(key, namespace)
  }

  inspect(pod: PluggedPod): Promise<readonly string[]> {
    return pod.link.child === undefined ? this.#bridged.inspect(pod) : this.#children.inspect(pod)
  }
}
