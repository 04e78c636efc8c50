import type { IpAddress, Mac } from '@trilane/ip'
import type { Kernel } from './kernel.ts'

/**
 * Asks the network that a device is plugged into what it carries: what `trilane doctor` tries. Nothing that it sends takes
 * an address or a lease. A device that cannot send is `TRI_KERNEL_REFUSED`, one that is not there `TRI_KERNEL_NOT_FOUND`.
 */
export interface Segment {
  /** A namespace of nobody's, for devices that are made to be tried. The caller closes it. */
  scratch(): Promise<ScratchNamespace>

  /**
   * An ARP request or a neighbour solicitation, as a machine with the address `source` and this device's MAC would send it.
   *
   * @returns the MAC of who has `address`; `undefined` when nobody answers in time
   */
  resolve(sender: SegmentSender, address: IpAddress, waitMs: number): Promise<Mac | undefined>

  /**
   * An ICMP echo request, not to be fragmented.
   *
   * @returns was it answered, or looked the other one for the sender to answer it? Its packet arrived, then
   */
  ping(sender: SegmentSender, to: PingTarget, waitMs: number): Promise<boolean>

  /** A DHCPDISCOVER of this device's MAC (RFC 2131), which is left at that: the first offer; `undefined`: none in time. */
  dhcpOffer(device: string, waitMs: number): Promise<DhcpOffer | undefined>

  /** How many want the device to hear frames of every MAC: `ip -d link show`. */
  promiscuity(device: string): Promise<number>

  /** Has the device hear frames of every MAC: `ip link set … promisc on`. @returns what ends it */
  hearEverything(device: string): Promise<() => void>
}

/** A network namespace without a name. Devices in it go with it. */
export interface ScratchNamespace {
  /** For {@link Link.namespace}; valid in this process only. */
  readonly path: string
  readonly kernel: Kernel
  close(): void
}

export interface SegmentSender {
  readonly device: string
  /** Need not be the device's. */
  readonly source: IpAddress
}

export interface PingTarget {
  readonly address: IpAddress
  readonly mac: Mac
  /** Of the whole IP packet. */
  readonly sizeBytes: number
}

/** What a DHCP server says that it would give. */
export interface DhcpOffer {
  readonly server: IpAddress
  readonly address: IpAddress
}
