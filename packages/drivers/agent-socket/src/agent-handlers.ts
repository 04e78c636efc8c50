import type {
  AttachmentRecord,
  AttachRequest,
  ConfigJson,
  LeaseJson,
  LeaseListJson,
  NodeStatus,
  ReconcileJson,
  ReserveJson
} from '@trilane/contracts'
import type { CniAnswer } from './cni-answer.ts'

export type DetachRequest = Pick<AttachRequest, 'network' | 'containerId' | 'ifname'>

/**
 * What the daemon does for its clients. Requests arrive checked, as values; a `TrilaneError` that is thrown crosses
 * the socket and comes out of {@link AgentClient} as one.
 */
export interface AgentHandlers {
  status(): Promise<NodeStatus>
  pods(): Promise<readonly AttachmentRecord[]>
  attach(request: AttachRequest): Promise<AttachmentRecord>
  detach(request: DetachRequest): Promise<void>
  reconcile(): Promise<ReconcileJson>
  leases(): Promise<LeaseListJson>
  /** What its texts say is checked here, not before. */
  reserve(wanted: ReserveJson): Promise<LeaseJson>
  release(key: string): Promise<LeaseJson>
  config(): Promise<ConfigJson>
  setConfig(text: string): Promise<ConfigJson>
  /** @param invocation the launcher's bytes, unread. Whatever they are, it answers; it does not throw. */
  cni(invocation: Uint8Array): Promise<CniAnswer>
}
