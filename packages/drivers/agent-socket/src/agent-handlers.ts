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
  /** @param network of several; absent: the only one, or `default` */
  leases(network?: string): Promise<LeaseListJson>
  /** What its texts say is checked here, not before. */
  reserve(wanted: ReserveJson, network?: string): Promise<LeaseJson>
  release(key: string, network?: string): Promise<LeaseJson>
  config(network?: string): Promise<ConfigJson>
  setConfig(text: string, network?: string): Promise<ConfigJson>
  /** @param invocation the launcher's bytes, unread. Whatever they are, it answers; it does not throw. */
  cni(invocation: Uint8Array): Promise<CniAnswer>
}
