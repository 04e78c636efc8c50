import type { IpAddress } from '@trilane/ip'
import type { TableRow, WalkFrame } from './frame.ts'
import type { Content } from './packet.ts'
import type { DeviceAt } from './tables.ts'

/** A packet that somebody wants to send. */
export interface WayQuestion {
  /** Name of the place. */
  readonly from: string
  /** Default: as the route says, else the first address of its device. */
  readonly source?: IpAddress
  readonly destination: IpAddress
  readonly content: Content
}

/** As far as the packet comes. */
export interface Way {
  /** Absent when it breaks before there is one. */
  readonly source?: IpAddress
  readonly destination: IpAddress
  readonly hops: readonly WayHop[]
  readonly outcome: Outcome
}

/** A frame at a device, as whoever captures there sees it. */
export interface WayHop extends DeviceAt {
  readonly role: HopRole
  readonly direction: 'out' | 'in'
  /** The rows that brought it here, in the order in which they are asked. */
  readonly rows: readonly TableRow[]
  readonly frame: WalkFrame
}

export type HopRole = 'pod' | 'host end' | 'bridge' | 'tunnel' | 'uplink' | 'switch' | 'router'

export type Outcome =
  | { readonly kind: 'arrived'; readonly place: string; readonly rows: readonly TableRow[] }
  /** On to machines whose tables nobody here has. */
  | ({ readonly kind: 'left' } & DeviceAt)
  | Broken

export interface Broken extends Partial<DeviceAt> {
  readonly kind: 'broken'
  readonly place: string
  /** `node1 has no route to 10.5.2.2`: a sentence without its full stop. */
  readonly reason: string
  /** What was asked on the way from the last hop, the row that decides last. */
  readonly rows: readonly TableRow[]
  /** Of a packet that is too large: the sender hears of it, and sends smaller ones. */
  readonly isTold?: boolean
}
