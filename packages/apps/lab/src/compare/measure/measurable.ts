import { missingLinkTypes } from '@trilane/testbed'
import { promiseOf } from '../../promise.ts'
import { type ModeRun, modeNetwork } from '../modes.ts'

/** Figures of a guest kernel say nothing about this machine: what the running one cannot make is not measured. */
export async function measurable(
  asked: readonly ModeRun[]
): Promise<{ readonly runs: readonly ModeRun[]; readonly leftOut: readonly string[] }> {
  const runs: ModeRun[] = []
  const leftOut: string[] = []
  for (const run of asked) {
    const missing = missingLinkTypes(promiseOf((await modeNetwork(run.mode, 'single')).network).linkTypes)
    if (missing.length === 0) runs.push(run)
    else leftOut.push(`${run.id}: no figures, because this kernel has no ${missing.join(', ')}`)
  }
  return { runs, leftOut }
}
