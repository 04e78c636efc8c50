/**
 * Wanted kernel state against actual: what differs, in which order to write it, what to sweep, and the
 * {@link Reconciler} that does it and goes on doing it.
 *
 * @packageDocumentation
 */
export { type ActualState, indexSnapshot } from './actual-state.ts'
export { type Comparison, compare, diff, type Ownership, ownedByMark } from './compare.ts'
export { firstDifference, kindDifference } from './first-difference.ts'
export * from './marks.ts'
export { orderChanges } from './order.ts'
export { planChanges, uninstallChanges } from './plan.ts'
export { Reconciler } from './reconciler.ts'
export type { PassReport, ReconcileCounters } from './report.ts'
export type { Standing } from './standing.ts'
export { type SweepScope, sweepChanges, type WantedByKey } from './sweep.ts'
