import type { IpAddress, PerFamily } from '@trilane/ip'
import type { AttachmentKey } from './address-pool.ts'

export const HOST_PORT_PROTOCOLS = ['tcp', 'udp', 'sctp'] as const
export type HostPortProtocol = (typeof HOST_PORT_PROTOCOLS)[number]

/** A port of the node that leads to a port of one pod. */
export interface HostPort {
  readonly protocol: HostPortProtocol
  /** 1 to 65535 */
  readonly hostPort: number
  /** Only what comes to this address of the node. Absent: to any of its addresses, of every family that the pod has. */
  readonly hostAddress?: IpAddress
  /** 1 to 65535 */
  readonly podPort: number
}

/** A {@link HostPort} in one family. A `hostAddress` is of the family of the pod's address. */
export interface PublishedPort extends HostPort {
  readonly podAddress: IpAddress
}

/** Whose ports they are. */
export interface HostPortOwner {
  readonly network: string
  readonly key: AttachmentKey
}

/**
 * The host ports of all pods of a node. Derived from attachment records: nothing of it is kept anywhere else.
 */
export interface HostPorts {
  /**
   * Opens ports: when this returns, packets find the pod. All or nothing.
   *
   * @throws TrilaneError `TRI_HOST_PORT_REFUSED` when another pod has one of them; what {@link Firewall} throws
   */
  publish(owner: HostPortOwner, ports: readonly HostPort[], addresses: PerFamily<IpAddress>): Promise<void>

  /** What a former process has published. Nothing is written: the first table of this one has it. Never throws. */
  restore(owner: HostPortOwner, ports: readonly HostPort[], addresses: PerFamily<IpAddress>): void

  /** Closes all ports of a pod. Never rejects: what cannot be written now is written later. */
  withdraw(owner: HostPortOwner): Promise<void>

  /** Why the ports of this pod lead nowhere, as one sentence each. */
  problems(owner: HostPortOwner): readonly string[]
}
