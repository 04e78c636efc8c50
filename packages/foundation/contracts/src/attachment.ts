import type { IpAddress, Mac, PerFamily, Range } from '@trilane/ip'
import type { AttachmentKey } from './address-pool.ts'
import type { HostPort } from './host-port.ts'
import type { IpamCall } from './ipam-call.ts'
import type { Bandwidth, GivenAddressing, PluggedLink } from './pod-link.ts'

/** A pod interface that this node was asked for, as it is kept on disk. */
export interface AttachmentRecord {
  readonly network: string
  readonly key: AttachmentKey
  /** Path of the pod's network namespace when it was attached. */
  readonly namespace: string
  /**
   * `plugging` is written before the kernel is touched: after a crash it says what to undo. `reserved`: the addresses
   * alone, for another plugin that plugs the pod in.
   */
  readonly phase: 'plugging' | 'plugged' | 'reserved'
  /** None yet while plugging. */
  readonly addresses: PerFamily<IpAddress>
  /** Present when plugged. */
  readonly link?: PluggedLink
  /** Name of the CNI network by whose config a runtime attached it; absent for what came otherwise. */
  readonly cniNetwork?: string
  /** Ports of the node that lead to it; absent for none. */
  readonly hostPorts?: readonly HostPort[]
  /** Another plugin gives its addresses, and takes them back by this call. Absent: they are of this node's subnets. */
  readonly ipam?: IpamCall
}

/** This node's disk for {@link AttachmentRecord}s of all networks. */
export interface AttachmentStore {
  /**
   * Replaces the record of the same network and key, whole or not at all. It has survived the end of this process when
   * this returns. A power failure may take it: that takes the pod and its link too, and the reservation, which is durable,
   * has the key (docs/decisions/0004).
   *
   * @throws TrilaneError `TRI_FILE`
   */
  write(record: AttachmentRecord): Promise<void>
  read(network: string, key: AttachmentKey): Promise<AttachmentRecord | undefined>
  /** Every readable record; a torn or foreign file is skipped and reported in `problems`. */
  list(): Promise<{ readonly records: readonly AttachmentRecord[]; readonly problems: readonly string[] }>
  /** Succeeds when there is none. */
  remove(network: string, key: AttachmentKey): Promise<void>
}

/** What an attach asks for. */
export interface AttachRequest {
  /** @default 'default' */
  readonly network?: string
  readonly containerId: string
  readonly ifname: string
  readonly namespace: string
  readonly addresses?: PerFamily<IpAddress>
  readonly mac?: Mac
  /** As in {@link AttachmentRecord}. */
  readonly cniNetwork?: string
  readonly bandwidth?: Bandwidth
  /** As in {@link AttachmentRecord}. */
  readonly hostPorts?: readonly HostPort[]
  /** The address of a family is to be out of one of these; see {@link AddressPool.reserve}. */
  readonly ranges?: PerFamily<readonly Range[]>
  /** Addresses come from another plugin. The call is written down first, then it is asked. */
  readonly ipam?: { readonly call: IpamCall; give(): Promise<GivenAddressing> }
}
