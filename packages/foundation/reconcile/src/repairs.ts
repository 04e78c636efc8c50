import type { ChangeOutcome, KernelChange } from '@trilane/contracts'
import { neededDevicesOf } from './object-devices.ts'
import type { ReconcileCounters } from './report.ts'
import { endsStep, type Steps } from './slices.ts'

/**
 * Counts the changes of a pass that no change of a wish had caused.
 *
 * @param keys of the outcomes, in the same order
 * @param owed keys whose wish changed and was not written yet
 * @param former what to count on from
 */
export function* countingRepairs(
  outcomes: readonly ChangeOutcome[],
  keys: readonly string[],
  owed: ReadonlySet<string>,
  former: ReconcileCounters
): Steps<Pick<ReconcileCounters, 'repairs' | 'repairsByKind'>> {
  let { repairs } = former
  const repairsByKind = { ...former.repairsByKind }
  for (const [index, { change, error }] of outcomes.entries()) {
    if (endsStep(index)) yield
    if (error !== undefined || isCausedBy(owed, keys[index] ?? '', change)) continue
    repairs += 1
    repairsByKind[change.kind] += 1
  }
  return { repairs, repairsByKind }
}

/** Is its key one of these, or did the device that it needs have to be written because of one? */
function isCausedBy(owed: ReadonlySet<string>, key: string, change: KernelChange): boolean {
  return owed.has(key) || neededDevicesOf(change).some((device) => owed.has(`link ${device}`))
}
