/** What `lab run --json` prints: one object, nothing else on stdout. */
export interface LabReport {
  readonly lab: string
  /** The network config as it was read: path and text. */
  readonly config: { readonly path: string; readonly backend: string; readonly networks: readonly string[] }
  readonly nodes: readonly NodeReport[]
  readonly outside: { readonly name: string; readonly addresses: readonly string[] }
  /** Where pods are on the nodes' own network: their way out. */
  readonly router?: { readonly name: string; readonly addresses: readonly string[] }
  readonly reachability: ReachabilityReport
  readonly ways: readonly WayReport[]
  readonly elapsedMs: number
}

export interface NodeReport {
  readonly name: string
  readonly addresses: readonly string[]
  /** Of its `eth0`. */
  readonly mac: string
  /** Network namespace: `nsenter --net=PATH`. */
  readonly namespace: string
  /** Key of its lease in the store. */
  readonly lease: string
  readonly subnets: readonly string[]
  readonly podMtuBytes: number
  /** Device that pods stand on, where they are on the nodes' own network. */
  readonly podsOn?: string
  /** As `ip route` and `ip -6 route` print them. */
  readonly routes: readonly string[]
  readonly pods: readonly PodReport[]
}

export interface PodReport {
  readonly name: string
  readonly addresses: readonly string[]
  /** Of its `eth0`. */
  readonly mac: string
  readonly namespace: string
  /** Duration of the attach as the caller saw it. */
  readonly attachMs: number
}

export interface ReachabilityReport {
  /** How many pairs were expected to talk. */
  readonly expected: number
  readonly passed: number
  readonly failed: readonly {
    readonly from: string
    readonly to: string
    readonly address: string
    readonly reason: string
  }[]
}

/** From one node to another in one family: what its first pods could send each other, and how it was carried. */
export interface WayReport {
  /** `node1/pod1` */
  readonly from: string
  readonly to: string
  readonly source: string
  readonly destination: string
  /** Of the pods: a packet of this size that may not be fragmented must be answered, one byte more must be refused. */
  readonly mtuBytes: number
  readonly fits: boolean
  readonly oneMoreRefused: boolean
  /** Backend that carries it, as the node's status says. */
  readonly lane?: string
  /** What the nodes' segment saw of the packet that fits; absent when nothing. */
  readonly wire?: Carriage
  /** What is not as the network config promises; empty when all is. */
  readonly failures: readonly string[]
}

/** A frame on the nodes' segment: the pods' packet itself, or one around it. */
export type Carriage =
  | {
      readonly in: 'plain'
      readonly bytes: number
      /** Of the sender, as the switch sees it. */
      readonly mac: string
      /** 802.1q tag, if it has one. */
      readonly vlanId?: number
    }
  | {
      readonly in: 'vxlan'
      readonly vni: number
      readonly port: number
      readonly source: string
      readonly destination: string
      /** Whole outer frame. */
      readonly bytes: number
    }

/** Is everything as the network config promises? */
export function isAsPromised({ reachability, ways }: Pick<LabReport, 'reachability' | 'ways'>): boolean {
  return reachability.failed.length === 0 && ways.every(({ failures }) => failures.length === 0)
}

/** One thing that was tried: a packet and its answer. */
export interface Check {
  readonly from: string
  readonly to: string
  readonly address: string
  /** Absent when the answer came. */
  readonly failure?: string
}

export function reachabilityReport(checks: readonly Check[]): ReachabilityReport {
  const failed = checks.flatMap(({ from, to, address, failure }) =>
    failure === undefined ? [] : [{ from, to, address, reason: failure }]
  )
  return { expected: checks.length, passed: checks.length - failed.length, failed }
}
