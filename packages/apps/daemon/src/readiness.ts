import type { Clock } from '@trilane/contracts'
import type { Standing } from '@trilane/reconcile'
import type { Condition } from './health.ts'
import type { Pulse } from './pulse.ts'

/** One network as readiness sees it. */
export interface ReadinessSource {
  readonly name: string
  /** Its first full pass is done, and `subnet.env` was written for the first time. */
  readonly ready: boolean
  /** Lasting conditions by key: `uplink`, `peer 10.5.2.0-24`. */
  readonly conditions: ReadonlyMap<string, Condition>
  /** Of what the node needs whoever its peers are. */
  readonly standing: Pick<Standing, 'wanted' | 'present'>
}

/** Without these a pod that starts now has no network, or another than it should: no grace. */
const AT_ONCE: ReadonlySet<string> = new Set(['subnet.env', 'firewall'])

/** One bad peer or lease must not take every node out of service, nor a config that none of them uses. */
const NOT_COUNTED = /^(?:(?:peer|lease) |config$)/

/**
 * May this node get pods? Once everything has been made, and as long as it can be kept: a condition of medium or high
 * severity, or something missing in the kernel, that lasts longer than the grace ends it. What concerns a single peer
 * does not.
 */
export class Readiness {
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #pulse: Pulse
  #sources: () => readonly ReadinessSource[] | undefined = () => undefined
  /** By network: monotonic ms. */
  readonly #incompleteSince = new Map<string, number>()

  constructor(parts: { readonly clock: Clock; readonly graceMs: number; readonly pulse: Pulse }) {
    this.#clock = parts.clock
    this.#graceMs = parts.graceMs
    this.#pulse = parts.pulse
  }

  /** The networks are known from now on. */
  of(sources: () => readonly ReadinessSource[]): void {
    this.#sources = sources
  }

  /** Looks at what is missing now. Called after each turn of the reconciler, so that a lack is noticed when it starts. */
  look(): void {
    for (const { name, standing } of this.#sources() ?? []) {
      if (standing.present >= standing.wanted) this.#incompleteSince.delete(name)
      else if (!this.#incompleteSince.has(name)) this.#incompleteSince.set(name, this.#clock.monotonicMs())
    }
  }

  /** What stands between this node and its pods, one line each. Empty: it is ready. */
  missing(): readonly string[] {
    const sources = this.#sources()
    if (sources === undefined || sources.length === 0) return ['the network config is not known yet']
    this.look()
    const silentMs = this.#pulse.silentMs()
    const silent =
      silentMs === undefined ? [] : [`the reconciler has not been heard of for ${seconds(silentMs)}`]
    return [...silent, ...sources.flatMap((source) => this.#missingOf(source))]
  }

  #missingOf(source: ReadinessSource): string[] {
    const lines = [...source.conditions]
      .filter(([key, condition]) => this.#counts(key, condition, source.ready))
      .map(([, { item }]) => `${source.name}: ${item.code}: ${item.text}`)
    if (!source.ready && lines.length === 0) return [`${source.name}: its first full pass is not done yet`]
    const since = this.#incompleteSince.get(source.name)
    const lastsMs = since === undefined ? 0 : this.#clock.monotonicMs() - since
    if (source.ready && lastsMs > this.#graceMs) {
      const { wanted, present } = source.standing
      lines.push(
        `${source.name}: ${wanted - present} of ${wanted} objects are missing for ${seconds(lastsMs)}`
      )
    }
    return lines
  }

  #counts(key: string, { item, sinceMs }: Condition, ready: boolean): boolean {
    if (item.severity === 'low' || NOT_COUNTED.test(key)) return false
    return !ready || AT_ONCE.has(key) || this.#clock.monotonicMs() - sinceMs > this.#graceMs
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`
}
