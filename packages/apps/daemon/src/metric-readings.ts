import type { HealthItem } from '@trilane/contracts'
import type { ReconcileCounters } from '@trilane/reconcile'

/** What is measured of one network when somebody asks. */
export interface NetworkReading {
  readonly network: string
  /** How many peers by lane; `none` for those that cannot be served. */
  readonly peersByLane: ReadonlyMap<string, number>
  readonly pods: number
  /** Objects of this network in this kernel, wanted and there. */
  readonly objects: { readonly wanted: number; readonly present: number }
  readonly health: readonly HealthItem[]
  /** Absent without a lease; a reservation has neither. */
  readonly lease?: { readonly expiresAtMs?: number; readonly ageMs?: number }
}

/** What is measured when somebody asks. Everything else is counted when it happens. */
export interface MetricsReading {
  readonly ready: boolean
  /** Absent as long as the network config is waited for. */
  readonly agent?: {
    readonly counters: ReconcileCounters
    readonly firewallRepairs: number
    readonly networks: readonly NetworkReading[]
  }
}

export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

interface ReadMetric {
  readonly type: 'gauge' | 'counter'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly samples: (reading: MetricsReading) => readonly Sample[]
}

const SEVERITIES = ['low', 'medium', 'high'] as const

const metric = (
  type: ReadMetric['type'],
  name: string,
  help: string,
  labels: readonly string[],
  samples: ReadMetric['samples']
): ReadMetric => ({ type, name, help, labels, samples })

const counter = (name: string, help: string, value: (counters: ReconcileCounters) => number): ReadMetric =>
  metric('counter', name, help, [], ({ agent }) => (agent === undefined ? [] : [[{}, value(agent.counters)]]))

const ofNetworks = (
  name: string,
  help: string,
  labels: readonly string[],
  samples: (network: NetworkReading) => readonly Sample[]
): ReadMetric =>
  metric('gauge', name, help, ['network', ...labels], ({ agent }) =>
    (agent?.networks ?? []).flatMap((reading) =>
      samples(reading).map(([more, value]): Sample => [{ network: reading.network, ...more }, value])
    )
  )

const known = (value: number | undefined): readonly Sample[] =>
  value === undefined ? [] : [[{}, value / 1_000]]

/** Every metric that is read when somebody asks. */
export const READ_METRICS: readonly ReadMetric[] = [
  metric('gauge', 'trilane_ready', 'Whether /readyz says so.', [], ({ ready }) => [[{}, ready ? 1 : 0]]),
  ofNetworks(
    'trilane_peers',
    'Other nodes by the lane that carries them; none: not served.',
    ['lane'],
    (network) => [...network.peersByLane].map(([lane, peers]) => [{ lane }, peers])
  ),
  ofNetworks('trilane_pods', 'Pods attached on this node.', [], ({ pods }) => [[{}, pods]]),
  ofNetworks(
    'trilane_kernel_objects',
    'Objects in this kernel, wanted and present.',
    ['state'],
    ({ objects }) => [
      [{ state: 'wanted' }, objects.wanted],
      [{ state: 'present' }, objects.present]
    ]
  ),
  ofNetworks(
    'trilane_health_items',
    'Lasting conditions, as trilane status lists them.',
    ['severity'],
    ({ health }) =>
      SEVERITIES.map((severity) => [{ severity }, health.filter((item) => item.severity === severity).length])
  ),
  ofNetworks(
    'trilane_lease_expiry_timestamp_seconds',
    'When the lease ends unless renewed, Unix time.',
    [],
    (network) => known(network.lease?.expiresAtMs)
  ),
  ofNetworks('trilane_lease_age_seconds', 'How long ago the lease was made or renewed.', [], (network) =>
    known(network.lease?.ageMs)
  ),
  counter('trilane_kernel_writes_total', 'Changes done in the kernel.', ({ writes }) => writes),
  counter(
    'trilane_kernel_write_failures_total',
    'Changes that the kernel refused.',
    ({ failures }) => failures
  ),
  counter(
    'trilane_full_passes_total',
    'Comparisons of the whole kernel state.',
    ({ fullPasses }) => fullPasses
  ),
  metric(
    'counter',
    'trilane_repairs_total',
    'Changes that undid what somebody else did, by kind.',
    ['kind'],
    ({ agent }) =>
      Object.entries(agent?.counters.repairsByKind ?? {}).map(([kind, repairs]) => [{ kind }, repairs])
  ),
  metric(
    'counter',
    'trilane_firewall_repairs_total',
    'Times that the firewall was not as wanted.',
    [],
    ({ agent }) => (agent === undefined ? [] : [[{}, agent.firewallRepairs]])
  )
]
