import type { PassReport } from '@trilane/reconcile'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type MetricsReading, READ_METRICS } from './metric-readings.ts'

/** A pass of a node with few peers takes milliseconds; one with thousands, or a kernel in trouble, seconds. */
const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * What Prometheus is told: {@link READ_METRICS}, and what is counted here when it happens. A registry of its own: nothing
 * that another library puts into prom-client's global one gets out.
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #reconcileSeconds: Histogram<'kind'>
  readonly #storeErrors: Counter
  readonly #podSeconds: Histogram<'verb' | 'outcome'>
  readonly #read: readonly (readonly [Gauge | Counter, (typeof READ_METRICS)[number]])[]

  constructor(build: { readonly version: string; readonly nodeVersion: string }) {
    const registers = [this.#registry]
    new Gauge({
      name: 'trilane_build_info',
      help: 'Always 1; versions of the daemon and of its runtime.',
      labelNames: ['version', 'node_version'],
      registers
    }).set({ version: build.version, node_version: build.nodeVersion }, 1)
    this.#read = READ_METRICS.map((row) => {
      const { type, name, help, labels } = row
      const options = { name, help, labelNames: [...labels], registers }
      return [type === 'gauge' ? new Gauge(options) : new Counter(options), row]
    })
    this.#reconcileSeconds = new Histogram({
      name: 'trilane_reconcile_seconds',
      help: 'How long the reconciler worked: a pass compares everything, a flush what changed.',
      labelNames: ['kind'],
      buckets: BUCKETS_SECONDS,
      registers
    })
    this.#podSeconds = new Histogram({
      name: 'trilane_pod_seconds',
      help: 'How long it took to attach or detach a pod.',
      labelNames: ['verb', 'outcome'],
      buckets: BUCKETS_SECONDS,
      registers
    })
    this.#storeErrors = new Counter({
      name: 'trilane_store_errors_total',
      help: 'Requests to the store that failed.',
      registers
    })
    collectDefaultMetrics({ register: this.#registry })
  }

  worked(kind: 'pass' | 'flush', report: PassReport): void {
    this.#reconcileSeconds.observe({ kind }, report.durationMs / 1_000)
  }

  storeFailed(): void {
    this.#storeErrors.inc()
  }

  /** Measures an attachment or its end. */
  async pod<T>(verb: 'attach' | 'detach', act: () => Promise<T>): Promise<T> {
    const end = this.#podSeconds.startTimer({ verb })
    try {
      const result = await act()
      end({ outcome: 'done' })
      return result
    } catch (error) {
      end({ outcome: 'failed' })
      throw error
    }
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Prometheus' text format. */
  text(reading: MetricsReading): Promise<string> {
    for (const [metric, { samples }] of this.#read) {
      metric.reset()
      for (const [labels, value] of samples(reading)) metric.inc({ ...labels }, value)
    }
    return this.#registry.metrics()
  }

  /** All of ours, without those of process and runtime. */
  async described(): Promise<readonly { readonly name: string; readonly help: string }[]> {
    const all = await this.#registry.getMetricsAsJSON()
    return all.filter(({ name }) => name.startsWith('trilane_'))
  }
}
