import type { AttachmentKey, PluggedLink, PluggedPod, PodLinkRequest } from '@trilane/contracts'

/** `PodLinks` for one way of plugging pods in; `NodePodLinks` chooses among them. */
export interface OneKindOfLinks<Spec> {
  plug(spec: Spec, request: PodLinkRequest): Promise<PluggedLink>
  /** @returns was there anything to remove? */
  unplug(key: AttachmentKey, namespace?: string): Promise<boolean>
  inspect(pod: PluggedPod): Promise<readonly string[]>
  isPlugged(key: AttachmentKey, namespace?: string): Promise<boolean>
}
