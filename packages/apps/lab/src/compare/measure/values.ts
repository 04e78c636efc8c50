import type { MetricId } from '../measurements.ts'

/** Values by metric, then by the subject's id, one a round. */
export class Values {
  readonly #values = new Map<MetricId, Map<string, number[]>>()

  add(metric: MetricId, id: string, value: number): void {
    const bySubject = this.#values.get(metric) ?? new Map<string, number[]>()
    this.#values.set(metric, bySubject)
    const values = bySubject.get(id) ?? []
    bySubject.set(id, values)
    values.push(value)
  }

  of(metric: MetricId): ReadonlyMap<string, readonly number[]> {
    return this.#values.get(metric) ?? new Map()
  }
}
