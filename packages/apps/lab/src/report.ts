/** What `lab run --json` prints: one object, nothing else on stdout. */
export interface LabReport {
  readonly lab: string
  /** The network config as it was read: path and text. */
  readonly config: { readonly path: string; readonly backend: string; readonly networks: readonly string[] }
  readonly nodes: readonly NodeReport[]
  readonly outside: { readonly name: string; readonly addresses: readonly string[] }
  readonly reachability: ReachabilityReport
  readonly elapsedMs: number
}

export interface NodeReport {
  readonly name: string
  readonly addresses: readonly string[]
  /** Network namespace: `nsenter --net=PATH`. */
  readonly namespace: string
  /** Key of its lease in the store. */
  readonly lease: string
  readonly subnets: readonly string[]
  readonly podMtuBytes: number
  /** As `ip route` and `ip -6 route` print them. */
  readonly routes: readonly string[]
  readonly pods: readonly PodReport[]
}

export interface PodReport {
  readonly name: string
  readonly addresses: readonly string[]
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
