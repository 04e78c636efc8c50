import { TrilaneError } from '@trilane/contracts'
import { parseHandicap } from '../compare/measure/handicaps.ts'
import { measureModes } from '../compare/measure/measure-modes.ts'
import { modeRuns } from '../compare/modes.ts'
import type { CompareReport } from '../compare/report.ts'
import { progressOn } from '../progress.ts'

export interface CompareOptions {
  readonly backends: string
  readonly quick?: boolean
  readonly json?: boolean
  readonly handicap?: readonly string[]
  readonly rounds?: string
  readonly window?: string
}

/** Asked for when nothing else is. */
export const DEFAULT_MODES = 'macvlan,host-gw,vxlan-direct,vxlan'

/** `compare`: the modes side by side, measured here and now. @returns the exit status */
export async function compare(options: CompareOptions): Promise<number> {
  const started = performance.now()
  const startedAt = new Date().toISOString()
  const runs = modeRuns(options.backends)
  const rounds = countOf('rounds', options.rounds, 5, 100)
  const durationMs = countOf('window', options.window, 10, 5_000)
  const handicaps = (options.handicap ?? []).map((text) =>
    parseHandicap(
      text,
      runs.map(({ id }) => id)
    )
  )
  if (process.getuid?.() !== 0) throw TrilaneError.of('TRI_NOT_ROOT', { what: 'a comparison' })
  takeDownOnSignal()
  const progress = progressOn(process.stderr)
  const { measurements, conditions, modes, leftOut } = await measureModes(
    runs,
    {
      quick: options.quick === true,
      handicaps,
      ...(rounds === undefined ? {} : { rounds }),
      ...(durationMs === undefined ? {} : { durationMs })
    },
    progress.tell
  ).finally(progress.end)
  const report: CompareReport = {
    schema: 'trilane-compare/1',
    startedAt,
    elapsedMs: Math.round(performance.now() - started),
    quick: options.quick === true,
    conditions,
    modes,
    ...(measurements === undefined ? {} : { measurements }),
    matrices: [],
    walks: [],
    leftOut
  }
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  return 0
}

/** Every testbed takes itself down at the end of the process, and what was started for one ends with it. */
function takeDownOnSignal(): void {
  process.once('SIGINT', () => process.exit(128 + 2))
  process.once('SIGTERM', () => process.exit(128 + 15))
}

function countOf(what: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined
  const count = Number(text)
  if (Number.isInteger(count) && count >= least && count <= most) return count
  throw TrilaneError.of('TRI_USAGE', {
    problem: `--${what} ${text}: ${least} to ${most}`,
    command: 'compare'
  })
}
