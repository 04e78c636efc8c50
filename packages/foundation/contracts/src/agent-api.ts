import type { Separation } from './backend.ts'
import type { ErrorJson } from './errors.ts'
import type { HostPortProtocol } from './host-port.ts'
import type { IpvlanKind, MacvlanKind } from './kernel-state.ts'

/**
 * What the daemon's socket speaks: HTTP/1.1 with JSON bodies over a Unix socket.
 *
 * | request | body | answer |
 * |---|---|---|
 * | `GET /v1/status` | | {@link NodeStatus} |
 * | `GET /v1/pods` | | {@link PodJson}[] |
 * | `POST /v1/pods` | {@link AttachJson} | {@link PodJson} |
 * | `DELETE /v1/pods` | {@link DetachJson} | `{}` |
 * | `GET /v1/leases` | | {@link LeaseListJson}: all of the store |
 * | `POST /v1/leases` | {@link ReserveJson} | {@link LeaseJson}: the reservation |
 * | `DELETE /v1/leases` | {@link ReleaseJson} | {@link LeaseJson}: what was removed |
 * | `GET /v1/config` | | {@link ConfigJson}: the network config in the store |
 * | `PUT /v1/config` | {@link SetConfigJson} | {@link ConfigJson} |
 * | `POST /v1/reconcile` | | {@link ReconcileJson}: a full pass now |
 * | `POST /v1/cni` | the CNI launcher's bytes | the text for stdout: 200 for exit status 0, 422 for 1 |
 *
 * A failure is answered with status 4xx or 5xx and an {@link ErrorJson}.
 */
export interface NodeStatus {
  readonly version: string
  readonly pid: number
  readonly name: string
  readonly machineId: string
  /** ms since 1970 */
  readonly startedAtMs: number
  readonly networks: readonly NetworkStatus[]
  /** Further networks, whose configs are not there yet, or cannot be used. @default none */
  readonly waiting?: readonly WaitingNetwork[]
}

export interface WaitingNetwork {
  readonly name: string
  /** Absent for the first moment. */
  readonly problem?: ErrorJson
}

export interface NetworkStatus {
  readonly name: string
  /** `starting`: no lease or no first full pass yet. `degraded`: see health. `ready`: wanted equals actual. */
  readonly state: 'starting' | 'ready' | 'degraded'
  readonly backend: string
  /** That may carry its peers, the preferred first. */
  readonly lanes: readonly LaneStatus[]
  readonly store: string
  readonly uplink?: {
    readonly name: string
    readonly mtuBytes: number
    readonly addresses: readonly string[]
  }
  readonly lease?: LeaseJson
  readonly podMtuBytes?: number
  /** Where pods are children of a device of the node: what they are, and of which. */
  readonly podsOn?: MacvlanKind | IpvlanKind
  /** Who of this node does not reach whom, as configured. @default none */
  readonly separations?: readonly Separation[]
  readonly peers: readonly PeerStatus[]
  readonly kernel: KernelStatus
  readonly pods: number
  readonly health: readonly HealthItem[]
}

export interface LeaseJson {
  readonly key: string
  readonly subnets: readonly string[]
  readonly publicAddresses: readonly string[]
  readonly backendType: string
  readonly node?: string
  readonly machineId?: string
  /** ms since 1970; absent for a reservation; `unknown` for a lease whose end only its holder knows */
  readonly expiresAtMs?: number | 'unknown'
}

export interface LaneStatus {
  /** Of its backend. */
  readonly type: string
  /** Why this node neither uses nor offers it. */
  readonly problem?: string
}

export interface PeerStatus {
  readonly lease: LeaseJson
  /** Which backend carries it; absent when none can. */
  readonly lane?: string
  /** Why this one, or why none, as one sentence. */
  readonly laneReason: string
  /** Since when; ms since 1970 */
  readonly laneSinceMs: number
  /** The lanes that would have been better, the best first. */
  readonly passedOver: readonly { readonly lane: string; readonly reason: string }[]
  /** Objects wanted in this kernel for this peer, and how many of them are there. */
  readonly wanted: number
  readonly present: number
  readonly error?: ErrorJson
}

/** This network's objects in this kernel, as of the last full pass or later. */
export interface KernelStatus {
  readonly wanted: number
  readonly present: number
  /** Commands that would make what is missing, as `ip` would be called. */
  readonly missing: readonly string[]
  /** Why they are missing, where a write of them was refused. */
  readonly refused: readonly ErrorJson[]
  /** Since the daemon started. */
  readonly writes: number
  readonly repairs: number
  readonly fullPasses: number
  readonly lastFullPassMs?: number
}

/** A lasting condition; it is gone from the list when it clears. */
export interface HealthItem {
  readonly code: string
  readonly severity: 'low' | 'medium' | 'high'
  readonly text: string
  readonly fix?: string
  /** ms since 1970 */
  readonly sinceMs: number
}

export interface AttachJson {
  readonly network?: string
  readonly containerId: string
  readonly ifname: string
  readonly namespace: string
  readonly addresses?: readonly string[]
  readonly mac?: string
  /** Ports of the node that lead to the pod. */
  readonly hostPorts?: readonly HostPortJson[]
  readonly bandwidth?: BandwidthJson
}

/** `HostPort`, with a text for the address. */
export interface HostPortJson {
  /** @default 'tcp' */
  readonly protocol?: HostPortProtocol
  readonly hostPort: number
  /** Absent: every address of the node. */
  readonly hostAddress?: string
  readonly podPort: number
}

/** How fast a pod may receive (`ingress`) and send (`egress`); absent: as fast as it can. */
export interface BandwidthJson {
  readonly ingress?: LimitJson
  readonly egress?: LimitJson
}

export interface LimitJson {
  readonly bytesPerSecond: number
  /** What may pass at once after a pause. @default what the rate carries in 100 ms; at least one frame */
  readonly burstBytes?: number
}

export interface DetachJson {
  readonly network?: string
  readonly containerId: string
  readonly ifname: string
}

export interface PodJson {
  readonly network: string
  readonly containerId: string
  readonly ifname: string
  readonly namespace: string
  readonly phase: 'plugging' | 'plugged' | 'reserved'
  readonly hostDevice?: string
  /** Of which device of the node its own is a child. */
  readonly parent?: string
  readonly mac?: string
  readonly mtuBytes?: number
  /** Absent for none. */
  readonly hostPorts?: readonly HostPortJson[]
  /** Absent for no limit. */
  readonly bandwidth?: BandwidthJson
  readonly addresses: readonly {
    readonly address: string
    readonly prefixLength: number
    /** Absent where no router leads out. */
    readonly gateway?: string
  }[]
}

export interface ReconcileJson {
  readonly writes: number
  readonly failures: readonly ErrorJson[]
}

export interface LeaseListJson {
  /** By key. */
  readonly leases: readonly LeaseJson[]
  /** Keys that are no lease. */
  readonly rejected: readonly ErrorJson[]
}

/** Subnets for a node that is not there yet: the one with this address or machine id; without either, for nobody. */
export interface ReserveJson {
  /** One of each family at most. */
  readonly subnets: readonly string[]
  readonly publicAddresses?: readonly string[]
  readonly machineId?: string
  /** Its name, for people. */
  readonly node?: string
}

export interface ReleaseJson {
  readonly key: string
}

export interface ConfigJson {
  readonly text: string
  readonly revision: number
}

export interface SetConfigJson {
  readonly text: string
}
